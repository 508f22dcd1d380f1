//! `GET /recoveries/{recovery}/documents`

use axum::extract::State;
use serde::Deserialize;

use crate::api::Recoverables;
use crate::documents::Documents;
use crate::http::{Caller, Json, Path, Problem, Query as QueryOf};
use crate::ids::RecoveryId;

/// From where.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    /// The `next` of the page before.
    after: Option<String>,
}

pub(super) async fn recoverables(
    State(documents): State<Documents>,
    caller: Caller,
    Path(recovery): Path<RecoveryId>,
    QueryOf(query): QueryOf<Query>,
) -> Result<Json<Recoverables>, Problem> {
    Ok(Json(documents.recoverables(caller.into(), recovery, query.after.as_deref()).await?))
}
