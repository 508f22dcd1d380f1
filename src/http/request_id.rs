//! The id of one request: made here, never taken from the asker.
//!
//! Invariant: the id in the response header `x-request-id` is the one in the log line.

use http::header::HeaderName;
use http::{Extensions, HeaderMap, HeaderValue};

use crate::ids::RequestId;

/// The response header that carries the id.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Makes an id and leaves it in `extensions` for handlers.
pub(super) fn assign(extensions: &mut Extensions) -> RequestId {
    let id = RequestId::random();
    extensions.insert(id);
    id
}

/// Tells the asker.
pub(super) fn show(id: RequestId, headers: &mut HeaderMap) {
    let value = HeaderValue::try_from(id.to_string()).expect("hex is a header value");
    headers.insert(HEADER, value);
}
