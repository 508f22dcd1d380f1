//! `POST /recoveries`

use axum::extract::State;
use http::StatusCode;

use crate::api::{OpenRecovery, RecoveryOpened};
use crate::documents::Documents;
use crate::http::{Caller, Json, Problem};

pub(super) async fn open_recovery(
    State(documents): State<Documents>,
    caller: Caller,
    Json(open): Json<OpenRecovery>,
) -> Result<(StatusCode, Json<RecoveryOpened>), Problem> {
    let opened =
        documents.open_recovery(caller.into(), &open.statement, open.reason.as_deref()).await?;
    Ok((StatusCode::CREATED, Json(opened)))
}
