//! `POST /key-confirmations`

use axum::extract::State;
use http::StatusCode;

use crate::api::{ConfirmKey, Confirmed};
use crate::clock::Clock;
use crate::firm;
use crate::http::{Caller, Json, Problem};
use crate::store::Store;

pub(super) async fn confirm_key(
    State(store): State<Store>,
    State(clock): State<Clock>,
    caller: Caller,
    Json(confirm): Json<ConfirmKey>,
) -> Result<(StatusCode, Json<Confirmed>), Problem> {
    let mut tx = store.write().await?;
    let confirmed = firm::confirm_key(&mut tx, caller.into(), &confirm, clock.now()).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(confirmed)))
}
