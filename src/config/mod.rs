//! Settings: one file per section, read from TOML, overlaid by the environment, validated
//! before anything starts.
//!
//! Refuses unknown keys, impossible values and half a TLS key pair, and says for each which
//! line or variable is wrong and what to write instead. Invariant: a [`Config`] that
//! [`Config::load`] returned has passed every section's checks and holds absolute or
//! config-relative paths already resolved.

mod audit;
mod database;
mod gateway;
mod limits;
mod log;
mod notices;
mod overlay;
mod shares;
mod storage;
mod tls;
mod witness;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use audit::{Audit, Witness};
pub use database::Database;
pub use gateway::Gateway;
pub use limits::Limits;
pub use log::{Format, Level, Log};
pub use notices::Notices;
pub use shares::Shares;
pub use storage::Storage;
pub use tls::Tls;
pub use witness::WitnessSettings;

/// Everything a gateway is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where it listens and what it is called from outside.
    pub gateway: Gateway,
    /// The certificate it shows.
    pub tls: Tls,
    /// What one connection, body or address may take.
    pub limits: Limits,
    /// Where payloads are kept.
    pub storage: Storage,
    /// Where everything else is kept.
    pub database: Database,
    /// Where checkpoints of the audit log go.
    pub audit: Audit,
    /// What it says on standard error.
    pub log: Log,
    /// Through which channels notices are told.
    pub notices: Notices,
    /// What is allowed for shares with partners.
    pub shares: Shares,
}

/// Why settings were not accepted. Every message names the place and the next step.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is not there or not readable.
    #[error(
        "{path}: cannot be read ({source}). Copy config/example.toml there, or name another file with --config"
    )]
    Read {
        /// The file asked for.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not TOML, or a key or type that does not exist.
    #[error("{path}:{line}: {message}. config/example.toml shows every setting")]
    Syntax {
        /// The file read.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A value that cannot be meant.
    #[error("{place}: {key}: {reason}")]
    Value {
        /// `file:line`, or the environment variable, or `default`.
        place: String,
        /// `section.key`.
        key: &'static str,
        /// What is wrong and what to write instead.
        reason: String,
    },
    /// An environment variable that names no setting or has the wrong type.
    #[error("environment variable {variable}: {reason}")]
    Variable {
        /// Its name.
        variable: String,
        /// What is wrong and what to do.
        reason: String,
    },
}

/// One refused value, before its place is known.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// `section.key`.
    key: &'static str,
    /// What is wrong and what to write instead.
    reason: String,
}

impl Refusal {
    fn new(key: &'static str, reason: impl Into<String>) -> Self {
        Self { key, reason: reason.into() }
    }
}

impl Config {
    /// Reads `path`, overlays the variables `STRONGROOM_SECTION__KEY` of `environment`,
    /// validates, and resolves relative paths against the file's folder.
    pub fn load(
        path: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| Error::Read { path: path.to_owned(), source })?;
        let mut config = Self::from_toml(&text, path, environment)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        config.resolve(folder);
        Ok(config)
    }

    /// Reads `text` (which came from `path`, for messages), overlays and validates; paths
    /// stay as written.
    pub fn from_toml(
        text: &str,
        path: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Error> {
        // The file is read alone first, so that its own faults are told with their lines.
        let _: Self = toml::from_str(text).map_err(|e| Error::Syntax {
            path: path.to_owned(),
            line: e.span().map_or(1, |span| line_at(text, span.start)),
            message: e.message().replace('\n', " "),
        })?;
        let mut table: toml::Table = toml::from_str(text).map_err(|e| Error::Syntax {
            path: path.to_owned(),
            line: 1,
            message: e.message().to_owned(),
        })?;
        let set = overlay::apply(&mut table, environment)?;
        let config = Self::deserialize(table).map_err(|e| Error::Variable {
            variable: set.iter().map(|(_, v)| v.as_str()).collect::<Vec<_>>().join(", "),
            reason: format!("{}. config/example.toml shows every setting", e.message()),
        })?;
        config.validate().map_err(|refusal| Error::Value {
            place: set
                .iter()
                .find(|(key, _)| key == refusal.key)
                .map(|(_, variable)| variable.clone())
                .unwrap_or_else(|| match line_of(text, refusal.key) {
                    Some(line) => format!("{}:{line}", path.display()),
                    None => format!("{} (default)", path.display()),
                }),
            key: refusal.key,
            reason: refusal.reason,
        })?;
        Ok(config)
    }

    fn validate(&self) -> Result<(), Refusal> {
        self.gateway.validate()?;
        self.tls.validate()?;
        self.limits.validate()?;
        self.storage.validate()?;
        self.database.validate()?;
        self.audit.validate(self.notices.smtp_host.is_some())?;
        self.notices.validate()?;
        self.shares.validate()
    }

    /// Makes every relative path start at `folder`.
    pub fn resolve(&mut self, folder: &Path) {
        for ca in self.audit.witnesses.iter_mut().filter_map(|witness| witness.ca.as_mut()) {
            *ca = folder.join(&*ca);
        }
        for path in [
            self.tls.certificate.as_mut(),
            self.tls.key.as_mut(),
            self.tls.development_ca.as_mut(),
            Some(&mut self.gateway.secrets),
            Some(&mut self.storage.folder),
            Some(&mut self.database.path),
            Some(&mut self.audit.folder).filter(|folder| !folder.as_os_str().is_empty()),
        ]
        .into_iter()
        .flatten()
        .chain(self.notices.paths())
        {
            if path.is_relative() {
                *path = folder.join(&*path);
            }
        }
    }

    /// As TOML, for `init` and `demo` to write.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("settings are tables of plain values")
    }
}

fn line_at(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())].iter().filter(|b| **b == b'\n').count() + 1
}

/// The line on which `section.key` is set, if it is.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let (section, key) = key.split_once('.')?;
    let root = toml::de::DeTable::parse(text).ok()?;
    let table = root.get_ref().get(section)?.get_ref().as_table()?;
    let (name, _) = table.iter().find(|(name, _)| name.get_ref() == key)?;
    Some(line_at(text, name.span().start))
}

#[cfg(test)]
mod tests;
