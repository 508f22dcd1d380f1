//! The one error a route answers with: problem details (RFC 9457).
//!
//! Refuses to carry anything about the machine: `detail` is fixed English for developers,
//! `code` is what programs and translations go by and never changes once published.
//! Invariant: two problems made alike have equal bodies, so a body never tells unknown from
//! forbidden; the request id travels in a header alone.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value};

use crate::api::codes;
use crate::ids::ClientId;

use super::named::Concerning;

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// What went wrong, as the asker may know it. Boxed: a `Result` that carries it stays small.
#[derive(Debug, Clone)]
pub struct Problem(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    headers: Vec<(HeaderName, HeaderValue)>,
    members: Map<String, Value>,
    client: Option<ClientId>,
}

/// The code of the problem that a response carries, for the request log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Code(pub(crate) &'static str);

impl Problem {
    /// A problem with `status`, a stable `code` of lower-case words joined by `_`, and an
    /// English `detail` that says the next step.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self(Box::new(Inner {
            status,
            code,
            detail: detail.into(),
            headers: Vec::new(),
            members: Map::new(),
            client: None,
        }))
    }

    /// Notes whose client it was about, for the record; the answer does not show it.
    #[must_use]
    pub fn concerning(mut self, client: Option<ClientId>) -> Self {
        self.0.client = client;
        self
    }

    /// Adds an extension member (RFC 9457 §3.2), e.g. the head of a chain on a conflict.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.members.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a response header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// Its stable code.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// The body it has as an answer, for answers that hold several.
    pub fn to_json(&self) -> Value {
        let Inner { status, code, detail, members, .. } = &*self.0;
        let mut body = Map::new();
        body.insert("type".into(), "about:blank".into());
        body.insert("title".into(), status.canonical_reason().unwrap_or("Error").into());
        body.insert("status".into(), status.as_u16().into());
        body.insert("code".into(), (*code).into());
        body.insert("detail".into(), detail.clone().into_owned().into());
        body.extend(members.clone());
        Value::Object(body)
    }

    /// 400: the request cannot be understood; `detail` says which part.
    pub fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, codes::BAD_REQUEST, detail)
    }

    /// 401: no session, or one that has ended.
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, codes::UNAUTHORIZED, "Sign in, then ask again.")
            .with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// 403: this role never may. What depends on whose thing it is answers
    /// [`Problem::not_found`].
    pub fn not_allowed() -> Self {
        Self::new(StatusCode::FORBIDDEN, codes::NOT_ALLOWED, "Your role does not allow this.")
    }

    /// 403: whoever asks has a revoked key.
    pub fn key_revoked() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            codes::KEY_REVOKED,
            "Your key was revoked; rotate it, then ask again.",
        )
    }

    /// 404: unknown, not yours, expired, used or revoked; one answer for all of them.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, codes::NOT_FOUND, "There is nothing here for you.")
    }

    /// 405. The router adds `Allow`.
    pub fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            codes::METHOD_NOT_ALLOWED,
            "This address does not answer that method; Allow names those it does.",
        )
    }

    /// 408: the body came slower than the gateway waits; what arrived of a resumable upload
    /// is kept.
    pub fn too_slow() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            codes::TOO_SLOW,
            "The body came too slowly; resume the upload.",
        )
    }

    /// 409 with a code of the caller's choice.
    pub fn conflict(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 413: longer than `limit_bytes`.
    pub fn too_large(limit_bytes: u64) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            codes::TOO_LARGE,
            "The body is longer than this address takes.",
        )
        .with("limit_bytes", limit_bytes)
    }

    /// 415: not a kind of body that this address takes.
    pub fn unsupported_media_type(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, codes::UNSUPPORTED_MEDIA_TYPE, detail)
    }

    /// 416 with `Content-Range: bytes */TOTAL` (RFC 9110 §14.4).
    pub fn range_not_satisfiable(total_bytes: u64) -> Self {
        let value = HeaderValue::try_from(format!("bytes */{total_bytes}"))
            .expect("digits are a header value");
        Self::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            codes::RANGE_NOT_SATISFIABLE,
            "Ask for one range that begins inside the document.",
        )
        .with_header(http::header::CONTENT_RANGE, value)
    }

    /// 421: a `Host` that this gateway is not known by.
    pub fn misdirected() -> Self {
        Self::new(
            StatusCode::MISDIRECTED_REQUEST,
            codes::MISDIRECTED,
            "This gateway is not known by that name.",
        )
    }

    /// 429, to be tried again after `seconds`.
    pub fn too_many_requests(seconds: u64) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, codes::TOO_MANY_REQUESTS, "Wait, then try again.")
            .with_header(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// For a request body that failed while it was read: too slow, too long, or broken off.
    pub fn from_body(error: &(dyn std::error::Error + 'static)) -> Self {
        let mut cause = Some(error);
        while let Some(this) = cause {
            if this.is::<super::server::TooSlow>() {
                return Self::too_slow();
            }
            if this.is::<http_body_util::LengthLimitError>() {
                return Self::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    codes::TOO_LARGE,
                    "The body is longer than this address takes.",
                );
            }
            cause = this.source();
        }
        Self::new(StatusCode::BAD_REQUEST, codes::BODY_BROKEN, "The body broke off; send it again.")
    }

    /// 500 for `cause`, which goes to the log (redacted) and nowhere else.
    pub fn internal(cause: &dyn std::error::Error) -> Self {
        let mut chain = cause.to_string();
        let mut source = cause.source();
        while let Some(next) = source {
            chain.push_str(": ");
            chain.push_str(&next.to_string());
            source = next.source();
        }
        tracing::error!(cause = chain, "a request failed inside");
        Self::internal_unexplained()
    }

    /// 500 whose cause is logged already.
    pub fn internal_unexplained() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            codes::INTERNAL,
            "The gateway failed; its log has the reason under this request's id.",
        )
    }

    /// 503: something the gateway needs is away; try again soon.
    pub fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            codes::UNAVAILABLE,
            "The gateway cannot do this now; try again soon.",
        )
        .with_header(RETRY_AFTER, HeaderValue::from(5_u64))
    }

    /// 507: no room for what was sent. Nothing of it was acknowledged.
    pub fn insufficient_storage() -> Self {
        Self::new(
            StatusCode::INSUFFICIENT_STORAGE,
            codes::INSUFFICIENT_STORAGE,
            "The gateway has no room; nothing was taken. Try again later.",
        )
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.0.status.as_u16(), self.0.code)
    }
}

impl std::error::Error for Problem {}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = self.to_json().to_string();
        let Inner { status, code, headers, client, .. } = *self.0;
        let mut response = Response::new(axum::body::Body::from(body));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        response.headers_mut().extend(headers);
        response.extensions_mut().insert(Code(code));
        if let Some(client) = client {
            response.extensions_mut().insert(Concerning(client));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn body(problem: Problem) -> Value {
        let body = problem.into_response().into_body();
        let bytes = axum::body::to_bytes(body, 4096).await.expect("a small body");
        serde_json::from_slice(&bytes).expect("JSON")
    }

    #[tokio::test]
    async fn a_problem_is_what_rfc_9457_says() {
        let problem = Problem::conflict("chain_moved", "Sign again.").with("seq", 7);
        assert_eq!(
            body(problem).await,
            serde_json::json!({
                "type": "about:blank", "title": "Conflict", "status": 409,
                "code": "chain_moved", "detail": "Sign again.", "seq": 7
            })
        );
        let response = Problem::range_not_satisfiable(10).into_response();
        assert_eq!(response.headers()["content-range"], "bytes */10");
        assert_eq!(response.headers()["content-type"], MEDIA_TYPE);
    }

    #[tokio::test]
    async fn the_inside_of_a_failure_stays_inside() {
        let cause = std::io::Error::other("secret path");
        assert!(!body(Problem::internal(&cause)).await.to_string().contains("secret"));
    }
}
