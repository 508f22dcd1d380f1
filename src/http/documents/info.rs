//! `GET /documents/{document}`

use axum::extract::State;

use crate::api::DocumentInfo;
use crate::documents::Documents;
use crate::http::{Caller, Json, Path, Problem};
use crate::ids::DocumentId;

pub(super) async fn info(
    State(documents): State<Documents>,
    caller: Caller,
    Path(document): Path<DocumentId>,
) -> Result<Json<DocumentInfo>, Problem> {
    Ok(Json(documents.info(caller.into(), document).await?))
}
