//! `DELETE /uploads/{document}`

use axum::extract::State;
use http::{HeaderMap, StatusCode};

use crate::documents::Documents;
use crate::http::{Path, Problem, tus};
use crate::ids::DocumentId;

use super::Sending;

pub(in crate::http) async fn terminate(
    State(documents): State<Documents>,
    Sending(sender): Sending,
    Path(document): Path<DocumentId>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    tus::require_version(&headers)?;
    documents.terminate(sender, document).await?;
    Ok(StatusCode::NO_CONTENT)
}
