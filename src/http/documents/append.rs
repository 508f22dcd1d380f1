//! `PATCH /uploads/{document}`

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use crate::api::uploads;
use crate::documents::Documents;
use crate::http::extract::require_media_type;
use crate::http::{Path, Problem, tus};
use crate::ids::DocumentId;

use super::Sending;

pub(in crate::http) async fn append(
    State(documents): State<Documents>,
    Sending(sender): Sending,
    Path(document): Path<DocumentId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    tus::require_version(&headers)?;
    require_media_type(&headers, uploads::CONTENT_TYPE)?;
    let offset = tus::upload_offset(&headers)?;
    let body = super::body_with_checksum(&headers, body).await?;
    let progress = documents.append(sender, document, offset, body).await?;
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    *response.headers_mut() = super::standing(&progress);
    Ok(response)
}
