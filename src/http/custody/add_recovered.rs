//! `POST /recoveries/{recovery}/headers`

use axum::extract::State;

use crate::api::{HeadersAdded, NewHeaders};
use crate::documents::Documents;
use crate::http::{Caller, Json, Path, Problem};
use crate::ids::RecoveryId;

/// 200 headers of the longest kind, in base64.
pub(super) const MAX_BYTES: usize = 10 * 1024 * 1024;

pub(super) async fn add_recovered(
    State(documents): State<Documents>,
    caller: Caller,
    Path(recovery): Path<RecoveryId>,
    Json(sent): Json<NewHeaders, MAX_BYTES>,
) -> Result<Json<HeadersAdded>, Problem> {
    let rewrapped = documents.recover(caller.into(), recovery, &sent.headers).await?;
    Ok(Json(HeadersAdded { rewrapped }))
}
