//! `[audit]`: where checkpoints of the audit log go, so that somebody else holds them too, and
//! who cosigns them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Refusal;
use crate::merkle::CosignerKey;

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
    /// The mailboxes they are sent to, over the mail server of `[notices]`.
    pub mail_to: Vec<String>,
    /// At most one mail in so many seconds.
    pub mail_seconds: u64,
    /// Witnesses are asked at most once in so many seconds.
    pub witness_seconds: u64,
    /// Witnesses on other machines, which cosign them.
    pub witnesses: Vec<Witness>,
}

/// A witness that is asked to cosign checkpoints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Witness {
    /// Its submission prefix (C2SP tlog-witness), an `https://` address.
    pub url: String,
    /// Its verifier key, `NAME+HASH+BASE64`.
    pub key: String,
    /// A CA (PEM) to trust for it instead of the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            folder: "checkpoints".into(),
            folder_seconds: 600,
            object_store: false,
            mail_to: Vec::new(),
            mail_seconds: 86_400,
            witness_seconds: 10,
            witnesses: Vec::new(),
        }
    }
}

impl Audit {
    pub(super) fn validate(&self, mails: bool) -> Result<(), Refusal> {
        if !(1..=86_400).contains(&self.folder_seconds) {
            return Err(Refusal::new("audit.folder_seconds", "must be from 1 to 86400, e.g. 600"));
        }
        if !(1..=3600).contains(&self.witness_seconds) {
            return Err(Refusal::new("audit.witness_seconds", "must be from 1 to 3600, e.g. 10"));
        }
        if !(1..=31 * 86_400).contains(&self.mail_seconds) {
            let reason = "must be from 1 to 2678400, e.g. 86400";
            return Err(Refusal::new("audit.mail_seconds", reason));
        }
        if !self.mail_to.is_empty() && !mails {
            return Err(Refusal::new("audit.mail_to", "set notices.smtp_host too"));
        }
        for witness in &self.witnesses {
            if !witness.url.starts_with("https://") {
                return Err(Refusal::new("audit.witnesses", "url must begin with https://"));
            }
            if witness.key.parse::<CosignerKey>().is_err() {
                let reason =
                    "key must be a verifier key with type 4, as strongroom witness shows it";
                return Err(Refusal::new("audit.witnesses", reason));
            }
        }
        Ok(())
    }
}
