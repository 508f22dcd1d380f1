//! `POST /recovery/rehearsal`

use axum::extract::State;
use http::StatusCode;

use crate::api::Rehearsal;
use crate::clock::Clock;
use crate::firm;
use crate::http::{Caller, Json, Problem};
use crate::store::Store;

pub(super) async fn rehearse(
    State(store): State<Store>,
    State(clock): State<Clock>,
    caller: Caller,
    Json(rehearsal): Json<Rehearsal>,
) -> Result<StatusCode, Problem> {
    let mut tx = store.write().await?;
    firm::rehearse(&mut tx, Some(caller.into()), &rehearsal.proof.0, clock.now()).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
