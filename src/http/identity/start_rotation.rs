//! `POST /keyring/rotation/start`

use axum::extract::State;

use crate::api::{RotationStart, RotationStarted};
use crate::clock::Clock;
use crate::http::{Caller, Json, Problem};
use crate::identity::Identity;
use crate::store::Store;

use super::{From, address};

pub(super) async fn start_rotation(
    State(store): State<Store>,
    State(clock): State<Clock>,
    State(identity): State<Identity>,
    caller: Caller,
    from: From,
    Json(start): Json<RotationStart>,
) -> Result<Json<RotationStarted>, Problem> {
    let (member, from, now) = (caller.member, address(from), clock.now());
    Ok(Json(identity.start_rotation(&store, member, &start, from, now).await?))
}
