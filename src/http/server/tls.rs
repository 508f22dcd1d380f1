//! The certificate, and TLS as this gateway speaks it.
//!
//! TLS 1.3 only, the hybrid X25519MLKEM768 first, AES-GCM before ChaCha20 (0.6 of its speed
//! here), ALPN `h2` and `http/1.1`, no early data. Invariant: once a usable certificate was
//! loaded there always is one: a broken successor is reported and the old one stays.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{self, cipher_suite};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::signal::unix::{SignalKind, signal};

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file is missing, unreadable or not PEM.
    #[error("{path}: not a readable PEM file of {wanted}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What should be in it.
        wanted: &'static str,
    },
    /// Chain and key do not belong together, or the key's kind is not supported.
    #[error("{path}: the key cannot be used with this certificate ({reason})")]
    Unusable {
        /// The key's file.
        path: PathBuf,
        /// What TLS says.
        reason: String,
    },
}

/// A certificate that is read again when its files change.
#[derive(Debug)]
pub struct Certificates {
    chain: PathBuf,
    key: PathBuf,
    every: Duration,
    seen: Mutex<Option<Stamp>>,
    current: Arc<Current>,
    config: Arc<ServerConfig>,
}

/// When and how long two files were, and which inodes: enough to notice a change.
type Stamp = [(i64, i64, u64, u64); 2];

#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Certificates {
    /// Reads the PEM files `chain` (leaf first) and `key`; looks for changes `every` so often.
    pub fn load(chain: &Path, key: &Path, every: Duration) -> Result<Self, Error> {
        let provider = Arc::new(provider());
        let stamp = stamp(chain, key);
        let current = Arc::new(Current(RwLock::new(read(chain, key, &provider)?)));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("the provider's suites are those of TLS 1.3")
            .with_no_client_auth()
            .with_cert_resolver(current.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.ignore_client_order = true;
        config.max_early_data_size = 0;
        Ok(Self {
            chain: chain.to_owned(),
            key: key.to_owned(),
            every,
            seen: Mutex::new(stamp),
            current,
            config: Arc::new(config),
        })
    }

    /// For the acceptor.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        self.config.clone()
    }

    /// Reads the files again whether they changed or not. On failure the certificate in use
    /// stays.
    pub fn reload(&self) -> Result<(), Error> {
        let stamp = stamp(&self.chain, &self.key);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = stamp;
        let fresh = read(&self.chain, &self.key, self.config.crypto_provider())?;
        *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// Reloads on SIGHUP and when the files change, for ever.
    pub(super) async fn watch(self: Arc<Self>) {
        let mut hangup = match signal(SignalKind::hangup()) {
            Ok(hangup) => Some(hangup),
            Err(error) => {
                tracing::warn!(code = error.raw_os_error(), "no SIGHUP; polling alone");
                None
            }
        };
        loop {
            let asked = async {
                match &mut hangup {
                    Some(hangup) => {
                        hangup.recv().await;
                    }
                    None => std::future::pending().await,
                }
            };
            let force = tokio::select! {
                () = asked => true,
                () = tokio::time::sleep(self.every) => false,
            };
            let now = stamp(&self.chain, &self.key);
            let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if !force && now == seen {
                continue;
            }
            match self.reload() {
                Ok(()) => tracing::info!("the certificate was read again"),
                Err(error) => {
                    tracing::warn!(%error, "the new certificate is unusable; the old one stays");
                }
            }
        }
    }
}

fn provider() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: vec![
            cipher_suite::TLS13_AES_256_GCM_SHA384,
            cipher_suite::TLS13_AES_128_GCM_SHA256,
            cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
        ],
        ..aws_lc_rs::default_provider()
    }
}

fn read(chain: &Path, key: &Path, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>, Error> {
    let unreadable = |path: &Path, wanted| Error::Unreadable { path: path.to_owned(), wanted };
    let certificates = CertificateDer::pem_file_iter(chain)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .ok()
        .filter(|list| !list.is_empty())
        .ok_or_else(|| unreadable(chain, "certificates"))?;
    let private =
        PrivateKeyDer::from_pem_file(key).map_err(|_| unreadable(key, "one private key"))?;
    CertifiedKey::from_der(certificates, private, provider)
        .map(Arc::new)
        .map_err(|error| Error::Unusable { path: key.to_owned(), reason: error.to_string() })
}

fn stamp(chain: &Path, key: &Path) -> Option<Stamp> {
    let of = |path: &Path| {
        let meta = std::fs::metadata(path).ok()?;
        Some((meta.mtime(), meta.mtime_nsec(), meta.len(), meta.ino()))
    };
    Some([of(chain)?, of(key)?])
}
