//! `POST /invitations/{invitation}/join`

use axum::extract::State;
use http::StatusCode;

use crate::api::{Join, SessionOpened};
use crate::clock::Clock;
use crate::http::{Json, Path, Problem};
use crate::identity::Identity;
use crate::ids::InvitationId;
use crate::store::Store;

pub(super) async fn join(
    State(store): State<Store>,
    State(clock): State<Clock>,
    State(identity): State<Identity>,
    Path(invitation): Path<InvitationId>,
    Json(join): Json<Join>,
) -> Result<(StatusCode, Json<SessionOpened>), Problem> {
    let opened = identity.join(&store, invitation, join, clock.now()).await?;
    Ok((StatusCode::CREATED, Json(opened)))
}
