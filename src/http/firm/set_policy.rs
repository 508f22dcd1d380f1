//! `POST /policies`

use axum::extract::State;

use crate::api::{Assigned, Submit};
use crate::clock::Clock;
use crate::envelope::statement::Policy;
use crate::firm;
use crate::http::{Caller, Json, Problem};
use crate::store::Store;

pub(super) async fn set_policy(
    State(store): State<Store>,
    State(clock): State<Clock>,
    caller: Caller,
    Json(submit): Json<Submit>,
) -> Result<Json<Assigned>, Problem> {
    let mut tx = store.write().await?;
    let set = firm::set_policy(&mut tx, caller.into(), &submit.statement, clock.now()).await;
    let assigned = set.map_err(|error| {
        let client = submit.statement.decode::<Policy>().ok().and_then(|policy| policy.client);
        Problem::from(error).concerning(client)
    })?;
    tx.commit().await?;
    Ok(Json(assigned))
}
