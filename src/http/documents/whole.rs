//! `POST /documents`: four frames in one request.

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Limited};

use crate::api::{Completed, frames};
use crate::documents::Documents;
use crate::envelope::statement::{Manifest, Note};
use crate::http::extract::require_media_type;
use crate::http::{Json, Problem};

use super::Sending;

pub(in crate::http) async fn whole(
    State(documents): State<Documents>,
    Sending(sender): Sending,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Completed>), Problem> {
    require_media_type(&headers, frames::CONTENT_TYPE)?;
    let body = Limited::new(body, frames::MAX_BODY_BYTES)
        .collect()
        .await
        .map_err(|error| Problem::from_body(error.as_ref()))?
        .to_bytes();
    let taken = documents.take_whole(sender, &body).await;
    let (document, state, receipt) = taken.map_err(|error| {
        let client = frames::Frames::parse(&body).ok().and_then(|frames| {
            let note = Note::parse(std::str::from_utf8(frames.manifest).ok()?).ok()?;
            Some(note.decode::<Manifest>().ok()?.client)
        });
        Problem::from(error).concerning(client)
    })?;
    Ok((StatusCode::CREATED, Json(Completed { document, state, receipt })))
}
