//! `POST /shares/{share}/unlock`

use axum::extract::State;

use crate::api::ShareInfo;
use crate::clock::Clock;
use crate::http::{Caller, Json, Path, Problem};
use crate::ids::ShareId;
use crate::shares::{self, Settings};
use crate::store::Store;

pub(super) async fn unlock(
    State(store): State<Store>,
    State(clock): State<Clock>,
    State(settings): State<Settings>,
    caller: Caller,
    Path(share): Path<ShareId>,
) -> Result<Json<ShareInfo>, Problem> {
    let mut tx = store.write().await?;
    let info = shares::unlock(&mut tx, &settings, caller.into(), share, clock.now()).await?;
    tx.commit().await?;
    Ok(Json(info))
}
