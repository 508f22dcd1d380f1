//! `GET /clients`

use axum::extract::State;

use crate::api::ClientSummary;
use crate::firm;
use crate::http::{Caller, Problem};
use crate::store::Store;

pub(super) async fn list_clients(
    State(store): State<Store>,
    caller: Caller,
) -> Result<axum::Json<Vec<ClientSummary>>, Problem> {
    let mut tx = store.read().await?;
    Ok(axum::Json(firm::client_summaries(&mut tx, caller.into()).await?))
}
