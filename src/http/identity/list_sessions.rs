//! `GET /sessions`

use axum::extract::State;

use crate::api::SessionInfo;
use crate::clock::Clock;
use crate::http::{Caller, Json, Problem};
use crate::identity::Identity;
use crate::store::Store;

pub(super) async fn list_sessions(
    State(store): State<Store>,
    State(clock): State<Clock>,
    State(identity): State<Identity>,
    caller: Caller,
) -> Result<Json<Vec<SessionInfo>>, Problem> {
    let mut tx = store.read().await?;
    Ok(Json(identity.sessions(&mut tx, caller.member, caller.session, clock.now()).await?))
}
