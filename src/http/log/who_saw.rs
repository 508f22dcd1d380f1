//! `GET /clients/{client}/seen`

use axum::extract::State;
use serde::Deserialize;

use crate::api::SeenPage;
use crate::firm;
use crate::http::{Caller, Json, Path, Problem, Query as QueryOf};
use crate::ids::ClientId;
use crate::store::Store;

/// Which page.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    /// From the `next` of the page before.
    after: Option<String>,
}

pub(super) async fn who_saw(
    State(store): State<Store>,
    caller: Caller,
    Path(client): Path<ClientId>,
    QueryOf(query): QueryOf<Query>,
) -> Result<Json<SeenPage>, Problem> {
    let before = match query.after.as_deref().map(str::parse) {
        Some(Ok(before)) => Some(before),
        Some(Err(_)) => {
            return Err(Problem::bad_request("after is not what a page before said."));
        }
        None => None,
    };
    let mut tx = store.read().await?;
    Ok(Json(firm::who_saw(&mut tx, caller.into(), client, before).await?))
}
