//! `GET /partners`

use axum::extract::State;

use crate::api::Partner;
use crate::clock::Clock;
use crate::http::{Caller, Json, Problem};
use crate::partners;
use crate::shares::Settings;
use crate::store::Store;

pub(super) async fn list(
    State(store): State<Store>,
    State(clock): State<Clock>,
    State(settings): State<Settings>,
    caller: Caller,
) -> Result<Json<Vec<Partner>>, Problem> {
    let mut tx = store.read().await?;
    let jurisdiction = &settings.jurisdiction;
    Ok(Json(partners::list(&mut tx, caller.role, jurisdiction, clock.now()).await?))
}
