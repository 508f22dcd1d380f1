//! `GET` and `HEAD /documents/{document}/age`: header and payload as one age file.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::documents::{Documents, Readable};
use crate::http::range::Selection;
use crate::http::{Caller, Path, Problem};
use crate::ids::DocumentId;

/// The media type of an age file.
pub(super) const MEDIA_TYPE: &str = "application/octet-stream";

fn described(readable: &Readable, length: u64) -> Result<Response, Problem> {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    let etag = HeaderValue::try_from(readable.etag()).map_err(|e| Problem::internal(&e))?;
    headers.insert(ETAG, etag);
    Ok(response)
}

pub(super) async fn measure(
    State(documents): State<Documents>,
    caller: Caller,
    Path(document): Path<DocumentId>,
) -> Result<Response, Problem> {
    let readable = documents.readable(caller.into(), document).await?;
    described(&readable, readable.length())
}

pub(super) async fn open(
    State(documents): State<Documents>,
    caller: Caller,
    Path(document): Path<DocumentId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (readable, selection) = documents
        .open(caller.into(), document, |readable| {
            Selection::of(&headers, readable.etag(), readable.length())
        })
        .await?;
    let (first, length) = selection.bounds(readable.length());
    let mut response = described(&readable, length)?;
    if let Some(range) = selection.content_range(readable.length()) {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        response.headers_mut().insert(http::header::CONTENT_RANGE, range);
    }
    *response.body_mut() = Body::from_stream(documents.read(&readable, first, length).await?);
    Ok(response)
}
