//! `POST /uploads/{document}/complete`

use axum::extract::State;

use crate::api::{Complete, Completed};
use crate::documents::Documents;
use crate::http::{Json, Path, Problem};
use crate::ids::DocumentId;

use super::Sending;

/// Statement and sealed part, in base64.
const MAX_BYTES: usize = 256 * 1024;

pub(in crate::http) async fn complete(
    State(documents): State<Documents>,
    Sending(sender): Sending,
    Path(document): Path<DocumentId>,
    Json(complete): Json<Complete, MAX_BYTES>,
) -> Result<Json<Completed>, Problem> {
    let Complete { manifest, sealed } = complete;
    let (state, receipt) = documents.complete(sender, document, &manifest, &sealed.0).await?;
    Ok(Json(Completed { document, state, receipt }))
}
