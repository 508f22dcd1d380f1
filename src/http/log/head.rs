//! `GET /log/head`

use axum::extract::State;

use super::proof::Query;
use crate::api::LogHead;
use crate::http::{Json, Problem, Query as QueryOf};
use crate::store::Store;

pub(super) async fn head(
    State(store): State<Store>,
    QueryOf(query): QueryOf<Query>,
) -> Result<Json<LogHead>, Problem> {
    let mut tx = store.read().await?;
    Ok(Json(super::head_since(&mut tx, query.since, query.witness.as_deref()).await?))
}
