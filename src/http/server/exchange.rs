//! One request and its answer on a connection: bodies wrapped so that both are paced,
//! counted and tied to the connection's watch.
//!
//! Invariant: from complete headers to the end of the answer's body the connection counts as
//! busy, whatever happens to the handler in between. A handler that was given a body runs to
//! its end even when the connection is gone: it sees the body break off and can save what
//! arrived.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use tower::ServiceExt;

use super::Shared;
use super::forwarded;
use super::leash::Leash;
use super::pace::{Pace, TooSlow};
use super::watch::{Active, Leashed, Unread, Watch};

/// The largest piece of a reply given to HTTP/2 at once: what the least rate moves within the
/// idle limit, in whole frames, so that a peer that takes none of it is noticed.
const REPLY_PIECE_BYTES: usize = 48 * 1024;

/// The address a request came from. Never shown, not even by `Debug`; for throttling only.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Peer(pub IpAddr);

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Peer(…)")
    }
}

/// Bytes of a request's body that have arrived so far.
#[derive(Debug, Clone, Default)]
pub(in crate::http) struct Received(Arc<AtomicU64>);

impl Received {
    /// The count.
    pub(in crate::http) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Has `shared`'s router answer `request`.
pub(super) async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
    peer: Peer,
    watch: Arc<Watch>,
) -> Result<Response<Reply>, Infallible> {
    let limits = &shared.limits;
    let active = watch.begin();
    let multiplexed = request.version() == http::Version::HTTP_2;
    let received = Received::default();
    let (mut head, body) = request.into_parts();
    head.extensions.insert(Peer(forwarded::caller(&head.headers, peer.0, &limits.trusted_proxies)));
    head.extensions.insert(received.clone());
    let body = Paced {
        inner: body,
        pace: Pace::new(limits.body_window(), limits.min_body_bytes_per_second),
        received,
        watch: watch.clone(),
    };
    let mut unanswered = Unanswered(Some(&watch));
    let outlives = !body.is_end_stream();
    let answering = shared.router.clone().oneshot(Request::from_parts(head, Body::new(body)));
    let mut response = if outlives {
        // The front door turns panics into answers; a failed join is a runtime that ends.
        shared.handlers.spawn(answering).await.unwrap_or_else(|_| Ok(Response::default()))?
    } else {
        answering.await?
    };
    unanswered.0 = None;
    drop(unanswered);
    let leash = response.extensions_mut().remove::<Leash>().map(|leash| watch.leashed(leash));
    Ok(response.map(|inner| Reply {
        inner,
        rest: Bytes::new(),
        unread: multiplexed.then(|| watch.reply()),
        _leash: leash,
        _active: active,
    }))
}

/// Notes a request that was taken back while its handler worked.
struct Unanswered<'w>(Option<&'w Watch>);

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if let Some(watch) = self.0 {
            watch.abandoned();
        }
    }
}

/// A request's body that fails with [`TooSlow`] when its sender stalls.
struct Paced {
    inner: Incoming,
    pace: Pace,
    received: Received,
    watch: Arc<Watch>,
}

impl Drop for Paced {
    fn drop(&mut self) {
        if !self.inner.is_end_stream() {
            self.watch.body_left();
        }
    }
}

impl HttpBody for Paced {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                this.received.0.fetch_add(bytes as u64, Ordering::Relaxed);
                this.watch.body(bytes);
                Poll::Ready(Some(match this.pace.moved(bytes) {
                    Ok(()) => Ok(frame),
                    Err(slow) => Err(axum::Error::new(slow)),
                }))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(axum::Error::new(error)))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                let slow: TooSlow = ready!(this.pace.poll_wait(cx));
                Poll::Ready(Some(Err(axum::Error::new(slow))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A response's body, in pieces that HTTP/2 can account for.
pub(super) struct Reply {
    inner: Body,
    rest: Bytes,
    unread: Option<Unread>,
    _leash: Option<Leashed>,
    _active: Active,
}

impl HttpBody for Reply {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let Some(unread) = &this.unread else { return Pin::new(&mut this.inner).poll_frame(cx) };
        // Being asked for more means that the peer has taken what it was given.
        unread.taken();
        if this.rest.is_empty() {
            match ready!(Pin::new(&mut this.inner).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.rest = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                end => return Poll::Ready(end),
            }
        }
        let piece = this.rest.split_to(this.rest.len().min(REPLY_PIECE_BYTES));
        unread.handed();
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.len() as u64;
        let inner = self.inner.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower() + rest);
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}
