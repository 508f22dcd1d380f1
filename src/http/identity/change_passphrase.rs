//! `POST /passphrase`

use axum::extract::State;
use http::StatusCode;

use crate::api::PassphraseChange;
use crate::clock::Clock;
use crate::http::{Caller, Json, Problem};
use crate::identity::Identity;
use crate::store::Store;

pub(super) async fn change_passphrase(
    State(store): State<Store>,
    State(clock): State<Clock>,
    State(identity): State<Identity>,
    caller: Caller,
    Json(change): Json<PassphraseChange>,
) -> Result<StatusCode, Problem> {
    identity.change_passphrase(&store, caller.member, &change, clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
