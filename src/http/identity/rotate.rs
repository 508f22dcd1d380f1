//! `POST /keyring/rotation`

use axum::extract::State;
use http::StatusCode;

use crate::api::Rotation;
use crate::clock::Clock;
use crate::http::{Caller, Json, Problem};
use crate::identity::Identity;
use crate::store::Store;

pub(super) async fn rotate(
    State(store): State<Store>,
    State(clock): State<Clock>,
    State(identity): State<Identity>,
    caller: Caller,
    Json(rotation): Json<Rotation>,
) -> Result<StatusCode, Problem> {
    identity.rotate(&store, caller.member, caller.session, &rotation, clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
