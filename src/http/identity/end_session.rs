//! `DELETE /sessions/{session}`

use axum::extract::State;
use http::StatusCode;

use crate::clock::Clock;
use crate::http::{Caller, Path, Problem};
use crate::identity::Identity;
use crate::ids::SessionId;
use crate::store::Store;

pub(super) async fn end_session(
    State(store): State<Store>,
    State(clock): State<Clock>,
    State(identity): State<Identity>,
    caller: Caller,
    Path(session): Path<SessionId>,
) -> Result<StatusCode, Problem> {
    let mut tx = store.write().await?;
    identity.end_session(&mut tx, caller.member, session, clock.now()).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
