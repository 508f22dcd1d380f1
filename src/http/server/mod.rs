//! The accept loop: TCP and TLS connections in, HTTP requests to the router.
//!
//! Owns every limit that applies before a request has a meaning: handshake, header, idle and
//! rate deadlines, caps on connections, the drain at the end. Refuses anything but TLS 1.3.
//! Invariant: a connection holds memory and a slot only while its peer keeps one of the
//! promises in [`Limits`]; whoever breaks one is cut without a say.

mod admission;
mod connection;
mod exchange;
mod forwarded;
mod handshake;
mod leash;
mod pace;
mod read_ahead;
mod shutdown;
mod socket;
mod strict;
mod tls;
mod watch;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Limits;

use super::metrics::Metrics;

pub use exchange::Peer;
pub(in crate::http) use exchange::Received;
pub use leash::Leash;
pub use pace::TooSlow;
pub use shutdown::Shutdown;
pub use tls::{Certificates, Error as TlsError};

use admission::Admission;

/// Connections the kernel holds for us between two accepts.
const BACKLOG: u32 = 1024;

/// How long to wait when the process is out of file descriptors or the kernel of memory.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// A bound TLS server that does not accept yet.
pub struct Server {
    listener: TcpListener,
    local: SocketAddr,
    certificates: Arc<Certificates>,
    limits: Arc<Limits>,
    metrics: Arc<Metrics>,
}

/// How a server came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Every request in progress was answered.
    Drained,
    /// The drain's deadline passed, or a second signal came; `cut` connections were ended.
    Cut {
        /// Connections that were still open.
        connections: usize,
    },
}

/// What every connection shares.
struct Shared {
    certificates: Arc<Certificates>,
    limits: Arc<Limits>,
    metrics: Arc<Metrics>,
    admission: Arc<Admission>,
    drain: Shutdown,
    router: Router,
    /// Handlers that outlive their connections.
    handlers: TaskTracker,
}

impl Server {
    /// Binds `listen` (port 0 takes a free port); fails as `bind(2)` does.
    pub fn bind(
        listen: SocketAddr,
        certificates: Certificates,
        limits: Limits,
        metrics: Arc<Metrics>,
    ) -> io::Result<Self> {
        let listener = listen_on(listen)?;
        let local = listener.local_addr()?;
        let (certificates, limits) = (Arc::new(certificates), Arc::new(limits));
        Ok(Self { listener, local, certificates, limits, metrics })
    }

    /// Where it really listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The certificate it shows, to be reloaded from elsewhere too.
    pub fn certificates(&self) -> Arc<Certificates> {
        self.certificates.clone()
    }

    /// Accepts and serves until `shutdown` says drain; then answers what is in progress for
    /// at most `limits.drain_seconds`, or until `shutdown` says stop.
    pub async fn serve(self, router: Router, shutdown: Shutdown) -> Ended {
        let Self { listener, certificates, limits, metrics, .. } = self;
        raise_descriptor_limit();
        let admission = Arc::new(Admission::new(&limits));
        let drain_limit = limits.drain();
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            certificates: certificates.clone(),
            limits,
            metrics,
            admission,
            drain: shutdown.clone(),
            router,
            handlers: TaskTracker::new(),
        });
        let reload = tokio::spawn(certificates.watch());
        let connections = TaskTracker::new();
        loop {
            tokio::select! {
                biased;
                () = shutdown.draining() => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        spawn(&shared, &connections, &stop, stream, peer);
                    }
                    Err(error) => recover(&error, &shared.admission).await,
                },
            }
        }
        drop(listener);
        connections.close();
        shared.handlers.close();
        let drained = async {
            connections.wait().await;
            shared.handlers.wait().await;
        };
        let ended = tokio::select! {
            () = drained => Ended::Drained,
            () = tokio::time::sleep(drain_limit) => Ended::Cut { connections: connections.len() },
            () = shutdown.stopping() => Ended::Cut { connections: connections.len() },
        };
        stop.cancel();
        // Dropping a connection is quick; whoever hangs in a blocking call is left behind.
        let _ = tokio::time::timeout(Duration::from_secs(1), connections.wait()).await;
        reload.abort();
        ended
    }
}

fn spawn(
    shared: &Arc<Shared>,
    connections: &TaskTracker,
    stop: &CancellationToken,
    stream: TcpStream,
    peer: SocketAddr,
) {
    let accepted = Instant::now();
    let Some(ticket) = shared.admission.admit(peer.ip(), stop) else {
        shared.metrics.connection_refused();
        return;
    };
    let shared = shared.clone();
    connections.spawn(async move {
        let cut = ticket.cut().clone();
        shared.metrics.connection_opened();
        tokio::select! {
            () = cut.cancelled() => {}
            () = connection::run(&shared, stream, peer, &ticket, accepted) => {}
        }
        shared.metrics.connection_closed();
    });
}

/// Binds with `SO_REUSEADDR`, so that a restart does not wait for old connections.
pub(in crate::http) fn listen_on(listen: SocketAddr) -> io::Result<TcpListener> {
    let socket = if listen.is_ipv6() { TcpSocket::new_v6()? } else { TcpSocket::new_v4()? };
    socket.set_reuseaddr(true)?;
    socket.bind(listen)?;
    socket.listen(BACKLOG)
}

/// After a failed accept: a peer that hung up costs nothing; when descriptors or memory have
/// run out, makes room and pauses, because the same accept would fail again at once.
async fn recover(error: &io::Error, admission: &Admission) {
    match error.kind() {
        io::ErrorKind::ConnectionAborted
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionRefused
        | io::ErrorKind::Interrupted => {}
        kind => {
            tracing::warn!(?kind, code = error.raw_os_error(), "accept failed; making room");
            admission.make_room();
            tokio::time::sleep(EXHAUSTED_PAUSE).await;
        }
    }
}

/// Connections need descriptors; the soft limit is often 1,024 where the hard one is far
/// higher.
fn raise_descriptor_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current < limit.maximum {
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::debug!(code = error.raw_os_error(), "the descriptor limit stays");
        }
    }
}
