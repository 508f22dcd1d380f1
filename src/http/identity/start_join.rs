//! `POST /invitations/{invitation}/join/start`

use axum::extract::State;

use crate::api::{JoinStart, JoinStarted};
use crate::clock::Clock;
use crate::http::{Json, Path, Problem};
use crate::identity::Identity;
use crate::ids::InvitationId;
use crate::store::Store;

pub(super) async fn start_join(
    State(store): State<Store>,
    State(clock): State<Clock>,
    State(identity): State<Identity>,
    Path(invitation): Path<InvitationId>,
    Json(start): Json<JoinStart>,
) -> Result<Json<JoinStarted>, Problem> {
    Ok(Json(identity.start_join(&store, invitation, &start, clock.now()).await?))
}
