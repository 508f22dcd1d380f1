//! `POST /documents/{document}/adoption`

use axum::extract::State;

use crate::api::{Adopt, DocumentInfo};
use crate::documents::Documents;
use crate::http::{Caller, Json, Path, Problem};
use crate::ids::DocumentId;

/// Statement, sealed part and header, in base64.
const MAX_BYTES: usize = 320 * 1024;

pub(super) async fn adopt(
    State(documents): State<Documents>,
    caller: Caller,
    Path(document): Path<DocumentId>,
    Json(adopt): Json<Adopt, MAX_BYTES>,
) -> Result<Json<DocumentInfo>, Problem> {
    let Adopt { adoption, sealed, header } = adopt;
    let info = documents.adopt(caller.into(), document, &adoption, &sealed.0, &header.0).await?;
    Ok(Json(info))
}
