//! The TLS stream as HTTP sees it: watched, paced, and closed so that answers arrive.
//!
//! Invariant: a peer that stops reading ends its connection within the idle limit; what it
//! sent after we stopped listening is read and dropped for a moment, because a reset would
//! destroy the answer it has not read yet. Only what must not arrive any more is destroyed.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tokio_rustls::server::TlsStream;

use super::pace::Pace;
use super::read_ahead::ReadAhead;
use super::strict::Strict;
use super::watch::Watch;

/// How long, and how much, is read and dropped after our last word.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 16 << 20;

/// A watched TLS stream.
pub(super) struct Socket {
    inner: TlsStream<ReadAhead>,
    watch: Arc<Watch>,
    write_pace: Pace,
    /// Where HTTP/1.1 is spoken.
    strict: Option<Strict>,
    /// What went wrong behind bytes that were read all the same.
    failed: Option<io::Error>,
    closing: Closing,
}

enum Closing {
    Open,
    Lingering { until: Pin<Box<Sleep>>, left: usize },
    Closed,
}

impl Socket {
    /// A stream that agreed on HTTP/2 (`multiplexed`) or HTTP/1.1.
    pub(super) fn new(
        inner: TlsStream<ReadAhead>,
        watch: Arc<Watch>,
        write_pace: Pace,
        multiplexed: bool,
    ) -> Self {
        let strict = (!multiplexed).then(Strict::new);
        Self { inner, watch, write_pace, strict, failed: None, closing: Closing::Open }
    }

    /// TLS gives one record of 16 KiB at a time; a body goes faster from hand to hand in larger
    /// pieces, so whatever has arrived is taken at once.
    fn read_records(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        loop {
            let at = buf.filled().len();
            let outcome = Pin::new(&mut self.inner).poll_read(cx, buf);
            match outcome {
                Poll::Ready(Ok(())) if buf.filled().len() > at && buf.remaining() > 0 => {}
                Poll::Ready(Err(error)) if at > before => {
                    self.failed = Some(error);
                    return Poll::Ready(Ok(()));
                }
                Poll::Pending if at > before => return Poll::Ready(Ok(())),
                outcome => return outcome,
            }
        }
    }

    /// Notes what a write came to.
    fn written(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let moved = match outcome {
            Poll::Ready(Ok(bytes)) => {
                self.watch.wrote(bytes);
                self.write_pace.moved(bytes)
            }
            Poll::Pending => Err(ready!(self.write_pace.poll_wait(cx))),
            failed => return failed,
        };
        match moved {
            Ok(()) => outcome,
            Err(slow) => Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, slow))),
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.watch.is_thrown_away() {
            // Closed with a reset, the kernel forgets what it has not sent yet. Where it refuses
            // that, what is closed still takes no more.
            let stream = self.inner.get_ref().0.get_ref();
            let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(error) = self.failed.take() {
            return Poll::Ready(Err(error));
        }
        let before = buf.filled().len();
        let outcome = self.read_records(cx, buf);
        let bytes = buf.filled().len() - before;
        if bytes > 0 {
            self.watch.heard(bytes);
            if let Some(strict) = &mut self.strict {
                strict.pass(&mut buf.filled_mut()[before..]);
            }
        }
        outcome
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.written(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write_vectored(cx, bytes);
        self.written(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.inner).poll_flush(cx).map_ok(|()| 0);
        match outcome {
            Poll::Pending => self.written(cx, Poll::Pending).map_ok(|_| ()),
            done => done.map_ok(|_| ()),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            match &mut this.closing {
                Closing::Open => {
                    ready!(Pin::new(&mut this.inner).poll_shutdown(cx))?;
                    let until = Box::pin(tokio::time::sleep(LINGER));
                    this.closing = Closing::Lingering { until, left: LINGER_BYTES };
                }
                Closing::Lingering { until, left } => {
                    let (stream, _) = this.inner.get_mut();
                    let over = std::future::Future::poll(until.as_mut(), cx).is_ready();
                    if over || ready!(drop_some(stream.get_mut(), cx, left)) {
                        this.closing = Closing::Closed;
                    }
                }
                Closing::Closed => return Poll::Ready(Ok(())),
            }
        }
    }
}

/// Reads and drops; true at the end of the peer's words, or of our patience.
fn drop_some(stream: &mut TcpStream, cx: &mut Context<'_>, left: &mut usize) -> Poll<bool> {
    let mut scratch = [0; 8192];
    let mut buf = ReadBuf::new(&mut scratch);
    match ready!(Pin::new(stream).poll_read(cx, &mut buf)) {
        Ok(()) if !buf.filled().is_empty() => {
            *left = left.saturating_sub(buf.filled().len());
            Poll::Ready(*left == 0)
        }
        _ => Poll::Ready(true),
    }
}
