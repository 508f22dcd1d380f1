//! What every request and every answer passes: request id, panic net, `Host` check, refusal
//! of encoded bodies, security headers, the request log and the counters.
//!
//! Refuses requests for a name that is not ours (421) and bodies with a `Content-Encoding`
//! (415; nothing here ever decompresses). Never reads `Forwarded`, `X-Forwarded-*` or a
//! method override. Invariant: every answer carries the security headers and a request id
//! made here, and is logged once, by its route's template.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Method};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Instant;
use tracing::Instrument;

use crate::faults::Fault;
use crate::ids::RequestId;

use super::metrics::{Metrics, Observation};
use super::policy::Authenticator;
use super::problem::{Code, Problem};
use super::read_on;
use super::request_id;
use super::server::Received;

/// Set where a handler has not set its own.
const HEADERS: [(HeaderName, &str); 9] = [
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=63072000"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// The names this gateway answers to.
#[derive(Debug, Clone)]
pub struct Hosts(Arc<[String]>);

impl Hosts {
    /// `names` as `host` or `host:port`; the default port may be left out or written.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().map(|name| canonical(&name)).collect())
    }

    fn knows(&self, name: &str) -> bool {
        let name = canonical(name);
        self.0.contains(&name)
    }
}

fn canonical(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    match name.strip_suffix(":443") {
        Some(bare) => bare.to_owned(),
        None => name,
    }
}

/// What the front door needs.
#[derive(Clone)]
pub(super) struct Front {
    pub(super) hosts: Hosts,
    pub(super) authenticator: Arc<dyn Authenticator>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) templates: Arc<BTreeSet<&'static str>>,
}

impl Front {
    /// The registered template that `request` matched; never anything the asker wrote.
    fn template(&self, request: &Request) -> &'static str {
        let matched = request.extensions().get::<MatchedPath>();
        let known = matched.and_then(|path| self.templates.get(path.as_str()));
        known.copied().unwrap_or("unmatched")
    }
}

/// Runs around every route, known or not.
pub(super) async fn front(
    State(front): State<Front>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = request_id::assign(request.extensions_mut());
    let mut exchange = Exchange::begin(id, front.template(&request), &request, &front.metrics);
    let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    let (mut request, rest) = read_on::lend(request);
    let answer = match admissible(&front, &request) {
        Ok(()) => {
            request.extensions_mut().insert(front.authenticator.clone());
            let span = tracing::info_span!("request", request = %id);
            let answering = AssertUnwindSafe(answer_of(request, next)).catch_unwind();
            match answering.instrument(span).await {
                Ok(response) => response,
                // The hook has logged where; what was thrown may hold anything and is dropped.
                Err(_) => {
                    front.metrics.panicked();
                    Problem::internal_unexplained().into_response()
                }
            }
        }
        Err(problem) => {
            drop(request);
            problem.into_response()
        }
    };
    if let Some(rest) = rest {
        rest.read().await;
    }
    exchange.answered(&answer);
    let mut response = answer.map(|body| Body::new(Counted { inner: body, exchange }));
    dress(id, response.headers_mut());
    if chunked {
        // Where a chunked body ends is where readers of one stream have disagreed before; what
        // follows it is not read as a request (RFC 9112 §6.3).
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The handler's answer; or, where a test asks for it, none after the work is done.
async fn answer_of(request: Request, next: Next) -> Response {
    let changes = !request.method().is_safe();
    let quoted = (changes && Fault::Panic.is_on())
        .then(|| format!("{} {:?}", request.uri(), request.headers()));
    let answer = next.run(request).await;
    if let Some(quoted) = quoted {
        panic!("asked for by a test: {quoted}");
    }
    if Fault::LoseAnswer.is_on() && changes && answer.status().is_success() {
        static ANSWERS: AtomicU64 = AtomicU64::new(0);
        if ANSWERS.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
            return Problem::unavailable().into_response();
        }
    }
    answer
}

fn admissible(front: &Front, request: &Request) -> Result<(), Problem> {
    if !front.hosts.knows(asked_host(request)?) {
        return Err(Problem::misdirected());
    }
    let encodings = request.headers().get_all(header::CONTENT_ENCODING);
    if encodings.iter().any(|value| value != "identity") {
        return Err(Problem::unsupported_media_type(
            "Send the body as it is, without Content-Encoding.",
        )
        .with_header(header::ACCEPT_ENCODING, HeaderValue::from_static("identity")));
    }
    Ok(())
}

/// The one name a request is for: `Host` (RFC 9110 §7.2), or the target's authority, which
/// must agree where both are there.
fn asked_host(request: &Request) -> Result<&str, Problem> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (_, Some(_)) => return Err(Problem::bad_request("Send one Host header.")),
        (Some(value), None) => Some(
            value.to_str().map_err(|_| Problem::bad_request("The Host header is not a name."))?,
        ),
        (None, None) => None,
    };
    let authority = request.uri().authority().map(http::uri::Authority::as_str);
    match (authority, host) {
        (Some(authority), Some(host)) if canonical(authority) != canonical(host) => {
            Err(Problem::misdirected())
        }
        (Some(name), _) | (None, Some(name)) => Ok(name),
        (None, None) => Err(Problem::bad_request("Send a Host header.")),
    }
}

fn dress(id: RequestId, headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    request_id::show(id, headers);
}

/// One request on its way to its log line, which is written when the answer's body is done
/// or given up.
struct Exchange {
    id: RequestId,
    began: Instant,
    received: Option<Received>,
    metrics: Arc<Metrics>,
    code: Option<&'static str>,
    complete: bool,
    seen: Observation,
}

impl Exchange {
    fn begin(
        id: RequestId,
        route: &'static str,
        request: &Request,
        metrics: &Arc<Metrics>,
    ) -> Self {
        metrics.request_began();
        Self {
            id,
            began: Instant::now(),
            received: request.extensions().get::<Received>().cloned(),
            metrics: metrics.clone(),
            code: None,
            complete: false,
            seen: Observation {
                route,
                method: method_name(request.method()),
                status: 0,
                duration: Duration::ZERO,
                bytes_in: 0,
                bytes_out: 0,
            },
        }
    }

    fn answered(&mut self, response: &Response) {
        self.seen.status = response.status().as_u16();
        self.code = response.extensions().get::<Code>().map(|code| code.0);
        self.complete = response.body().is_end_stream();
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let seen = &mut self.seen;
        seen.duration = self.began.elapsed();
        seen.bytes_in = self.received.as_ref().map_or(0, Received::bytes);
        self.metrics.request_ended(seen);
        tracing::info!(
            request = %self.id,
            method = seen.method,
            route = seen.route,
            status = seen.status,
            code = self.code,
            duration_us = seen.duration.as_micros(),
            bytes_in = seen.bytes_in,
            bytes_out = seen.bytes_out,
            complete = self.complete,
            "request"
        );
    }
}

fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

/// An answer's body that counts itself.
struct Counted {
    inner: Body,
    exchange: Exchange,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                self.exchange.seen.bytes_out += bytes as u64;
                self.exchange.complete = self.inner.is_end_stream();
            }
            Poll::Ready(None) => self.exchange.complete = true,
            Poll::Ready(Some(Err(_))) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
