//! `POST /shares/{share}/open`

use axum::extract::State;
use axum::response::Response;

use super::even::{evenly, proofs};
use crate::api::OpenShare;
use crate::clock::Clock;
use crate::http::{Json, Path, Problem};
use crate::ids::ShareId;
use crate::shares::{self, Settings};
use crate::store::Store;

pub(super) async fn open(
    State(store): State<Store>,
    State(clock): State<Clock>,
    State(settings): State<Settings>,
    Path(share): Path<ShareId>,
    Json(body): Json<OpenShare, 1024>,
) -> Result<Response, Problem> {
    evenly(async {
        let proofs = proofs(&body)?;
        shares::open(&store, &settings, share, &proofs, clock.now()).await.map(Json::<_>)
    })
    .await
}
