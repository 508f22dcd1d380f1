//! `POST /invitations/{invitation}/look`

use axum::extract::State;

use crate::api::{InvitationLook, InvitationSeen};
use crate::clock::Clock;
use crate::firm;
use crate::http::{Json, Path, Problem};
use crate::ids::InvitationId;
use crate::secrets::Secret;
use crate::store::Store;
use crate::trust::fragment::token_hash;

pub(super) async fn look(
    State(store): State<Store>,
    State(clock): State<Clock>,
    Path(invitation): Path<InvitationId>,
    Json(look): Json<InvitationLook>,
) -> Result<Json<InvitationSeen>, Problem> {
    let token = Secret::<32>::from_base64url(&look.token).ok_or_else(Problem::not_found)?;
    let mut tx = store.read().await?;
    let view = firm::look(&mut tx, invitation, token_hash(&token), clock.now()).await?;
    Ok(Json(view.seen))
}
