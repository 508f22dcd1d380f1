//! `PUT /keyring/headers`

use axum::extract::State;
use http::StatusCode;

use crate::api::KeyringHeader;
use crate::clock::Clock;
use crate::http::{Caller, Json, Problem};
use crate::identity::Identity;
use crate::store::Store;

pub(super) async fn put_header(
    State(store): State<Store>,
    State(clock): State<Clock>,
    State(identity): State<Identity>,
    caller: Caller,
    Json(header): Json<KeyringHeader>,
) -> Result<StatusCode, Problem> {
    let mut tx = store.write().await?;
    let (member, session) = (caller.member, caller.session);
    identity.put_device_header(&mut tx, member, session, &header, clock.now()).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
