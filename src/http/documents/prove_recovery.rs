//! `POST /recovery-headers`

use axum::extract::State;

use crate::api::{RecoveryHeaders, RecoveryProven};
use crate::documents::Documents;
use crate::http::{Caller, Json, Problem};

/// 200 headers in base64, post-quantum ones of about 2 KiB included.
const MAX_BYTES: usize = 1024 * 1024;

pub(super) async fn prove_recovery(
    State(documents): State<Documents>,
    caller: Caller,
    Json(sent): Json<RecoveryHeaders, MAX_BYTES>,
) -> Result<Json<RecoveryProven>, Problem> {
    let proven = documents.prove_recovery(caller.into(), &sent.headers).await?;
    Ok(Json(RecoveryProven { proven }))
}
