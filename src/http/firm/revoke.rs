//! `POST /revocations`

use axum::extract::State;
use http::StatusCode;

use crate::api::Submit;
use crate::clock::Clock;
use crate::firm::{self, Directories};
use crate::http::{Caller, Json, Problem};
use crate::store::Store;

pub(super) async fn revoke(
    State(store): State<Store>,
    State(clock): State<Clock>,
    State(directories): State<Directories>,
    caller: Caller,
    Json(submit): Json<Submit>,
) -> Result<StatusCode, Problem> {
    let mut tx = store.write().await?;
    firm::revoke(&mut tx, &directories, caller.into(), &submit.statement, clock.now()).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
