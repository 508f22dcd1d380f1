//! `GET /directory`

use axum::extract::State;
use serde::Deserialize;

use crate::api::Statements;
use crate::firm;
use crate::http::{Caller, Json, Problem, Query as QueryOf};
use crate::ids::ClientId;
use crate::store::Store;

/// About whom.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    /// The client; the firm alone without one.
    client: Option<ClientId>,
    /// Who everybody with an account is, instead; for those who see the members.
    #[serde(default)]
    people: bool,
}

pub(super) async fn directory(
    State(store): State<Store>,
    caller: Caller,
    QueryOf(query): QueryOf<Query>,
) -> Result<Json<Statements>, Problem> {
    let mut tx = store.read().await?;
    let statements = if query.people {
        firm::people_statements(&mut tx, caller.into()).await?
    } else {
        firm::statements_for(&mut tx, caller.into(), query.client).await?
    };
    Ok(Json(Statements { statements }))
}
