//! Larger reads from the socket than TLS asks for: it takes 4 KiB at a time, which costs a
//! tenth of an upload's processor time in system calls.
//!
//! Invariant: only a connection that receives a lot holds a buffer; it is given back at the
//! first small read, so idle connections cost nothing.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Four TLS records.
const BUFFER_BYTES: usize = 64 * 1024;

/// What TLS asks for at least when it reads a stream of records.
const TLS_READ_BYTES: usize = 4096;

/// A TCP stream that reads ahead while there is much to read.
pub(super) struct ReadAhead {
    inner: TcpStream,
    buffer: Option<Box<[u8]>>,
    start: usize,
    end: usize,
}

impl ReadAhead {
    pub(super) fn new(inner: TcpStream) -> Self {
        Self { inner, buffer: None, start: 0, end: 0 }
    }

    /// The stream itself, to be looked at.
    pub(super) fn get_ref(&self) -> &TcpStream {
        &self.inner
    }

    /// The stream itself; what was read ahead is not in it any more.
    pub(super) fn get_mut(&mut self) -> &mut TcpStream {
        &mut self.inner
    }
}

impl AsyncRead for ReadAhead {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let Some(buffer) = &mut this.buffer else {
            let before = out.filled().len();
            ready!(Pin::new(&mut this.inner).poll_read(cx, out))?;
            let read = out.filled().len() - before;
            if out.remaining() == 0 && read >= TLS_READ_BYTES {
                this.buffer = Some(vec![0; BUFFER_BYTES].into_boxed_slice());
            }
            return Poll::Ready(Ok(()));
        };
        if this.start == this.end {
            let mut ahead = ReadBuf::new(buffer);
            ready!(Pin::new(&mut this.inner).poll_read(cx, &mut ahead))?;
            (this.start, this.end) = (0, ahead.filled().len());
        }
        let bytes = out.remaining().min(this.end - this.start);
        out.put_slice(&buffer[this.start..this.start + bytes]);
        this.start += bytes;
        if this.start == this.end && this.end < TLS_READ_BYTES {
            this.buffer = None;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ReadAhead {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn everything_arrives_in_order_and_the_buffer_goes() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let sent: Vec<u8> = (0..1_000_003_u32).map(|n| (n % 251) as u8).collect();
        let expected = sent.clone();
        let sender = tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.expect("connects");
            stream.write_all(&sent).await.expect("sent");
            stream.shutdown().await.expect("ended");
        });
        let mut stream = ReadAhead::new(listener.accept().await.expect("accepts").0);
        let (mut got, mut piece, mut buffered) = (Vec::new(), vec![0; 4096], false);
        loop {
            let read = stream.read(&mut piece).await.expect("reads");
            buffered |= stream.buffer.is_some();
            if read == 0 {
                break;
            }
            got.extend_from_slice(&piece[..read]);
        }
        sender.await.expect("no panic");
        assert!(buffered && got == expected);
        assert!(stream.buffer.is_none(), "given back at the end");
    }
}
