//! `GET /clients/{client}/manifests` and `GET /clients/{client}/gone`

use axum::extract::State;
use serde::Deserialize;

use crate::api::{Chains, Gone};
use crate::documents::Documents;
use crate::http::{Caller, Json, Path, Problem, Query as QueryOf};
use crate::ids::ClientId;

/// From where on.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    /// The `next` of the page before; 0 from the beginning.
    #[serde(default)]
    after: u64,
}

pub(super) async fn chains(
    State(documents): State<Documents>,
    caller: Caller,
    Path(client): Path<ClientId>,
    QueryOf(query): QueryOf<Query>,
) -> Result<Json<Chains>, Problem> {
    Ok(Json(documents.chains(caller.into(), client, query.after).await?))
}

pub(super) async fn gone(
    State(documents): State<Documents>,
    caller: Caller,
    Path(client): Path<ClientId>,
    QueryOf(query): QueryOf<Query>,
) -> Result<Json<Gone>, Problem> {
    Ok(Json(documents.gone(caller.into(), client, query.after).await?))
}
