//! `POST /login/kit`

use axum::extract::State;
use http::StatusCode;

use crate::api::{KitLogin, SessionOpened};
use crate::clock::Clock;
use crate::http::{Json, Problem};
use crate::identity::Identity;
use crate::store::Store;

use super::{From, address};

pub(super) async fn kit_login(
    State(store): State<Store>,
    State(clock): State<Clock>,
    State(identity): State<Identity>,
    from: From,
    Json(kit): Json<KitLogin>,
) -> Result<(StatusCode, Json<SessionOpened>), Problem> {
    let opened = identity.login_by_kit(&store, &kit, address(from), clock.now()).await?;
    Ok((StatusCode::CREATED, Json(opened)))
}
