//! `GET /request-links`

use axum::extract::State;
use serde::Deserialize;

use crate::api::LinkInfo;
use crate::clock::Clock;
use crate::firm;
use crate::http::{Caller, Problem, Query as QueryOf};
use crate::ids::ClientId;
use crate::store::Store;

/// Of which client.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    /// The client.
    client: ClientId,
}

pub(super) async fn list_links(
    State(store): State<Store>,
    State(clock): State<Clock>,
    caller: Caller,
    QueryOf(query): QueryOf<Query>,
) -> Result<axum::Json<Vec<LinkInfo>>, Problem> {
    let mut tx = store.read().await?;
    Ok(axum::Json(firm::links_of(&mut tx, caller.into(), query.client, clock.now()).await?))
}
