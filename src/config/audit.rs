//! `[audit]`: where checkpoints of the audit log go, so that somebody else holds them too.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Refusal;

/// Where checkpoints go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// The folder they are written into, made when missing; empty for none.
    pub folder: PathBuf,
    /// At most one in so many seconds.
    pub folder_seconds: u64,
    /// Whether they are put into the object store too.
    pub object_store: bool,
}

impl Default for Audit {
    fn default() -> Self {
        Self { folder: "checkpoints".into(), folder_seconds: 600, object_store: false }
    }
}

impl Audit {
    pub(super) fn validate(&self) -> Result<(), Refusal> {
        if (1..=86_400).contains(&self.folder_seconds) {
            return Ok(());
        }
        Err(Refusal::new("audit.folder_seconds", "must be from 1 to 86400, e.g. 600"))
    }
}
