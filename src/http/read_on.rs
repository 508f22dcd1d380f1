//! What still comes of a body that was answered before its end.
//!
//! A body that nobody reads is reset, and senders that are still writing, curl before 8 among
//! them, then report a broken stream and not the answer. So the rest is read and thrown away, for
//! a while: over HTTP/1.1 beside the answer, over HTTP/2 before it, because there those senders
//! end their body short of its length as soon as they see an answer, which is an error of theirs
//! (RFC 9113 §8.1.1) that again hides it.
//!
//! Invariant: a sender who waits to be told to go on (`Expect: 100-continue`, RFC 9110
//! §10.1.1) is not told so by this.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use http::{Version, header};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;

/// How much is read at most before an answer, in bytes, and for how long.
const BEFORE: Bounds = Bounds { bytes: 256 * 1024 * 1024, time: Duration::from_secs(10) };
/// And beside it.
const BESIDE: Bounds = Bounds { bytes: 64 * 1024 * 1024, time: Duration::from_secs(30) };

#[derive(Clone, Copy)]
struct Bounds {
    bytes: usize,
    time: Duration,
}

/// Where the rest of a body is left by whoever answers before its end.
pub(super) struct Rest {
    left: Arc<Mutex<Left>>,
    before: bool,
}

enum Left {
    /// Somebody may still read it.
    Nothing,
    /// Nobody does.
    Body(Body),
    /// The answer is on its way: what is left from now on is read beside it.
    Answered,
}

/// Sees to it that the body of `request` can be read on when its handler drops it.
pub(super) fn lend(request: Request) -> (Request, Option<Rest>) {
    if request.body().is_end_stream() {
        return (request, None);
    }
    let awaited = request.headers().contains_key(header::EXPECT);
    let left = Arc::new(Mutex::new(Left::Nothing));
    let rest = Rest { left: left.clone(), before: request.version() == Version::HTTP_2 };
    let request = request.map(|body| Body::new(Lent { body: Some(body), awaited, left }));
    (request, Some(rest))
}

impl Rest {
    /// Reads what is left, now that there is an answer.
    pub(super) async fn read(self) {
        let left = std::mem::replace(&mut *lock(&self.left), Left::Answered);
        let Left::Body(mut body) = left else { return };
        if self.before && read(&mut body, BEFORE).await {
            return;
        }
        tokio::spawn(async move { read(&mut body, BESIDE).await });
    }
}

struct Lent {
    /// None once it has ended.
    body: Option<Body>,
    /// Whether the sender waits until somebody begins to read.
    awaited: bool,
    left: Arc<Mutex<Left>>,
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.awaited = false;
        let Some(body) = self.body.as_mut() else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let rest = self.body.take().filter(|rest| !rest.is_end_stream() && !self.awaited);
        let Some(mut rest) = rest else { return };
        let mut left = lock(&self.left);
        if !matches!(*left, Left::Answered) {
            *left = Left::Body(rest);
        } else if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { read(&mut rest, BESIDE).await });
        }
    }
}

fn lock(left: &Mutex<Left>) -> std::sync::MutexGuard<'_, Left> {
    left.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the end was reached within `bounds`.
async fn read(rest: &mut Body, bounds: Bounds) -> bool {
    let reading = async {
        let mut read = 0;
        while let Some(Ok(frame)) = rest.frame().await {
            read += frame.data_ref().map_or(0, Bytes::len);
            if read > bounds.bytes {
                return false;
            }
        }
        true
    };
    tokio::time::timeout(bounds.time, reading).await.unwrap_or(false)
}
