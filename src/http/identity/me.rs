//! `GET /me`

use axum::extract::State;

use crate::api::Me;
use crate::firm;
use crate::http::{Caller, Json, Problem};
use crate::store::Store;

pub(super) async fn me(State(store): State<Store>, caller: Caller) -> Result<Json<Me>, Problem> {
    let mut tx = store.read().await?;
    let member = tx.member(caller.member).await?;
    Ok(Json(Me {
        member: member.id,
        role: caller.role,
        login: member.login,
        name: member.name,
        session: caller.session,
        clients: firm::client_summaries(&mut tx, caller.into()).await?,
        waiting: tx.count_waiting(caller.member).await?,
    }))
}
