//! `POST /documents/{document}/pulled`

use axum::extract::State;
use http::StatusCode;

use crate::documents::Documents;
use crate::http::{Caller, Path, Problem};
use crate::ids::DocumentId;

pub(super) async fn pulled(
    State(documents): State<Documents>,
    caller: Caller,
    Path(document): Path<DocumentId>,
) -> Result<StatusCode, Problem> {
    documents.pulled(caller.into(), document).await?;
    Ok(StatusCode::NO_CONTENT)
}
