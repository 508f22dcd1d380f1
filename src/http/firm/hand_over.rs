//! `POST /handovers`

use axum::extract::State;

use crate::api::{HandOver, HandedOver};
use crate::clock::Clock;
use crate::firm::{self, Directories};
use crate::http::{Caller, Json, Problem};
use crate::store::Store;

pub(super) async fn hand_over(
    State(store): State<Store>,
    State(directories): State<Directories>,
    State(clock): State<Clock>,
    caller: Caller,
    Json(submitted): Json<HandOver, { HandOver::MAX_BYTES }>,
) -> Result<Json<HandedOver>, Problem> {
    let mut tx = store.write().await?;
    let done =
        firm::hand_over(&mut tx, &directories, caller.into(), &submitted, clock.now()).await?;
    tx.commit().await?;
    Ok(Json(done))
}
