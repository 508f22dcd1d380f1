//! `POST /login/start`

use axum::extract::State;

use crate::api::{LoginStart, LoginStarted};
use crate::clock::Clock;
use crate::http::{Json, Problem};
use crate::identity::Identity;
use crate::store::Store;

use super::{From, address};

pub(super) async fn start_login(
    State(store): State<Store>,
    State(clock): State<Clock>,
    State(identity): State<Identity>,
    from: From,
    Json(start): Json<LoginStart>,
) -> Result<Json<LoginStarted>, Problem> {
    Ok(Json(identity.start_login(&store, &start, address(from), clock.now()).await?))
}
