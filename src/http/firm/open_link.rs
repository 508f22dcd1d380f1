//! `POST /links`

use axum::extract::State;
use http::StatusCode;

use crate::api::{Offer, Offered};
use crate::clock::Clock;
use crate::envelope::statement::Link;
use crate::firm;
use crate::http::{Caller, Json, Problem};
use crate::store::Store;

pub(super) async fn open_link(
    State(store): State<Store>,
    State(clock): State<Clock>,
    caller: Caller,
    Json(offer): Json<Offer>,
) -> Result<(StatusCode, Json<Offered>), Problem> {
    let mut tx = store.write().await?;
    let opened = firm::open_arrival_link(&mut tx, caller.into(), &offer, clock.now()).await;
    let offered = opened.map_err(|error| {
        let client = offer.statement.decode::<Link>().ok().map(|link| link.client);
        Problem::from(error).concerning(client)
    })?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(offered)))
}
