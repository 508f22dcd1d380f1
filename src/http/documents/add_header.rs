//! `POST /documents/{document}/headers`

use axum::extract::State;

use crate::api::{AddHeader, DocumentInfo};
use crate::documents::Documents;
use crate::http::{Caller, Json, Path, Problem};
use crate::ids::DocumentId;

pub(super) async fn add_header(
    State(documents): State<Documents>,
    caller: Caller,
    Path(document): Path<DocumentId>,
    Json(add): Json<AddHeader>,
) -> Result<Json<DocumentInfo>, Problem> {
    let header = &add.header.0;
    Ok(Json(documents.add_header(caller.into(), document, header, &add.members).await?))
}
