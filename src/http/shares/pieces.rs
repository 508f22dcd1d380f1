//! `GET /shares/{share}/{document}/pieces`

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use super::even::{evenly, lease};
use crate::clock::Clock;
use crate::envelope::Pieces;
use crate::http::{Path, Problem};
use crate::ids::{DocumentId, ShareId};
use crate::shares::{self, Settings};
use crate::store::Store;

pub(super) async fn pieces(
    State(store): State<Store>,
    State(clock): State<Clock>,
    State(settings): State<Settings>,
    Path((share, document)): Path<(ShareId, DocumentId)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    evenly(async {
        let (proof, now) = (lease(&headers)?, clock.now());
        let found = shares::fetchable(&store, &settings, share, document, &proof, now).await?;
        let hashes = found.segments.into_iter().flat_map(|s| s.pieces.hashes).collect();
        Ok(Pieces { hashes }.to_bytes())
    })
    .await
}
