//! HTTPS to other machines: whom a webhook or a witness is reached by.
//!
//! Refuses plain HTTP and certificates that do not verify. Follows no redirect.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(30);

/// A client that speaks HTTP/1.1 over TLS.
pub type Client = HyperClient<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The CA's file cannot be read.
    #[error(transparent)]
    File(#[from] std::io::Error),
    /// It holds something that is no certificate, or one that cannot be used.
    #[error("{0}")]
    Certificate(String),
    /// It holds no certificate at all.
    #[error("holds no certificate")]
    Empty,
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
}

/// A client that trusts the CA in the file `ca` (PEM), or where there is none the system's.
///
/// # Errors
/// [`Error`].
pub fn client(ca: Option<&Path>) -> Result<Client, Error> {
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots(ca)?)
        .with_no_client_auth();
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_connect_timeout(Some(CONNECT));
    let https = hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_only()
        .enable_http1()
        .wrap_connector(tcp);
    Ok(HyperClient::builder(TokioExecutor::new()).build(https))
}

fn roots(ca: Option<&Path>) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    let Some(path) = ca else {
        // Certificates that cannot be read are left out; without any, nothing is trusted.
        let _ = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return Ok(roots);
    };
    let unusable = |e: &dyn std::fmt::Display| Error::Certificate(e.to_string());
    for certificate in CertificateDer::pem_slice_iter(&std::fs::read(path)?) {
        roots.add(certificate.map_err(|e| unusable(&e))?).map_err(|e| unusable(&e))?;
    }
    if roots.is_empty() { Err(Error::Empty) } else { Ok(roots) }
}
