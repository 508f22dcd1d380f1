//! `POST /documents/{document}/recall`

use axum::extract::State;

use crate::api::{DocumentInfo, Submit};
use crate::documents::Documents;
use crate::http::{Caller, Json, Path, Problem};
use crate::ids::DocumentId;

pub(super) async fn recall(
    State(documents): State<Documents>,
    caller: Caller,
    Path(document): Path<DocumentId>,
    Json(Submit { statement }): Json<Submit>,
) -> Result<Json<DocumentInfo>, Problem> {
    Ok(Json(documents.recall(caller.into(), document, &statement).await?))
}
