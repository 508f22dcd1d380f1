//! `HEAD /uploads/{document}`

use axum::extract::State;
use http::HeaderMap;

use crate::documents::Documents;
use crate::http::{Caller, Path, Problem, tus};
use crate::ids::DocumentId;

pub(super) async fn progress(
    State(documents): State<Documents>,
    caller: Caller,
    Path(document): Path<DocumentId>,
    headers: HeaderMap,
) -> Result<HeaderMap, Problem> {
    tus::require_version(&headers)?;
    Ok(super::standing(&documents.progress(caller.into(), document).await?))
}
