//! The real accept loop on a free port of this machine, with routes that show what arrives.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::FromRef;
use axum::response::Response;
use futures_util::{StreamExt, stream};
use http::StatusCode;
use strongroom::app::dev_ca;
use strongroom::clock::Clock;
use strongroom::config::Limits;
use strongroom::envelope::statement::Role;
use strongroom::http::metrics::Metrics;
use strongroom::http::server::{Certificates, Ended, Server, Shutdown};
use strongroom::http::{
    Authenticator, Caller, Hosts, Policy, Problem, Readiness, Relation, Routes, SecurityContact,
    assemble, operation, routes,
};
use strongroom::ids::{MemberId, SessionId};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::tls::Client;

/// A running gateway.
pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) files: dev_ca::Files,
    pub(crate) shutdown: Shutdown,
    _folder: TempDir,
    hits: Hits,
    served: Option<JoinHandle<Ended>>,
}

/// What the routes of the tests need.
#[derive(Clone)]
pub(crate) struct State {
    readiness: Readiness,
    contact: SecurityContact,
    hits: Hits,
}

/// The marks of the requests that reached a handler.
#[derive(Clone, Default)]
pub(crate) struct Hits(Arc<Mutex<Vec<String>>>);

impl FromRef<State> for Hits {
    fn from_ref(state: &State) -> Self {
        state.hits.clone()
    }
}

impl FromRef<State> for Readiness {
    fn from_ref(state: &State) -> Self {
        state.readiness.clone()
    }
}

impl FromRef<State> for SecurityContact {
    fn from_ref(state: &State) -> Self {
        state.contact.clone()
    }
}

/// Believes the role that the bearer token names; for these tests alone.
struct RoleInToken;

#[async_trait::async_trait]
impl Authenticator for RoleInToken {
    async fn authenticate(&self, head: &http::request::Parts) -> Result<Caller, Problem> {
        let value = head.headers.get("authorization").and_then(|v| v.to_str().ok());
        let role = value.and_then(|v| v.strip_prefix("Bearer ")).and_then(|v| v.parse().ok());
        let role = role.ok_or_else(Problem::unauthorized)?;
        let (member, session) = (MemberId::random(), SessionId::random());
        Ok(Caller { member, session, role, key_revoked: false })
    }
}

impl Gateway {
    /// With the default limits.
    pub(crate) fn start() -> Self {
        Self::with(Limits::default())
    }

    /// With `limits`.
    pub(crate) fn with(limits: Limits) -> Self {
        Self::with_readiness(limits, Readiness::new())
    }

    /// With `limits` and readiness checks.
    pub(crate) fn with_readiness(limits: Limits, readiness: Readiness) -> Self {
        Self::with_all(limits, readiness, Duration::from_millis(100), Shutdown::new())
    }

    /// With `limits`, readiness checks, a look at the certificate `every` so often, and an end.
    pub(crate) fn with_all(
        limits: Limits,
        readiness: Readiness,
        every: Duration,
        shutdown: Shutdown,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let files = dev_ca::ensure(folder.path(), &[], &Clock::System).expect("a CA");
        let certificates =
            Certificates::load(&files.certificate, &files.key, every).expect("it loads");
        let metrics = Arc::new(Metrics::default());
        let local = SocketAddr::from(([127, 0, 0, 1], 0));
        let server =
            Server::bind(local, certificates, limits, metrics.clone()).expect("a free port");
        let address = server.local_addr();
        let hits = Hits::default();
        let state = State {
            readiness,
            contact: SecurityContact {
                contact: "mailto:security@files.example.cn".into(),
                origin: format!("https://{address}"),
                clock: Clock::System,
            },
            hits: hits.clone(),
        };
        let hosts = Hosts::new([address.to_string()]);
        let router = assemble(
            routes::<State>().and(probes()),
            state,
            hosts,
            Arc::new(RoleInToken),
            metrics.clone(),
        );
        let served = Some(tokio::spawn(server.serve(router, shutdown.clone())));
        Self { address, metrics, files, shutdown, _folder: folder, hits, served }
    }

    /// A client that trusts its CA.
    pub(crate) fn client(&self) -> Client {
        Client::trusting(&self.files.ca, self.address)
    }

    /// Every mark, for messages.
    pub(crate) fn all_hits(&self) -> Vec<String> {
        self.hits.0.lock().expect("no panic").clone()
    }

    /// How often a request with `mark` reached its handler.
    pub(crate) fn hits(&self, mark: &str) -> usize {
        self.hits.0.lock().expect("no panic").iter().filter(|m| *m == mark).count()
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> Ended {
        self.served.take().expect("asked once").await.expect("it did not panic")
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.shutdown.stop();
    }
}

/// Notes how the reading of a body came to its end, even when nobody waits for it any more.
async fn fate(
    axum::extract::State(hits): axum::extract::State<Hits>,
    axum::extract::Path(mark): axum::extract::Path<String>,
    body: Body,
) -> StatusCode {
    let mut told = Fate { hits, mark, end: "dropped" };
    let mut stream = body.into_data_stream();
    told.end = "whole";
    while let Some(piece) = stream.next().await {
        if piece.is_err() {
            told.end = "broken";
            // What arrived would be made durable here.
            let before = std::mem::replace(&mut told.end, "dropped while it was saved");
            tokio::time::sleep(Duration::from_millis(50)).await;
            told.end = before;
            break;
        }
        told.end = "dropped while it was read";
    }
    StatusCode::OK
}

struct Fate {
    hits: Hits,
    mark: String,
    end: &'static str,
}

impl Drop for Fate {
    fn drop(&mut self) {
        self.hits.0.lock().expect("no panic").push(format!("{} {}", self.mark, self.end));
    }
}

async fn hit(
    axum::extract::State(hits): axum::extract::State<Hits>,
    axum::extract::Path(mark): axum::extract::Path<String>,
    _body: Bytes,
) {
    hits.0.lock().expect("no panic").push(mark);
}

/// Routes whose handlers do nothing but show the server's behaviour.
pub(crate) fn probes() -> Routes<State> {
    Routes::new()
        .put(
            "/probe/sink",
            Policy::Public,
            operation("probe.sink", "Counts a body.").answers(StatusCode::OK, "The count."),
            async |body: Body| {
                let mut stream = body.into_data_stream();
                let mut bytes = 0;
                while let Some(piece) = stream.next().await {
                    bytes += piece.map_err(|e| Problem::from_body(&e))?.len();
                }
                Ok::<_, Problem>(bytes.to_string())
            },
        )
        .get(
            "/probe/source/{mebibytes}",
            Policy::Public,
            operation("probe.source", "Sends zeros.").answers(StatusCode::OK, "Zeros."),
            async |axum::extract::Path(mebibytes): axum::extract::Path<usize>| {
                let piece = Bytes::from(vec![0; 1 << 20]);
                let pieces = stream::iter(
                    std::iter::repeat_n(piece, mebibytes).map(Ok::<_, std::convert::Infallible>),
                );
                Response::new(Body::from_stream(pieces))
            },
        )
        .get(
            "/probe/slow/{milliseconds}",
            Policy::Public,
            operation("probe.slow", "Answers later.").answers(StatusCode::OK, "At last."),
            async |axum::extract::Path(milliseconds): axum::extract::Path<u64>| {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                "at last"
            },
        )
        .get(
            "/probe/panic/{secret}",
            Policy::Public,
            operation("probe.panic", "Panics.").answers(StatusCode::OK, "Never."),
            async |axum::extract::Path(secret): axum::extract::Path<String>| -> String {
                panic!("thrown with {secret}")
            },
        )
        .put(
            "/probe/fate/{mark}",
            Policy::Public,
            operation("probe.fate", "Notes the end of a body.").answers(StatusCode::OK, "Noted."),
            fate,
        )
        .put(
            "/probe/hit/{mark}",
            Policy::Public,
            operation("probe.hit.put", "Notes the mark.").answers(StatusCode::OK, "Noted."),
            hit,
        )
        .get(
            "/probe/hit/{mark}",
            Policy::Public,
            operation("probe.hit", "Notes the mark.").answers(StatusCode::OK, "Noted."),
            hit,
        )
        .get(
            "/probe/fail/{secret}",
            Policy::Public,
            operation("probe.fail", "Fails inside.").answers(StatusCode::OK, "Never."),
            async |axum::extract::Path(secret): axum::extract::Path<String>| {
                Problem::internal(&std::io::Error::other(format!("the store said {secret}")))
            },
        )
        .get(
            "/api/v1/probe/session",
            Policy::session(&[Role::Lead, Role::Admin], Relation::Firm),
            operation("probe.session", "Needs one.").answers(StatusCode::OK, "The role."),
            async |caller: Caller| caller.role.as_str(),
        )
}
