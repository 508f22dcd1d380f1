//! `GET /documents`

use axum::extract::State;
use serde::Deserialize;

use crate::api::{DocumentPage, DocumentState};
use crate::documents::{Documents, ListQuery};
use crate::envelope::statement::Period;
use crate::http::{Caller, Json, Problem, Query as QueryOf};
use crate::ids::ClientId;

/// Which documents.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    /// Of one client.
    client: Option<ClientId>,
    /// Of one period.
    period: Option<Period>,
    /// In one state.
    state: Option<DocumentState>,
    /// Only what the caller has not pulled.
    #[serde(default)]
    new: bool,
    /// From the `next` of the page before.
    after: Option<String>,
}

pub(super) async fn list(
    State(documents): State<Documents>,
    caller: Caller,
    QueryOf(query): QueryOf<Query>,
) -> Result<Json<DocumentPage>, Problem> {
    let Query { client, period, state, new, after } = query;
    let query = ListQuery { client, period, state, only_new: new, after };
    Ok(Json(documents.list(caller.into(), &query).await?))
}
