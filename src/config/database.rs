//! `[database]`: the SQLite file that holds everything but payloads.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Refusal;

/// The SQLite database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// Made when missing; its write-ahead log lies beside it.
    pub path: PathBuf,
}

impl Default for Database {
    fn default() -> Self {
        Self { path: "strongroom.db".into() }
    }
}

impl Database {
    pub(super) fn validate(&self) -> Result<(), Refusal> {
        if self.path.file_name().is_none() {
            return Err(Refusal::new("database.path", "must name a file, e.g. \"strongroom.db\""));
        }
        Ok(())
    }
}
