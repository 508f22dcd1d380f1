//! TLS as this device speaks it: version 1.3 alone, hybrid post-quantum key exchange preferred,
//! roots from the profile's CA or, without one, from the system.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::cli::error::Error;
use crate::cli::words::Word;

/// A configuration that trusts `ca` (PEM, one certificate or more) alone where it is given.
pub(super) fn config(ca: Option<&[u8]>) -> Result<ClientConfig, Error> {
    let roots = match ca {
        Some(pem) => pinned(pem)?,
        None => system(),
    };
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| Error::new(Word::Internal).about("TLS").because(e))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

fn pinned(pem: &[u8]) -> Result<RootCertStore, Error> {
    let bad = |why: &dyn std::fmt::Display| Error::new(Word::Certificate).because(why);
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|e| bad(&e))?;
        roots.add(certificate).map_err(|e| bad(&e))?;
    }
    if roots.is_empty() { Err(bad(&"no certificate in the CA file")) } else { Ok(roots) }
}

fn system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // Certificates that cannot be read are left out; without any, every gateway is untrusted.
    let _ = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ca_file_without_certificates_is_refused() {
        for pem in [
            &b""[..],
            b"not pem",
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            assert_eq!(config(Some(pem)).expect_err("refused").code(), "certificate");
        }
        config(None).expect("the system's own");
    }
}
