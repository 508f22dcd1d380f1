//! Documents, from upload to re-wrap.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::envelope::statement::{Category, Direction, Hash, Note, Period, SealLevel};
use crate::ids::{ClientId, DocumentId, KeyId, MemberId};

use super::text::Base64;

/// Where a document stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DocumentState {
    /// Not complete; only its sender sees it.
    Uploading,
    /// Complete.
    Received,
    /// Somebody it was meant for has pulled it.
    Pulled,
    /// Taken back by its sender.
    Recalled,
}

impl DocumentState {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uploading => "uploading",
            Self::Received => "received",
            Self::Pulled => "pulled",
            Self::Recalled => "recalled",
        }
    }

    /// Whether it is there, for whoever may read it.
    pub const fn is_complete(self) -> bool {
        matches!(self, Self::Received | Self::Pulled)
    }

    /// Reads [`DocumentState::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Uploading, Self::Received, Self::Pulled, Self::Recalled]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

/// One document as the gateway knows it.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentInfo {
    /// The document.
    pub document: DocumentId,
    /// Whose it is.
    pub client: ClientId,
    /// To the firm or to the client.
    pub direction: Direction,
    /// Accounting period.
    pub period: Period,
    /// Category.
    pub category: Category,
    /// Where it was sealed.
    pub seal: SealLevel,
    /// Where it stands.
    pub state: DocumentState,
    /// Bytes of the payload.
    pub length: u64,
    /// Payload bytes that are durable, while uploading.
    pub offset: u64,
    /// When it became complete, or when it was begun.
    pub received_at: Timestamp,
    /// The member who sent it; none for raw age files and links.
    pub sender: Option<MemberId>,
    /// Whether the caller has pulled it.
    pub pulled: bool,
    /// Whether a reader who verified it has made a header for the recovery key; until then it
    /// is the sender's claim that the recovery key is among the recipients.
    pub recovery_proven: bool,
    /// The combined hash of the pieces.
    pub pieces: Option<Hash>,
    /// The sender's signed manifest; none for raw age files.
    pub manifest: Option<Note>,
    /// The reader's adoption of a raw age file.
    pub adoption: Option<Note>,
    /// The sealed part, for whoever may read.
    pub sealed: Option<Base64>,
    /// The header that the caller may open, if there is one.
    pub header: Option<Base64>,
    /// The gateway's receipt, for sender and readers.
    pub receipt: Option<Note>,
    /// What its sender signed when they took it back.
    pub recall: Option<Note>,
}

/// A page of documents, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentPage {
    /// Up to 200 documents.
    pub documents: Vec<DocumentInfo>,
    /// Pass as `after` for the next page.
    pub next: Option<String>,
}

/// Completes an upload.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Complete {
    /// The sender's signed manifest.
    pub manifest: Note,
    /// The sealed part.
    pub sealed: Base64,
}

/// A document is complete and durable.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Completed {
    /// The document.
    pub document: DocumentId,
    /// Where it stands.
    pub state: DocumentState,
    /// The gateway's signed promise.
    pub receipt: Note,
}

/// The newest manifest of one signer for one client.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ManifestHead {
    /// Its `seq`; 0 when there is none.
    pub seq: u64,
    /// The manifest itself.
    pub manifest: Option<Note>,
}

/// One manifest of a chain. What it says is told to whoever may see the document; everybody else
/// gets its place and hash, so that the chain can be followed past it.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChainEntry {
    /// Key id of who signed it.
    pub signer: KeyId,
    /// Its number among the signer's manifests for this client, from 1.
    pub seq: u64,
    /// H of its text.
    pub hash: Hash,
    /// The manifest, of documents that the caller may see.
    pub manifest: Option<Note>,
}

/// A page of every chain of manifests of one client, in the order in which they came. Those of
/// documents that were taken back stay in it.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Chains {
    /// H of the manifest at the place that `after` named; none when there is no such place.
    pub at: Option<Hash>,
    /// Up to 500 manifests after it.
    pub entries: Vec<ChainEntry>,
    /// The place of the last one: pass it as `after` for what follows.
    pub next: u64,
    /// Whether there is more at this moment.
    pub more: bool,
}

/// A page of the documents of a client that are not there any more though their manifests are:
/// their senders took them back.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Gone {
    /// What the senders signed, of up to 500 documents that the caller might have seen.
    pub recalls: Vec<Note>,
    /// The place of the last one: pass it as `after` for what follows.
    pub next: u64,
    /// Whether there is more at this moment.
    pub more: bool,
}

/// Adds a re-wrapped header and grants it to members.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddHeader {
    /// A complete age header for the same file key.
    pub header: Base64,
    /// Who may fetch the document with it.
    pub members: Vec<MemberId>,
}

/// A header for the recovery key alone, made by a reader who verified and opened the document.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecoveryHeader {
    /// The document.
    pub document: DocumentId,
    /// A complete age header for its file key, a stanza for each recovery key.
    pub header: Base64,
}

/// Headers for the recovery key of several documents.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecoveryHeaders {
    /// Up to [`RecoveryHeaders::MOST`], one for each document.
    pub headers: Vec<RecoveryHeader>,
}

impl RecoveryHeaders {
    /// Headers in one request.
    pub const MOST: usize = 200;
}

/// How many documents are proven recoverable now that were not before.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecoveryProven {
    /// So many.
    pub proven: u64,
}

/// Adopts a raw age file.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Adopt {
    /// The reader's signed adoption.
    pub adoption: Note,
    /// The sealed part, made by the reader.
    pub sealed: Base64,
    /// A header to everybody required.
    pub header: Base64,
}

/// One document whose readers are not all able to open it.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rewrap {
    /// The document, with the caller's header where they can open it.
    pub document: DocumentInfo,
    /// Who has no header yet.
    pub missing: Vec<MemberId>,
}

/// Documents to re-wrap, a page at a time.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rewraps {
    /// Up to 200.
    pub documents: Vec<Rewrap>,
    /// How many there are in all that the caller can open.
    pub pending: u64,
    /// How many there are in all that the caller cannot open.
    pub beyond: u64,
}
