//! A TLS client that trusts one CA: raw streams for wrong bytes, hyper for right ones.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Connects to one address.
#[derive(Clone)]
pub(crate) struct Client {
    address: SocketAddr,
    config: ClientConfig,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: http::response::Parts,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.head.status.as_u16()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.head.headers.get(name).map_or("", |v| v.to_str().expect("text"))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    /// The `code` of a problem.
    pub(crate) fn code(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let value: serde_json::Value = serde_json::from_slice(&self.body).expect("JSON");
        assert_eq!(value["status"], self.status());
        value["code"].as_str().expect("a code").to_owned()
    }
}

impl Client {
    pub(crate) fn trusting(ca: &Path, address: SocketAddr) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(ca).expect("a CA")).expect("usable");
        let config = ClientConfig::builder_with_provider(Arc::new(
            rustls::crypto::aws_lc_rs::default_provider(),
        ))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
        Self { address, config }
    }

    /// Where it connects to.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The configuration, to be changed.
    pub(crate) fn config(&mut self) -> &mut ClientConfig {
        &mut self.config
    }

    /// A TLS stream that offers `protocol`.
    pub(crate) async fn connect(&self, protocol: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let mut config = self.config.clone();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let tcp = TcpStream::connect(self.address).await?;
        tcp.set_nodelay(true)?;
        let name = ServerName::from(self.address.ip());
        TlsConnector::from(Arc::new(config)).connect(name, tcp).await
    }

    /// Sends `bytes` as they are over HTTP/1.1's stream and reads until the gateway closes.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect("http/1.1").await.expect("connects");
        stream.write_all(bytes).await.expect("sent");
        stream.flush().await.expect("sent");
        let mut answer = Vec::new();
        // An end without a close_notify is an end all the same.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// One request over HTTP/1.1.
    pub(crate) async fn h1(&self, request: Request<Full<Bytes>>) -> Answer {
        let stream = self.connect("http/1.1").await.expect("connects");
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("HTTP/1.1");
        tokio::spawn(connection);
        read(sender.send_request(request).await.expect("an answer")).await
    }

    /// One request over HTTP/2.
    pub(crate) async fn h2(&self, request: Request<Full<Bytes>>) -> Answer {
        let stream = self.connect("h2").await.expect("connects");
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
                .await
                .expect("HTTP/2");
        tokio::spawn(connection);
        read(sender.send_request(request).await.expect("an answer")).await
    }

    /// A request for `path` with the right Host.
    pub(crate) fn request(&self, method: &str, path: &str) -> http::request::Builder {
        Request::builder().method(method).uri(path).header("host", self.address.to_string())
    }

    /// `GET path` over HTTP/1.1.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.h1(self.request("GET", path).body(Full::default()).expect("a request")).await
    }

    /// A request for HTTP/2, whose authority is in the target.
    pub(crate) fn request_h2(&self, method: &str, path: &str) -> http::request::Builder {
        Request::builder().method(method).uri(format!("https://{}{path}", self.address))
    }
}

/// Reads an answer whole.
pub(crate) async fn read<B>(response: Response<B>) -> Answer
where
    B: http_body::Body<Data = Bytes>,
    B::Error: std::fmt::Debug,
{
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("the body arrives").to_bytes();
    Answer { head, body }
}
