//! Recovery with two recovery shares.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::envelope::statement::Note;
use crate::ids::{DocumentId, MemberId, RecoveryId};

use super::documents::DocumentInfo;
use super::text::Base64;

/// Opens a ceremony of recovery.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenRecovery {
    /// The `recovery` statement, signed by the recovery key and the calling lead.
    pub statement: Note,
    /// Why, in the lead's words; the client sees it.
    pub reason: Option<String>,
}

/// A ceremony is open, and the client concerned can see it.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecoveryOpened {
    /// Its id.
    pub recovery: RecoveryId,
    /// Nothing is given for it afterwards.
    pub expires_at: Timestamp,
}

/// One document that somebody who should cannot open.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Recoverable {
    /// The document, with what was signed about it.
    pub document: DocumentInfo,
    /// Headers that the recovery key may open, the likeliest first.
    pub headers: Vec<Base64>,
    /// Who has no header yet.
    pub missing: Vec<MemberId>,
}

/// Documents to recover, a page at a time, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Recoverables {
    /// Of up to 200 documents those that lack a header.
    pub documents: Vec<Recoverable>,
    /// Pass as `after` for the next page.
    pub next: Option<String>,
}

/// A new header of one document, and for whom it is.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHeader {
    /// The document.
    pub document: DocumentId,
    /// A complete age header for its file key.
    pub header: Base64,
    /// Who may fetch the document with it.
    pub members: Vec<MemberId>,
}

/// New headers of several documents.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHeaders {
    /// Up to [`NewHeaders::MOST`], one for each document.
    pub headers: Vec<NewHeader>,
}

impl NewHeaders {
    /// Headers in one request.
    pub const MOST: usize = 200;
}

/// How many documents got a header for somebody who had none.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HeadersAdded {
    /// So many.
    pub rewrapped: u64,
}
