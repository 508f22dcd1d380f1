//! `POST /shares/{share}/authorisation`

use axum::extract::State;

use crate::api::{ShareInfo, Submit};
use crate::clock::Clock;
use crate::http::{Caller, Json, Path, Problem};
use crate::ids::ShareId;
use crate::shares::{self, Settings};
use crate::store::Store;

pub(super) async fn authorise(
    State(store): State<Store>,
    State(clock): State<Clock>,
    State(settings): State<Settings>,
    caller: Caller,
    Path(share): Path<ShareId>,
    Json(Submit { statement }): Json<Submit>,
) -> Result<Json<ShareInfo>, Problem> {
    let (person, now) = (caller.into(), clock.now());
    let mut tx = store.write().await?;
    let info = shares::authorise(&mut tx, &settings, person, share, &statement, now).await?;
    tx.commit().await?;
    Ok(Json(info))
}
