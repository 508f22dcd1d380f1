//! `GET /shares`

use axum::extract::State;

use crate::api::ShareInfo;
use crate::clock::Clock;
use crate::http::{Caller, Json, Problem};
use crate::shares::{self, Settings};
use crate::store::Store;

pub(super) async fn list(
    State(store): State<Store>,
    State(clock): State<Clock>,
    State(settings): State<Settings>,
    caller: Caller,
) -> Result<Json<Vec<ShareInfo>>, Problem> {
    let mut tx = store.read().await?;
    Ok(Json(shares::list(&mut tx, &settings, caller.into(), clock.now()).await?))
}
