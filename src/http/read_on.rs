//! What still comes of a body that was answered before its end.
//!
//! A body that nobody reads is reset, and senders that are still writing, curl before 8 among
//! them, then report a broken stream and not the answer. So the rest is read and thrown away
//! beside the answer, for a while.
//!
//! Invariant: a sender who waits to be told to go on (`Expect: 100-continue`, RFC 9110
//! §10.1.1) is not told so by this.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use http::header;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;

/// How much is read at most, in bytes, and for how long.
const MOST_BYTES: usize = 64 * 1024 * 1024;
const LONGEST: Duration = Duration::from_secs(30);

/// Sees to it that the body of `request` is read on when its handler drops it.
pub(super) fn beside_the_answer(request: Request) -> Request {
    if request.body().is_end_stream() {
        return request;
    }
    let awaited = request.headers().contains_key(header::EXPECT);
    request.map(|body| Body::new(ReadOn { rest: Some(body), awaited }))
}

struct ReadOn {
    /// None once it has ended.
    rest: Option<Body>,
    /// Whether the sender waits until somebody begins to read.
    awaited: bool,
}

impl HttpBody for ReadOn {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.awaited = false;
        let Some(rest) = self.rest.as_mut() else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(rest).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) {
            self.rest = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.rest.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.rest.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for ReadOn {
    fn drop(&mut self) {
        let rest = self.rest.take().filter(|rest| !rest.is_end_stream() && !self.awaited);
        if let (Some(rest), Ok(runtime)) = (rest, tokio::runtime::Handle::try_current()) {
            runtime.spawn(tokio::time::timeout(LONGEST, read(rest)));
        }
    }
}

async fn read(mut rest: Body) {
    let mut read = 0;
    while let Some(Ok(frame)) = rest.frame().await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > MOST_BYTES {
            break;
        }
    }
}
