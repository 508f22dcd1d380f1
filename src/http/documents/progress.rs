//! `HEAD /uploads/{document}`

use axum::extract::State;
use http::HeaderMap;

use crate::documents::Documents;
use crate::http::{Path, Problem, tus};
use crate::ids::DocumentId;

use super::Sending;

pub(in crate::http) async fn progress(
    State(documents): State<Documents>,
    Sending(sender): Sending,
    Path(document): Path<DocumentId>,
    headers: HeaderMap,
) -> Result<HeaderMap, Problem> {
    tus::require_version(&headers)?;
    Ok(super::standing(&documents.progress(sender, document).await?))
}
