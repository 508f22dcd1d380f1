//! `POST /session/end`

use axum::extract::State;
use http::StatusCode;

use crate::clock::Clock;
use crate::http::{Caller, Problem};
use crate::identity::Identity;
use crate::store::Store;

pub(super) async fn log_out(
    State(store): State<Store>,
    State(clock): State<Clock>,
    State(identity): State<Identity>,
    caller: Caller,
) -> Result<StatusCode, Problem> {
    let mut tx = store.write().await?;
    identity.end_session(&mut tx, caller.member, caller.session, clock.now()).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
