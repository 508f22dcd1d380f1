//! `GET /log/checkpoint`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;

use crate::audit;
use crate::http::Problem;
use crate::store::Store;

/// The media type of a checkpoint (C2SP tlog-tiles, "Checkpoints").
pub(super) const MEDIA_TYPE: &str = "text/plain; charset=utf-8";

pub(super) async fn checkpoint(State(store): State<Store>) -> Result<Response, Problem> {
    let mut tx = store.read().await?;
    let (_, note) = audit::head(&mut tx).await?.ok_or_else(Problem::not_found)?;
    Ok(([(CONTENT_TYPE, MEDIA_TYPE)], note.to_string()).into_response())
}
