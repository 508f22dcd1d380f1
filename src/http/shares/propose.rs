//! `POST /shares`

use axum::extract::State;
use http::StatusCode;

use crate::api::{ProposeShare, ShareInfo};
use crate::clock::Clock;
use crate::http::{Caller, Json, Problem};
use crate::shares::{self, Settings};
use crate::store::Store;

/// A hundred headers, the list, the statement, in base64.
const MAX_BYTES: usize = 4 * 1024 * 1024;

pub(super) async fn propose(
    State(store): State<Store>,
    State(clock): State<Clock>,
    State(settings): State<Settings>,
    caller: Caller,
    Json(proposed): Json<ProposeShare, MAX_BYTES>,
) -> Result<(StatusCode, Json<ShareInfo>), Problem> {
    let mut tx = store.write().await?;
    let person = caller.into();
    let info = shares::propose(&mut tx, &settings, person, &proposed, clock.now()).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(info)))
}
