//! `/metrics` on a plain-HTTP socket of its own, for a Prometheus on this machine or network.
//!
//! Refuses everything but `GET /metrics`. Invariant: it shares nothing with the TLS server
//! but the counters, and a flood of it cannot take more than [`MAX_CONNECTIONS`] slots.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, Request};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::http::problem::Problem;
use crate::http::server::{Shutdown, listen_on};

use super::Metrics;

/// Scrapers at one time.
const MAX_CONNECTIONS: usize = 16;

/// A connection is over after this, whatever it does.
const DEADLINE: Duration = Duration::from_secs(30);

/// A bound metrics socket that does not accept yet.
pub struct Listener {
    listener: TcpListener,
    local: SocketAddr,
}

impl Listener {
    /// Binds `listen` (port 0 takes a free port); fails as `bind(2)` does.
    pub fn bind(listen: SocketAddr) -> io::Result<Self> {
        let listener = listen_on(listen)?;
        let local = listener.local_addr()?;
        Ok(Self { listener, local })
    }

    /// Where it really listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Answers until `shutdown` says drain.
    pub async fn serve(self, metrics: Arc<Metrics>, shutdown: Shutdown) {
        let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        loop {
            let accepted = tokio::select! {
                () = shutdown.draining() => return,
                accepted = self.listener.accept() => accepted,
            };
            let Ok((stream, _)) = accepted else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let Ok(slot) = slots.clone().try_acquire_owned() else { continue };
            let metrics = metrics.clone();
            tokio::spawn(async move {
                let service = service_fn(|request: Request<Incoming>| {
                    std::future::ready(Ok::<_, Infallible>(answer(&metrics, &request)))
                });
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(Duration::from_secs(10))
                    .serve_connection(TokioIo::new(stream), service);
                let _ = tokio::time::timeout(DEADLINE, connection).await;
                drop(slot);
            });
        }
    }
}

fn answer(metrics: &Metrics, request: &Request<Incoming>) -> Response {
    let mut response = match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => {
            let media = "text/plain; version=0.0.4; charset=utf-8";
            let mut response = Response::new(Body::from(metrics.render()));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
            response
        }
        (_, "/metrics") => Problem::method_not_allowed()
            .with_header(ALLOW, HeaderValue::from_static("GET"))
            .into_response(),
        _ => Problem::not_found().into_response(),
    };
    if request.method() == Method::HEAD {
        *response.body_mut() = Body::new(Empty::<Bytes>::new());
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
