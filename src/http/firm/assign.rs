//! `POST /assignments`

use axum::extract::State;

use crate::api::{Assigned, Submit};
use crate::clock::Clock;
use crate::firm;
use crate::http::{Caller, Json, Problem};
use crate::store::Store;

pub(super) async fn assign(
    State(store): State<Store>,
    State(clock): State<Clock>,
    caller: Caller,
    Json(submit): Json<Submit>,
) -> Result<Json<Assigned>, Problem> {
    let mut tx = store.write().await?;
    let assigned = firm::assign(&mut tx, caller.into(), &submit.statement, clock.now()).await?;
    tx.commit().await?;
    Ok(Json(assigned))
}
