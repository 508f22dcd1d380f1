//! `POST /invitations`

use axum::extract::State;
use http::StatusCode;

use crate::api::{Offer, Offered};
use crate::clock::Clock;
use crate::firm::{self, Directories};
use crate::http::{Caller, Json, Problem};
use crate::store::Store;

pub(super) async fn invite(
    State(store): State<Store>,
    State(clock): State<Clock>,
    State(directories): State<Directories>,
    caller: Caller,
    Json(offer): Json<Offer>,
) -> Result<(StatusCode, Json<Offered>), Problem> {
    let mut tx = store.write().await?;
    let offered = firm::invite(&mut tx, &directories, caller.into(), &offer, clock.now()).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(offered)))
}
