//! `POST /uploads`

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::header::LOCATION;
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::api::uploads;
use crate::documents::{Creation, Documents};
use crate::envelope::MAX_HEADER_BYTES;
use crate::http::extract::require_media_type;
use crate::http::{Problem, tus};

use super::Sending;

pub(in crate::http) async fn create(
    State(documents): State<Documents>,
    Sending(sender): Sending,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    tus::require_version(&headers)?;
    require_media_type(&headers, uploads::CONTENT_TYPE)?;
    let most = documents.settings().max_document_bytes + MAX_HEADER_BYTES as u64;
    let length = tus::upload_length(&headers, most)?;
    let metadata = tus::upload_metadata(&headers)?;
    let body = super::body_with_checksum(&headers, body).await?;
    let creation = Creation { metadata, length };
    let progress = documents.create(sender, creation, body).await?;
    let mut response = Response::default();
    *response.status_mut() = StatusCode::CREATED;
    *response.headers_mut() = super::standing(&progress);
    let location = HeaderValue::try_from(super::location(sender, metadata.document));
    let location = location.map_err(|e| Problem::internal(&e))?;
    response.headers_mut().insert(LOCATION, location);
    Ok(response)
}
