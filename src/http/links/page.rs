//! `GET /u/{link}`

use axum::response::Response;
use http::HeaderMap;

use crate::http::pages::request as request_page;

pub(super) async fn page(headers: HeaderMap) -> Response {
    request_page::page().answer(&headers)
}
