//! `POST /session/refresh`

use axum::extract::State;

use crate::api::{Refresh, Tokens};
use crate::clock::Clock;
use crate::http::{Json, Problem};
use crate::identity::Identity;
use crate::store::Store;

pub(super) async fn refresh(
    State(store): State<Store>,
    State(clock): State<Clock>,
    State(identity): State<Identity>,
    Json(refresh): Json<Refresh>,
) -> Result<Json<Tokens>, Problem> {
    Ok(Json(identity.refresh(&store, &refresh.refresh_token, clock.now()).await?))
}
