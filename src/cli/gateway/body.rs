//! Bodies of requests: whole ones, and those that are sealed while they are sent.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use tokio::sync::mpsc;

/// Any body.
pub type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, BrokenOff>;

/// The source of a body failed before its end; the request is cut off so that the gateway never
/// takes what arrived for the whole.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the body ended before its length")]
pub struct BrokenOff;

/// A body that is there.
pub(super) fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// Counts the bytes that were handed to the connection.
#[derive(Clone, Debug, Default)]
pub struct Sent(Arc<AtomicU64>);

impl Sent {
    /// Bytes so far.
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// A body of known length that another task fills.
#[derive(Debug)]
pub struct StreamedBody {
    parts: mpsc::Receiver<Bytes>,
    left: u64,
    sent: Sent,
}

impl StreamedBody {
    /// A body of `length` bytes from `parts`, counted in `sent`.
    pub fn new(parts: mpsc::Receiver<Bytes>, length: u64, sent: Sent) -> Self {
        Self { parts, left: length, sent }
    }

    /// As a body of a request.
    pub fn boxed(self) -> Body {
        self.boxed_unsync()
    }
}

impl http_body::Body for StreamedBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        match self.parts.poll_recv(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(part)) if part.len() as u64 <= self.left => {
                self.left -= part.len() as u64;
                self.sent.add(part.len() as u64);
                Poll::Ready(Some(Ok(Frame::data(part))))
            }
            Poll::Ready(_) => Poll::Ready(Some(Err(BrokenOff))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_that_ends_early_is_an_error_and_never_a_short_body() {
        let (parts, received) = mpsc::channel(2);
        let sent = Sent::default();
        let body = StreamedBody::new(received, 6, sent.clone()).boxed();
        parts.send(Bytes::from_static(b"abc")).await.expect("taken");
        drop(parts);
        assert!(body.collect().await.is_err());
        assert_eq!(sent.bytes(), 3);
        let (parts, received) = mpsc::channel(2);
        parts.send(Bytes::from_static(b"abcd")).await.expect("taken");
        let long = StreamedBody::new(received, 3, Sent::default()).boxed();
        assert!(long.collect().await.is_err());
    }
}
