//! Partners and shares.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::envelope::statement::{Basis, Category, Hash, Note, PublicKey};
use crate::ids::{ClientId, DocumentId, LeaseId, MemberId, PartnerId, ShareId};

use super::text::Base64;

/// The header of a request under a lease: base64url of the lease's 16 bytes and `open`'s 32.
pub const LEASE_HEADER: &str = "strongroom-lease";

/// On what way data may leave the jurisdiction (出境路径).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportRoute {
    /// 豁免: cross-border human resources.
    ExemptHr,
    /// 豁免: a contract with the person.
    ExemptContract,
    /// 豁免: few persons.
    ExemptSmall,
    /// 标准合同.
    StandardContract,
    /// 认证.
    Certification,
    /// 安全评估.
    Assessment,
}

impl ExportRoute {
    const ALL: [Self; 6] = [
        Self::ExemptHr,
        Self::ExemptContract,
        Self::ExemptSmall,
        Self::StandardContract,
        Self::Certification,
        Self::Assessment,
    ];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExemptHr => "exempt_hr",
            Self::ExemptContract => "exempt_contract",
            Self::ExemptSmall => "exempt_small",
            Self::StandardContract => "standard_contract",
            Self::Certification => "certification",
            Self::Assessment => "assessment",
        }
    }

    /// Reads [`ExportRoute::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|route| route.as_str() == text)
    }
}

/// What is recorded of a partner (合作机构).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PartnerDetails {
    /// Its name.
    pub name: String,
    /// What it is, e.g. `tax_agent`.
    pub kind: String,
    /// Licence number; may be empty.
    pub licence: String,
    /// Where it is, as ISO 3166-1 alpha-2.
    pub jurisdiction: String,
    /// The people there who receive.
    pub people: Vec<String>,
    /// Its confidentiality agreement counts from then,
    pub nda_from: Option<Timestamp>,
    /// and until then.
    pub nda_until: Option<Timestamp>,
    /// When it is to be looked at again.
    pub review_at: Option<Timestamp>,
    /// On what way data may go there from another jurisdiction.
    pub export_route: Option<ExportRoute>,
    /// Number of the impact assessment for that.
    pub export_assessment: String,
    /// Reference of the authorisation for that.
    pub export_authorisation: String,
}

/// Adds a partner, or replaces what is recorded of it.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutPartner {
    /// What is recorded.
    pub details: PartnerDetails,
    /// Whether all its links are stopped.
    pub suspended: bool,
}

/// Whether a partner may receive anything at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartnerState {
    /// It may, as far as its agreement and jurisdiction allow.
    Active,
    /// All its links are stopped.
    Suspended,
}

/// Why nothing goes to a partner just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartnerBar {
    /// It is suspended.
    Suspended,
    /// It has no agreement that is valid now.
    NdaExpired,
    /// It is in another jurisdiction, and route, assessment and authorisation are not recorded.
    ExportBlocked,
}

/// A partner.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Partner {
    /// The partner.
    pub partner: PartnerId,
    /// Whether it is suspended.
    pub state: PartnerState,
    /// Why nothing goes there just now; none when something may.
    pub bar: Option<PartnerBar>,
    /// What is recorded.
    pub details: PartnerDetails,
}

/// One document of a share and the header that its link opens.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SharedDocument {
    /// The document.
    pub document: DocumentId,
    /// An age header for the share's identity.
    pub header: Base64,
}

/// Proposes a share.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposeShare {
    /// The signed share.
    pub statement: Note,
    /// The list that is sealed to the share's identity.
    pub sealed: Base64,
    /// Its documents.
    pub documents: Vec<SharedDocument>,
    /// Who receives it at the partner.
    pub recipient: String,
    /// H(find).
    pub find_hash: Hash,
    /// H(open).
    pub open_hash: Hash,
    /// Whether an access code is needed.
    pub has_code: bool,
}

/// Where a share stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShareState {
    /// 等待客户授权: for the client's principal, and for a second person where it is sensitive.
    Waiting,
    /// It can be received.
    Open,
    /// Every full set has been released.
    UsedUp,
    /// Too many wrong codes; the sharer unlocks it.
    Locked,
    /// Its time is over.
    Expired,
    /// The client's principal refused it or took it back.
    Withdrawn,
    /// The firm ended it.
    Revoked,
}

impl ShareState {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Open => "open",
            Self::UsedUp => "used_up",
            Self::Locked => "locked",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
            Self::Revoked => "revoked",
        }
    }
}

/// That the partner fetched a document.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Fetched {
    /// The document.
    pub document: DocumentId,
    /// By which of the fetchings.
    pub lease: LeaseId,
    /// When its header left.
    pub at: Timestamp,
}

/// A share as the firm and the client's principal see it.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShareInfo {
    /// The share.
    pub share: ShareId,
    /// Where it stands.
    pub state: ShareState,
    /// Whose documents.
    pub client: ClientId,
    /// Who shares them.
    pub sharer: MemberId,
    /// The partner,
    pub partner: PartnerId,
    /// its name,
    pub partner_name: String,
    /// and why nothing goes there just now.
    pub partner_bar: Option<PartnerBar>,
    /// Who receives it there.
    pub recipient: String,
    /// What for.
    pub purpose: String,
    /// The documents.
    pub documents: Vec<DocumentId>,
    /// What kinds of paper they are.
    pub categories: Vec<Category>,
    /// When it was proposed.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Full sets that were released.
    pub downloads_used: u64,
    /// Full sets that may be.
    pub max_downloads: u64,
    /// Wrong codes since it was unlocked.
    pub wrong_codes: u64,
    /// Whether an access code is needed.
    pub has_code: bool,
    /// Whether it waits for the client's principal.
    pub needs_client: bool,
    /// Whether it waits for a second person of the firm.
    pub needs_second: bool,
    /// On what ground personal data may be passed on.
    pub basis: Option<Basis>,
    /// What the partner fetched.
    pub fetched: Vec<Fetched>,
    /// The share as signed.
    pub statement: Note,
}

/// Opens a share for its partner.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenShare {
    /// `find` in base64url.
    pub find: String,
    /// `open` in base64url.
    pub open: String,
    /// A random id: the same again is the same slot.
    pub lease: LeaseId,
}

/// What the partner needs to verify and open; no document's header yet.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenedShare {
    /// The firm's root key, for the fragment to confirm.
    pub root: PublicKey,
    /// What leads from the root to the sharer, oldest first.
    pub statements: Vec<Note>,
    /// The signed share.
    pub statement: Note,
    /// The list that is sealed to the share's identity.
    pub sealed: Base64,
    /// Until when this lease may fetch.
    pub lease_expires_at: Timestamp,
}
