//! `GET /firm`

use axum::extract::State;

use crate::api::{Base64, FirmDetails};
use crate::firm;
use crate::http::{Json, Problem};
use crate::store::Store;

pub(super) async fn summary(State(store): State<Store>) -> Result<Json<FirmDetails>, Problem> {
    let mut tx = store.read().await?;
    let row = tx.firm().await?;
    Ok(Json(FirmDetails {
        firm: firm::summary(&mut tx).await?,
        canary: Base64(row.canary),
        rehearsed: row.rehearsed_at.is_some(),
    }))
}
