//! `POST /uploads/{document}/complete`

use axum::extract::State;

use crate::api::{Complete, Completed};
use crate::documents::Documents;
use crate::http::{Caller, Json, Path, Problem};
use crate::ids::DocumentId;

/// Statement and sealed part, in base64.
const MAX_BYTES: usize = 256 * 1024;

pub(super) async fn complete(
    State(documents): State<Documents>,
    caller: Caller,
    Path(document): Path<DocumentId>,
    Json(complete): Json<Complete, MAX_BYTES>,
) -> Result<Json<Completed>, Problem> {
    let Complete { manifest, sealed } = complete;
    let (state, receipt) =
        documents.complete(caller.into(), document, &manifest, &sealed.0).await?;
    Ok(Json(Completed { document, state, receipt }))
}
