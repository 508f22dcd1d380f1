//! `POST /login/finish`

use axum::extract::State;
use http::StatusCode;

use crate::api::{LoginFinish, SessionOpened};
use crate::clock::Clock;
use crate::http::{Json, Problem};
use crate::identity::Identity;
use crate::store::Store;

use super::{From, address};

pub(super) async fn finish_login(
    State(store): State<Store>,
    State(clock): State<Clock>,
    State(identity): State<Identity>,
    from: From,
    Json(finish): Json<LoginFinish>,
) -> Result<(StatusCode, Json<SessionOpened>), Problem> {
    let opened = identity.finish_login(&store, &finish, address(from), clock.now()).await?;
    Ok((StatusCode::CREATED, Json(opened)))
}
