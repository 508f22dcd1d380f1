//! `POST /passphrase/start`

use axum::extract::State;

use crate::api::{PassphraseStart, PassphraseStarted};
use crate::clock::Clock;
use crate::http::{Caller, Json, Problem};
use crate::identity::Identity;
use crate::store::Store;

use super::{From, address};

pub(super) async fn start_passphrase(
    State(store): State<Store>,
    State(clock): State<Clock>,
    State(identity): State<Identity>,
    caller: Caller,
    from: From,
    Json(start): Json<PassphraseStart>,
) -> Result<Json<PassphraseStarted>, Problem> {
    let (member, from, now) = (caller.member, address(from), clock.now());
    Ok(Json(identity.start_passphrase(&store, member, &start, from, now).await?))
}
