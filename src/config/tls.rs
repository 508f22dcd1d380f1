//! `[tls]`: the certificate, or the folder of a development CA that makes one.
//!
//! Refuses half a key pair and both ways at once. TLS 1.3 only; there is no setting that
//! weakens it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Refusal;

/// The certificate the gateway shows. With nothing set, a development CA in `certs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// PEM file: the certificate and its chain, leaf first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// PEM file: the private key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// Folder of a development CA, made and renewed by the program; for trying out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub development_ca: Option<PathBuf>,
    /// How often the certificate's files are looked at for a change, in seconds.
    pub reload_seconds: u64,
}

impl Default for Tls {
    fn default() -> Self {
        Self { certificate: None, key: None, development_ca: None, reload_seconds: 10 }
    }
}

impl Tls {
    /// The development CA's folder, when no certificate of one's own is given.
    pub fn development_folder(&self) -> Option<PathBuf> {
        match (&self.certificate, &self.development_ca) {
            (None, Some(folder)) => Some(folder.clone()),
            (None, None) => Some(PathBuf::from("certs")),
            (Some(_), _) => None,
        }
    }

    pub(super) fn validate(&self) -> Result<(), Refusal> {
        match (&self.certificate, &self.key, &self.development_ca) {
            (Some(_), None, _) => {
                return Err(Refusal::new("tls.certificate", "set tls.key too, to the key's file"));
            }
            (None, Some(_), _) => {
                return Err(Refusal::new(
                    "tls.key",
                    "set tls.certificate too, to the chain's file",
                ));
            }
            (Some(_), Some(_), Some(_)) => {
                return Err(Refusal::new(
                    "tls.development_ca",
                    "remove it: tls.certificate and tls.key are set",
                ));
            }
            _ => {}
        }
        if !(1..=3600).contains(&self.reload_seconds) {
            return Err(Refusal::new("tls.reload_seconds", "must be from 1 to 3600"));
        }
        Ok(())
    }
}
