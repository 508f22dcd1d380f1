//! `GET /members`

use axum::extract::State;

use crate::api::MemberSummary;
use crate::firm;
use crate::http::{Caller, Problem};
use crate::store::Store;

pub(super) async fn list_members(
    State(store): State<Store>,
    caller: Caller,
) -> Result<axum::Json<Vec<MemberSummary>>, Problem> {
    let mut tx = store.read().await?;
    Ok(axum::Json(firm::members(&mut tx, caller.into()).await?))
}
