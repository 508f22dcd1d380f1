//! `PUT /partners/{partner}`

use axum::extract::State;

use crate::api::{Partner, PutPartner};
use crate::clock::Clock;
use crate::http::{Caller, Json, Path, Problem};
use crate::ids::PartnerId;
use crate::partners;
use crate::shares::Settings;
use crate::store::Store;

pub(super) async fn put(
    State(store): State<Store>,
    State(clock): State<Clock>,
    State(settings): State<Settings>,
    caller: Caller,
    Path(partner): Path<PartnerId>,
    Json(put): Json<PutPartner>,
) -> Result<Json<Partner>, Problem> {
    let mut tx = store.write().await?;
    let who = (caller.member, caller.role);
    let (jurisdiction, now) = (&settings.jurisdiction, clock.now());
    let recorded = partners::put(&mut tx, who, partner, &put, jurisdiction, now).await?;
    tx.commit().await?;
    Ok(Json(recorded))
}
