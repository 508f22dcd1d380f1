//! `GET /clients/{client}/links`

use axum::extract::State;

use crate::api::LinkInfo;
use crate::clock::Clock;
use crate::firm;
use crate::http::{Caller, Path, Problem};
use crate::ids::ClientId;
use crate::store::Store;

pub(super) async fn list_links(
    State(store): State<Store>,
    State(clock): State<Clock>,
    caller: Caller,
    Path(client): Path<ClientId>,
) -> Result<axum::Json<Vec<LinkInfo>>, Problem> {
    let mut tx = store.read().await?;
    Ok(axum::Json(firm::links_of(&mut tx, caller.into(), client, clock.now()).await?))
}
