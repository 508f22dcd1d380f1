//! `GET /s/{share}`

use axum::response::Response;
use http::HeaderMap;

use crate::http::pages::share;

pub(super) async fn page(headers: HeaderMap) -> Response {
    share::page().answer(&headers)
}
