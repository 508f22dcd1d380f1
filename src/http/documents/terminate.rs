//! `DELETE /uploads/{document}`

use axum::extract::State;
use http::{HeaderMap, StatusCode};

use crate::documents::Documents;
use crate::http::{Caller, Path, Problem, tus};
use crate::ids::DocumentId;

pub(super) async fn terminate(
    State(documents): State<Documents>,
    caller: Caller,
    Path(document): Path<DocumentId>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    tus::require_version(&headers)?;
    documents.terminate(caller.into(), document).await?;
    Ok(StatusCode::NO_CONTENT)
}
