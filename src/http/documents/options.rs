//! `OPTIONS /uploads`

use axum::extract::State;
use axum::response::Response;
use http::{HeaderValue, StatusCode};

use crate::api::uploads;
use crate::documents::Documents;
use crate::http::tus::{
    CHECKSUM_ALGORITHMS, EXTENSIONS, TUS_CHECKSUM_ALGORITHM, TUS_EXTENSION, TUS_MAX_SIZE,
    TUS_RESUMABLE, TUS_VERSION,
};

pub(super) async fn options(State(documents): State<Documents>) -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(TUS_RESUMABLE, HeaderValue::from_static(uploads::VERSION));
    headers.insert(TUS_VERSION, HeaderValue::from_static(uploads::VERSION));
    headers.insert(TUS_EXTENSION, HeaderValue::from_static(EXTENSIONS));
    headers.insert(TUS_CHECKSUM_ALGORITHM, HeaderValue::from_static(CHECKSUM_ALGORITHMS));
    let most = documents.settings().max_document_bytes;
    headers.insert(TUS_MAX_SIZE, HeaderValue::from(most));
    response
}
