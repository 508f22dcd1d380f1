//! `POST /clients`

use axum::extract::State;
use http::StatusCode;

use crate::api::{AddClient, ClientSummary};
use crate::clock::Clock;
use crate::firm;
use crate::http::{Caller, Json, Problem};
use crate::store::Store;

pub(super) async fn add_client(
    State(store): State<Store>,
    State(clock): State<Clock>,
    caller: Caller,
    Json(add): Json<AddClient>,
) -> Result<(StatusCode, Json<ClientSummary>), Problem> {
    let mut tx = store.write().await?;
    let summary = firm::add_client(&mut tx, caller.into(), &add, clock.now()).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(summary)))
}
