//! A gateway of a test's own on this machine: TLS with a certificate made on the spot, and
//! whatever answers the test wants.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;

use crate::api::{ProblemBody, Tokens};
use crate::cli::profile::StoredTokens;
use crate::cli::profile::tests::new_profile;
use crate::clock::{Clock, Timestamp};

use super::body::whole;
use super::{Body, Sent, Session, StreamedBody};

/// An answer; `None` cuts the connection without one.
pub(in crate::cli) type Answer = Option<Response<Body>>;

/// An answer without a body.
pub(in crate::cli) fn status(status: u16) -> Answer {
    let status = StatusCode::from_u16(status).expect("a status");
    Response::builder().status(status).body(whole(Bytes::new())).ok()
}

/// A refusal.
pub(in crate::cli) fn problem(status: u16, code: &str) -> Answer {
    let body = ProblemBody {
        kind: "about:blank".into(),
        title: String::new(),
        status,
        detail: None,
        code: code.into(),
        request_id: None,
        not_before: None,
    };
    json(status, &body)
}

/// JSON.
pub(in crate::cli) fn json(status: u16, value: &impl serde::Serialize) -> Answer {
    let body = serde_json::to_vec(value).expect("JSON");
    Response::builder().status(status).body(whole(body.into())).ok()
}

/// A body of `bytes` of which only the first `cut` arrive.
pub(in crate::cli) fn broken(bytes: &[u8], cut: usize) -> Body {
    let (parts, received) = tokio::sync::mpsc::channel(1);
    let body = StreamedBody::new(received, bytes.len() as u64, Sent::default()).boxed();
    let first = Bytes::copy_from_slice(&bytes[..cut.min(bytes.len())]);
    parts.try_send(first).expect("room for one");
    // What was given is on its way before the connection breaks.
    tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        drop(parts);
    });
    body
}

/// Tokens that are good for ten minutes.
pub(in crate::cli) fn tokens(name: &str) -> Tokens {
    Tokens {
        access_token: format!("access-{name}"),
        access_expires_at: Timestamp::EPOCH,
        refresh_token: format!("refresh-{name}"),
    }
}

/// A logged-in session with a gateway that answers with `answer`, its profile below `dir`.
pub(in crate::cli) async fn session<A, F>(dir: &Path, answer: A) -> Session
where
    A: Fn(Request<Incoming>) -> F + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".into()]).expect("a certificate");
    let ca = made.cert.pem();
    let certificate = CertificateDer::from(made.cert.der().to_vec());
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a certificate and its key");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, answer) = (acceptor.clone(), Arc::clone(&answer));
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = service_fn(|request| {
                    let answer = answer(request);
                    async move { answer.await.ok_or(Cut) }
                });
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    let profile = new_profile(&dir.join("profile"), 1, |_| ());
    let profile = profile.relocate(&format!("https://{address}")).expect("relocated");
    profile.store_ca(ca.as_bytes()).expect("stored");
    let stored = StoredTokens::new(tokens("first"), Clock::System.now());
    profile.store_tokens(&stored).expect("stored");
    Session::open(profile, None, Clock::System).expect("a session")
}

/// The connection is cut.
#[derive(Debug, thiserror::Error)]
#[error("cut")]
struct Cut;

impl From<Infallible> for Cut {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
