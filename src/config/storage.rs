//! `[storage]`: where payload segments are kept. A folder on the local filesystem.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Refusal;

/// The folder of payload segments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Storage {
    /// Made when missing; must be on a filesystem whose fsync can be trusted.
    pub folder: PathBuf,
}

impl Default for Storage {
    fn default() -> Self {
        Self { folder: "objects".into() }
    }
}

impl Storage {
    pub(super) fn validate(&self) -> Result<(), Refusal> {
        if self.folder.as_os_str().is_empty() {
            return Err(Refusal::new("storage.folder", "must name a folder, e.g. \"objects\""));
        }
        Ok(())
    }
}
