//! A gateway that lies: between people and the real one, with a certificate that they trust, it
//! reads every request and answer and changes what a test wants changed.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use strongroom::app::dev_ca;
use strongroom::cli::profile::Profile;
use strongroom::clock::Clock;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

use super::demo::Demo;
use super::tls::Client;

/// A request and, once the gateway has spoken, its answer.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) method: Method,
    /// Path and query, behind `/api/v1`.
    pub(crate) path: String,
    /// The head of the request.
    pub(crate) asked: HeaderMap,
    /// The body of the request.
    pub(crate) sent: Bytes,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Exchange {
    /// Whether it is of `method` and its path, without the query, fits `pattern`, in which `*`
    /// stands for one part.
    pub(crate) fn is(&self, method: Method, pattern: &str) -> bool {
        let path = self.path.split('?').next().unwrap_or_default();
        let (mut path, mut pattern) = (path.split('/'), pattern.split('/'));
        let fits = loop {
            match (path.next(), pattern.next()) {
                (None, None) => break true,
                (Some(_), Some("*")) => {}
                (Some(a), Some(b)) if a == b => {}
                _ => break false,
            }
        };
        fits && self.method == method
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Changes the JSON of the answer.
    pub(crate) fn rewrite(&mut self, change: impl FnOnce(&mut Value)) {
        let mut json = self.json();
        change(&mut json);
        self.body = serde_json::to_vec(&json).expect("JSON").into();
    }

    /// Changes every document of a page, or the one that is told of.
    pub(crate) fn rewrite_documents(&mut self, mut change: impl FnMut(&mut Value)) {
        if self.is(Method::GET, "/documents") {
            self.rewrite(|page| {
                page["documents"].as_array_mut().expect("a page").iter_mut().for_each(change);
            });
        } else if self.is(Method::GET, "/documents/*") {
            self.rewrite(|document| change(document));
        }
    }

    /// The number in a header of the request or, with `answered`, of the answer.
    pub(crate) fn number(&self, name: &str, answered: bool) -> Option<u64> {
        let headers = if answered { &self.headers } else { &self.asked };
        headers.get(name)?.to_str().ok()?.parse().ok()
    }

    /// Refuses with `status` and `code`.
    pub(crate) fn refuse(&mut self, status: StatusCode, code: &str) {
        self.status = status;
        let said = serde_json::json!({
            "type": "about:blank", "title": code, "status": status.as_u16(), "code": code,
        });
        self.body = said.to_string().into();
    }

    /// Answers with these bytes instead.
    pub(crate) fn answer(&mut self, body: Bytes) {
        self.status = StatusCode::OK;
        self.body = body;
    }

    /// Whether a part of a document is in the request.
    fn is_upload(&self) -> bool {
        let tail = self.path.trim_start_matches("/link");
        let upload = tail.starts_with("/uploads") || tail == "/documents";
        upload && matches!(self.method, Method::POST | Method::PATCH | Method::PUT)
    }
}

type Lie = Box<dyn FnMut(&mut Exchange) + Send>;

/// The lying gateway. Gone when dropped.
pub(crate) struct Liar {
    address: SocketAddr,
    ca: PathBuf,
    shared: Arc<Shared>,
    runtime: Option<Runtime>,
    _folder: TempDir,
}

struct Shared {
    gateway: Mutex<Option<Client>>,
    before: Mutex<Option<Lie>>,
    after: Mutex<Option<Lie>>,
    seen: Mutex<Vec<Exchange>>,
}

impl Liar {
    /// In front of the gateway of a demo of its own, and honest until told otherwise; the second
    /// demo is the first as `people` see it, through the liar.
    pub(crate) fn before(people: &[&str]) -> (Demo, Demo, Self) {
        let demo = Demo::start();
        let liar = Self::start();
        let seen = liar.people_of(&demo, people);
        (demo, seen, liar)
    }

    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let files = dev_ca::ensure(folder.path(), &[], &Clock::System).expect("a CA");
        let certificate = CertificateDer::from_pem_file(&files.certificate).expect("one");
        let key = PrivateKeyDer::from_pem_file(&files.key).expect("one");
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(
            rustls::crypto::aws_lc_rs::default_provider(),
        ))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("they fit");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("its address");
        let shared = Arc::new(Shared {
            gateway: Mutex::new(None),
            before: Mutex::new(None),
            after: Mutex::new(None),
            seen: Mutex::new(Vec::new()),
        });
        runtime.spawn(accept(listener, acceptor, shared.clone()));
        Self { address, ca: files.ca, shared, runtime: Some(runtime), _folder: folder }
    }

    /// Leads `people` of `demo` here, and from here to the gateway of `demo`.
    pub(crate) fn people_of(&self, demo: &Demo, people: &[&str]) -> Demo {
        self.lead_to(demo);
        for who in people {
            let profile = Profile::open(&demo.profile(who)).expect("a profile");
            profile.relocate(&format!("https://{}", self.address)).expect("moved");
        }
        let mut seen = demo.handle();
        seen.record["ca"] = self.ca.display().to_string().into();
        seen
    }

    fn lead_to(&self, demo: &Demo) {
        let ca = PathBuf::from(demo.record["ca"].as_str().expect("a CA"));
        let client = Client::trusting(&ca, demo.address());
        *self.shared.gateway.lock().expect("no panic") = Some(client);
    }

    /// Changes answers from now on.
    pub(crate) fn lie(&self, lie: impl FnMut(&mut Exchange) + Send + 'static) {
        *self.shared.after.lock().expect("no panic") = Some(Box::new(lie));
    }

    /// Changes requests from now on, before the gateway sees them.
    pub(crate) fn meddle(&self, lie: impl FnMut(&mut Exchange) + Send + 'static) {
        *self.shared.before.lock().expect("no panic") = Some(Box::new(lie));
    }

    /// Changes nothing any more, and forgets what it saw.
    pub(crate) fn be_honest(&self) {
        *self.shared.before.lock().expect("no panic") = None;
        *self.shared.after.lock().expect("no panic") = None;
        self.forget();
    }

    /// Forgets what it saw.
    pub(crate) fn forget(&self) {
        self.shared.seen.lock().expect("no panic").clear();
    }

    /// What was asked and answered since it last forgot, as people saw it.
    pub(crate) fn seen(&self) -> Vec<Exchange> {
        self.shared.seen.lock().expect("no panic").clone()
    }

    /// The requests that held a part of a document.
    pub(crate) fn uploads(&self) -> Vec<Exchange> {
        self.seen().into_iter().filter(Exchange::is_upload).collect()
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, shared) = (acceptor.clone(), shared.clone());
        tokio::spawn(serve(stream, acceptor, shared));
    }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let service = service_fn(|request| {
        let shared = shared.clone();
        async move { Ok::<_, Infallible>(carry(request, &shared).await) }
    });
    // Whoever hangs up early is told nothing more.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn carry(request: Request<Incoming>, shared: &Shared) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return status(StatusCode::BAD_REQUEST);
    };
    let target = head.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let mut exchange = Exchange {
        method: head.method,
        path: target.trim_start_matches("/api/v1").to_owned(),
        asked: head.headers,
        sent: body.to_bytes(),
        status: StatusCode::BAD_GATEWAY,
        headers: HeaderMap::new(),
        body: Bytes::new(),
    };
    if let Some(lie) = &mut *shared.before.lock().expect("no panic") {
        lie(&mut exchange);
    }
    let Some(client) = shared.gateway.lock().expect("no panic").clone() else {
        return status(StatusCode::BAD_GATEWAY);
    };
    let mut asked = Request::builder()
        .method(exchange.method.clone())
        .uri(format!("/api/v1{}", exchange.path))
        .body(Full::new(exchange.sent.clone()))
        .expect("a request");
    *asked.headers_mut() = exchange.asked.clone();
    for name in [CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION] {
        asked.headers_mut().remove(name);
    }
    let host = HeaderValue::from_str(&client.address().to_string()).expect("an address");
    asked.headers_mut().insert(HOST, host);
    let answer = client.h1(asked).await;
    exchange.status = answer.head.status;
    exchange.headers = answer.head.headers;
    exchange.body = answer.body;
    if let Some(lie) = &mut *shared.after.lock().expect("no panic") {
        lie(&mut exchange);
    }
    let mut response = Response::new(Full::new(exchange.body.clone()));
    *response.status_mut() = exchange.status;
    *response.headers_mut() = exchange.headers.clone();
    let kept = response.headers_mut();
    kept.remove(TRANSFER_ENCODING);
    kept.remove(CONNECTION);
    if exchange.method != Method::HEAD {
        kept.remove(CONTENT_LENGTH);
    }
    shared.seen.lock().expect("no panic").push(exchange);
    response
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
