//! `GET /rewraps`

use axum::extract::State;
use serde::Deserialize;

use crate::api::Rewraps;
use crate::documents::Documents;
use crate::http::{Caller, Json, Problem, Query as QueryOf};
use crate::ids::ClientId;

/// Of whom.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    /// Of one client; of all the caller looks after without one.
    client: Option<ClientId>,
}

pub(super) async fn rewraps(
    State(documents): State<Documents>,
    caller: Caller,
    QueryOf(query): QueryOf<Query>,
) -> Result<Json<Rewraps>, Problem> {
    Ok(Json(documents.rewraps(caller.into(), query.client).await?))
}
