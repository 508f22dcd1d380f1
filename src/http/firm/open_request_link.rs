//! `POST /request-links`

use axum::extract::State;
use http::StatusCode;

use crate::api::{Offer, Offered};
use crate::clock::Clock;
use crate::firm;
use crate::http::{Caller, Json, Problem};
use crate::store::Store;

pub(super) async fn open_request_link(
    State(store): State<Store>,
    State(clock): State<Clock>,
    caller: Caller,
    Json(offer): Json<Offer>,
) -> Result<(StatusCode, Json<Offered>), Problem> {
    let mut tx = store.write().await?;
    let offered = firm::open_request_link(&mut tx, caller.into(), &offer, clock.now()).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(offered)))
}
