//! The settings of `strongroom witness`, a program on another machine with a file of its own.
//!
//! Refuses what it does not know, and a witness without a name or a log.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Error;
use crate::merkle::VerifierKey;

/// A witness's settings; `config/witness.toml` explains each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WitnessSettings {
    /// What it is called in signatures.
    pub name: String,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Its folder: key, and what it has seen.
    pub data: PathBuf,
    /// Its certificate and the key of it (PEM); a development CA's where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// See [`WitnessSettings::certificate`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// The verifier keys of the logs that it cosigns.
    pub logs: Vec<String>,
}

impl Default for WitnessSettings {
    fn default() -> Self {
        Self {
            name: String::new(),
            listen: SocketAddr::from(([127, 0, 0, 1], 8445)),
            data: ".".into(),
            certificate: None,
            key: None,
            logs: Vec::new(),
        }
    }
}

impl WitnessSettings {
    /// Reads `path`; relative paths start at its folder.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Syntax`].
    pub fn load(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| Error::Read { path: path.to_owned(), source })?;
        let mut settings: Self = toml::from_str(&text).map_err(|e| Error::Syntax {
            path: path.to_owned(),
            line: e.span().map_or(1, |span| super::line_at(&text, span.start)),
            message: e.message().replace('\n', " "),
        })?;
        let folder = path.parent().unwrap_or(Path::new("."));
        for path in [settings.certificate.as_mut(), settings.key.as_mut(), Some(&mut settings.data)]
            .into_iter()
            .flatten()
        {
            *path = folder.join(&path);
        }
        Ok(settings)
    }

    /// The keys of its logs.
    ///
    /// # Errors
    /// The text that is no verifier key.
    pub fn log_keys(&self) -> Result<Vec<VerifierKey>, String> {
        self.logs.iter().map(|log| log.parse().map_err(|_| log.clone())).collect()
    }
}
