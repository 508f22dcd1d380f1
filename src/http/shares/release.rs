//! `POST /shares/{share}/release`

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::even::{evenly, proofs};
use crate::api::OpenShare;
use crate::clock::Clock;
use crate::http::{Json, Path, Problem};
use crate::ids::ShareId;
use crate::shares;
use crate::store::Store;

pub(super) async fn release(
    State(store): State<Store>,
    State(clock): State<Clock>,
    Path(share): Path<ShareId>,
    Json(body): Json<OpenShare, 1024>,
) -> Result<Response, Problem> {
    evenly(async {
        let proofs = proofs(&body)?;
        shares::release(&store, share, &proofs, clock.now()).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}
