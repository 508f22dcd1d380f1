//! One connection from accept to end: handshake, then HTTP/2 or HTTP/1.1 as agreed by ALPN,
//! under the watch's deadlines and the server's drain.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::config::Limits;

use super::Shared;
use super::admission::Ticket;
use super::exchange::{self, Peer, Reply};
use super::handshake;
use super::pace::Pace;
use super::socket::Socket;
use super::watch::{Verdict, Watch};

/// What an HTTP/2 peer may send before we have read it: enough for a long fat line, small
/// enough for many connections.
pub(super) const STREAM_WINDOW_BYTES: u32 = 2 << 20;
pub(super) const CONNECTION_WINDOW_BYTES: u32 = 8 << 20;

/// What is kept of one HTTP/2 reply while the peer does not take it.
const SEND_BUFFER_BYTES: usize = 256 * 1024;

/// Streams reset before we accepted them, at most (rapid reset, CVE-2023-44487).
const PENDING_RESETS: usize = 20;

/// How often an HTTP/2 peer is asked whether it is there, and how long it may take.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_DEADLINE: Duration = Duration::from_secs(20);

/// Header lines in one HTTP/1.1 request.
const MAX_HEADERS: usize = 64;

/// What may wait unsent in the kernel: keeps a slow reader's progress visible to us.
const UNSENT_BYTES: u32 = 128 * 1024;

/// Taking leave of an idle connection takes at most this.
const LEAVE: Duration = Duration::from_secs(2);

/// Serves one connection to its end.
pub(super) async fn run(
    shared: &Arc<Shared>,
    stream: TcpStream,
    peer: SocketAddr,
    ticket: &Ticket,
    accepted: Instant,
) {
    // Both are improvements only: a socket that refuses them is served all the same.
    let _ = stream.set_nodelay(true);
    let _ = SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT_BYTES);
    let limits = &shared.limits;
    let deadline = accepted + limits.handshake();
    let tls = tokio::select! {
        tls = handshake::accept(stream, &shared.certificates, deadline) => tls,
        () = shared.drain.draining() => None,
    };
    let Some(tls) = tls else { return };
    let multiplexed = tls.get_ref().1.alpn_protocol() == Some(b"h2");
    let watch = ticket.watch().clone();
    // A reader is given the idle limit, not the body window: the kernel tells us of its
    // progress in steps of tens of kilobytes.
    let pace = Pace::new(limits.idle(), limits.min_body_bytes_per_second);
    let io = TokioIo::new(Socket::new(tls, watch.clone(), pace, multiplexed));
    let service = service(shared, Peer(peer.ip().to_canonical()), &watch);
    if multiplexed {
        watch.multiplexed();
        drive(h2(limits).serve_connection(io, service), shared, &watch).await;
    } else {
        drive(h1(limits).serve_connection(io, service), shared, &watch).await;
    }
}

fn service(
    shared: &Arc<Shared>,
    peer: Peer,
    watch: &Arc<Watch>,
) -> impl HttpService<
    Incoming,
    ResBody = Reply,
    Error = std::convert::Infallible,
    Future: Send + 'static,
> + use<> {
    let (shared, watch) = (shared.clone(), watch.clone());
    service_fn(move |request: Request<Incoming>| {
        exchange::answer(shared.clone(), request, peer, watch.clone())
    })
}

fn h1(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // The watch has the header and idle deadlines; hyper's would cut idle connections.
        .header_read_timeout(None)
        .max_headers(MAX_HEADERS)
        .max_header_size(limits.max_header_bytes as usize);
    builder
}

fn h2(limits: &Limits) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.max_concurrent_streams)
        .max_header_list_size(limits.max_header_bytes)
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_DEADLINE);
    builder
}

/// A hyper connection that can be asked to take its leave.
trait Served: Future {
    fn leave(self: Pin<&mut Self>);
}

impl<S> Served for http1::Connection<TokioIo<Socket>, S>
where
    S: HttpService<Incoming, ResBody = Reply, Error = std::convert::Infallible>,
{
    fn leave(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<S> Served for http2::Connection<TokioIo<Socket>, S, TokioExecutor>
where
    S: HttpService<Incoming, ResBody = Reply, Error = std::convert::Infallible>,
    S::Future: Send + 'static,
{
    fn leave(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// Polls `connection` until it ends, breaks a promise, or the server has drained it.
async fn drive<C: Served>(connection: C, shared: &Shared, watch: &Watch) {
    let mut connection = pin!(connection);
    let mut drained = pin!(shared.drain.draining());
    let mut alarm = pin!(tokio::time::sleep_until(Instant::now()));
    let mut leaving = false;
    let mut gone_at: Option<Instant> = None;
    std::future::poll_fn(|cx| {
        if !leaving && drained.as_mut().poll(cx).is_ready() {
            leaving = true;
            connection.as_mut().leave();
        }
        if connection.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        loop {
            let now = Instant::now();
            let mut next = match watch.verdict(now, &shared.limits) {
                Verdict::Until(next) => next,
                Verdict::Idle => {
                    if !leaving {
                        leaving = true;
                        connection.as_mut().leave();
                        if connection.as_mut().poll(cx).is_ready() {
                            return Poll::Ready(());
                        }
                    }
                    now + LEAVE
                }
                Verdict::Cut(reason) => {
                    shared.metrics.connection_cut();
                    tracing::debug!(reason, "a connection was cut");
                    return Poll::Ready(());
                }
            };
            // Who has nothing in progress may not hold up the drain by silence.
            if leaving && !watch.is_busy() {
                let at = *gone_at.get_or_insert(now + LEAVE);
                if now >= at {
                    return Poll::Ready(());
                }
                next = next.min(at);
            } else {
                gone_at = None;
            }
            if alarm.deadline() != next {
                alarm.as_mut().reset(next);
            }
            if alarm.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    })
    .await;
}
