//! The audit log: proofs for receipts, the head, and who saw a client's documents.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::envelope::statement::{Hash, Note};
use crate::ids::{DocumentId, MemberId};

use super::text::Base64;

/// What shows that a promised entry is in the log.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogProof {
    /// The entry, byte for byte: what its leaf, which the receipt names, is the hash of.
    pub entry: String,
    /// Whether the entry has its place in the tree; it gets it within a minute.
    pub included: bool,
    /// The proof with the newest checkpoint (C2SP tlog-proof), once it is included; where a
    /// witness was named, with the newest that it cosigned.
    pub proof: Option<String>,
    /// The newest checkpoint and how it grew out of the one asked about.
    pub head: LogHead,
    /// The root-signed cards of the keys that sign receipts and checkpoints.
    pub cards: Vec<Note>,
}

/// The newest checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogHead {
    /// The signed note (C2SP tlog-checkpoint); none before the first entry has its place.
    pub checkpoint: Option<String>,
    /// The consistency proof from the size asked about (RFC 6962, section 2.1.2); none where
    /// the log is shorter than that.
    pub consistency: Option<Vec<Hash>>,
    /// The newest checkpoint that the witness asked about cosigned, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cosigned: Option<Cosigned>,
}

/// A checkpoint that a witness cosigned.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Cosigned {
    /// The signed note with its cosignatures (C2SP tlog-cosignature).
    pub checkpoint: String,
    /// The consistency proof from it to the newest checkpoint (RFC 6962, section 2.1.2).
    pub consistency: Vec<Hash>,
}

/// One thing that somebody did, or tried to do, with what is a client's.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// When.
    pub at: Timestamp,
    /// Who; none for somebody without an account.
    pub member: Option<MemberId>,
    /// Their display name now.
    pub name: Option<String>,
    /// Their role then.
    pub role: Option<String>,
    /// What, e.g. `document.open`; `access.refused` for what was tried in vain.
    pub action: String,
    /// The document, where it was one.
    pub document: Option<DocumentId>,
    /// Why, as they said.
    pub purpose: Option<String>,
    /// Id of whatever it was done to.
    pub object: Option<String>,
    /// What else was noted of it.
    #[schema(value_type = Object)]
    pub detail: serde_json::Map<String, serde_json::Value>,
    /// The entry in the audit log, byte for byte.
    pub entry: String,
    /// What was noted beside it, of which the entry holds the MAC; none once it was erased.
    pub noted: Option<Noted>,
    /// Its position in the log's tree, once it has one.
    pub index: Option<u64>,
}

/// What was noted beside an entry.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Noted {
    /// 32 random bytes, the key of the MAC.
    pub salt: Base64,
    /// JSON, byte for byte.
    pub data: String,
}

/// A page of what was done, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeenPage {
    /// Up to 200.
    pub seen: Vec<Seen>,
    /// Pass as `after` for the next page.
    pub next: Option<String>,
}
