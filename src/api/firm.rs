//! The firm: its clients, members, statements.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::envelope::statement::{Hash, Note, PublicKey, Role};
use crate::ids::{ClientId, HandoverId, LinkId, MemberId};

use super::documents::ManifestHead;
use super::text::Base64;

/// The firm that runs the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Firm {
    /// The firm's name.
    pub name: String,
    /// The root key. Pinned by whoever joins; never believed from here afterwards.
    pub root: PublicKey,
    /// The public address of the gateway.
    pub url: String,
}

/// The firm, and what a rehearsal of its recovery needs.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FirmDetails {
    /// The firm.
    pub firm: Firm,
    /// An age file to the recovery key.
    pub canary: Base64,
    /// Whether two shares have opened it; until then no document is served.
    pub rehearsed: bool,
}

/// Signed statements, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Statements {
    /// Everything that is needed to verify the rest of it against the root key.
    pub statements: Vec<Note>,
}

/// One client as its people and accountants see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientSummary {
    /// The client.
    pub client: ClientId,
    /// Its name.
    pub name: String,
    /// The accountants assigned, in whatever category.
    pub accountants: Vec<MemberId>,
}

/// Adds a client.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddClient {
    /// The id that the caller chose; the same id again is the same client.
    pub client: ClientId,
    /// Its name.
    pub name: String,
}

/// What a member may do at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemberState {
    /// May log in.
    Active,
    /// Has been ended by a revocation.
    Suspended,
}

/// One member.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberSummary {
    /// The member.
    pub member: MemberId,
    /// Their role.
    pub role: Role,
    /// Their login name.
    pub login: String,
    /// Their display name.
    pub name: String,
    /// Whether they may do anything.
    pub state: MemberState,
    /// For principals and clerks.
    pub clients: Vec<ClientId>,
}

/// A signed invitation or link, and the hash of its token.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// The signed statement.
    pub statement: Note,
    /// H of the token derived from its secret.
    pub token_hash: Hash,
}

/// An invitation or link is open.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Offered {
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What the holder of a request link gets to see: what it takes to seal to the right people.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkSeen {
    /// The link.
    pub link: Note,
    /// The firm.
    pub firm: Firm,
    /// The statements that lead from the root key to the link and to who reads.
    pub statements: Vec<Note>,
    /// The newest manifest that was signed with the link.
    pub head: ManifestHead,
}

/// One link into a client's space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkInfo {
    /// The link.
    pub link: LinkId,
    /// Whose space it leads to.
    pub client: ClientId,
    /// Whether the gateway seals what arrives there.
    pub on_arrival: bool,
    /// Where it stands.
    pub state: LinkState,
    /// Who opened it.
    pub created_by: MemberId,
    /// When.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Files it has taken, those on their way included.
    pub files: u64,
    /// How many it takes.
    pub max_files: u64,
    /// Payload bytes it has taken, those on their way included.
    pub bytes: u64,
    /// How many it takes.
    pub max_bytes: u64,
}

/// Where a link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// It takes files.
    Open,
    /// It has taken what it takes.
    UsedUp,
    /// Its time is over.
    Expired,
    /// It was ended.
    Revoked,
    /// Whoever opened it no longer looks after the client.
    Unattended,
}

/// Submits one signed statement.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Submit {
    /// The signed statement.
    pub statement: Note,
}

/// Says that a member's key was compared with them.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmKey {
    /// Whose key.
    pub member: MemberId,
    /// The client whose papers are sealed to it; none where the caller speaks for the firm.
    pub client: Option<ClientId>,
    /// H of their newest card.
    pub card: Hash,
    /// The card with the signature of the calling lead.
    pub signed: Option<Note>,
}

/// A key was confirmed.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmed {
    /// Whose.
    pub member: MemberId,
    /// Whether the card bears a lead's signature now.
    pub countersigned: bool,
}

/// An assignment or policy is in force.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Assigned {
    /// Accountants now assigned to the subject.
    pub accountants: Vec<MemberId>,
    /// Documents that some reader cannot open until they are re-wrapped.
    pub pending: u64,
}

/// Completes a hand-over of all clients of a leaving accountant.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandOver {
    /// The `handover` statement, signed by leaver, successor and a lead who is neither.
    pub statement: Note,
    /// An assignment without the leaver for each subject that names them.
    pub assignments: Vec<Note>,
}

impl HandOver {
    /// The longest request, in bytes.
    pub const MAX_BYTES: usize = 4 * 1024 * 1024;
}

/// A hand-over is complete: the leaver looks after nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandedOver {
    /// Its id.
    pub handover: HandoverId,
    /// Since when.
    pub completed_at: Timestamp,
}

/// Proves that two recovery shares opened the canary.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rehearsal {
    /// The canary's plaintext.
    pub proof: Base64,
}
