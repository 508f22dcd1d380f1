//! Joining, logging in, sessions, keyrings.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::envelope::statement::{Hash, Note, PublicKey, Role};
use crate::ids::{ClientId, MemberId, SessionId};

use super::firm::{ClientSummary, Firm};
use super::text::Base64;

/// Begins an OPAQUE login (RFC 9807, section 6).
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginStart {
    /// The login name.
    pub login: String,
    /// The credential request (KE1).
    pub request: Base64,
}

/// The gateway's answer; it looks the same for names that do not exist.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginStarted {
    /// Names this attempt in [`LoginFinish`].
    pub attempt: SessionId,
    /// The member id under which the keyring is sealed; an invented one for names that do
    /// not exist.
    pub member: MemberId,
    /// The credential response (KE2).
    pub response: Base64,
}

/// Ends an OPAQUE login.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginFinish {
    /// From [`LoginStarted`].
    pub attempt: SessionId,
    /// The credential finalization (KE3).
    pub finalization: Base64,
    /// What the person calls this device.
    pub device: String,
}

/// Logs in with the printed recovery kit.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KitLogin {
    /// The login name.
    pub login: String,
    /// base64url of HKDF(kit, member id, `strongroom/v1/kit/token`).
    pub token: String,
    /// What the person calls this device.
    pub device: String,
}

/// Asks for the next pair of tokens.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// The refresh token last given.
    pub refresh_token: String,
}

/// A pair of tokens.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// A JWT (EdDSA) that names the session; ten minutes.
    pub access_token: String,
    /// When the access token ends, by the gateway's clock.
    pub access_expires_at: Timestamp,
    /// Replaces the refresh token before.
    pub refresh_token: String,
}

/// One way to unlock a keyring.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyringHeader {
    /// `opaque`, `kit` or `device`.
    pub kind: String,
    /// An age header with one stanza.
    pub header: Base64,
}

/// A keyring as the gateway holds it.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyringSealed {
    /// The age payload.
    pub payload: Base64,
    /// The ways to unlock it that this login has use for.
    pub headers: Vec<KeyringHeader>,
}

/// A session has been opened.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionOpened {
    /// Who.
    pub member: MemberId,
    /// Their role.
    pub role: Role,
    /// The session.
    pub session: SessionId,
    /// Its tokens.
    pub tokens: Tokens,
    /// The member's keyring, sealed.
    pub keyring: KeyringSealed,
    /// The member's current card, which the opened keyring must match.
    pub card: Note,
    /// The firm. A profile that has pinned a root key compares it.
    pub firm: Firm,
}

/// Who the caller is.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Me {
    /// The member.
    pub member: MemberId,
    /// Their role.
    pub role: Role,
    /// Their login name.
    pub login: String,
    /// Their display name.
    pub name: String,
    /// This session.
    pub session: SessionId,
    /// The clients they see.
    pub clients: Vec<ClientSummary>,
    /// Documents that they may read and have not pulled yet.
    pub waiting: u64,
}

/// One session of the caller.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionInfo {
    /// The session.
    pub session: SessionId,
    /// What the person called the device.
    pub device: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it last asked for something, to ten minutes.
    pub last_seen_at: Timestamp,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// Proves that the caller holds an invitation.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvitationLook {
    /// base64url of the invitation's token.
    pub token: String,
}

/// What the holder of an invitation gets to see before joining.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvitationSeen {
    /// The invitation.
    pub invitation: Note,
    /// The firm.
    pub firm: Firm,
    /// The statements that lead from the root key to the invitation.
    pub statements: Vec<Note>,
    /// The client's name, for principals and clerks.
    pub client_name: Option<String>,
}

/// Begins the OPAQUE registration of a joining member (RFC 9807, section 5).
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinStart {
    /// base64url of the invitation's token.
    pub token: String,
    /// The id that the joining member chose.
    pub member: MemberId,
    /// The registration request.
    pub request: Base64,
}

/// The gateway's answer.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinStarted {
    /// The registration response.
    pub response: Base64,
}

/// Joins.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// base64url of the invitation's token.
    pub token: String,
    /// The login name wanted.
    pub login: String,
    /// The display name, whose hash is in the card.
    pub name: String,
    /// The card, signed by its own key and the invitation's derived key.
    pub card: Note,
    /// The registration upload; without one there is no login by passphrase.
    pub registration: Option<Base64>,
    /// H of the kit token.
    pub kit_token_hash: Hash,
    /// The sealed keyring with all its headers.
    pub keyring: KeyringSealed,
    /// What the person calls this device.
    pub device: String,
}

/// Begins the registration of a new passphrase.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PassphraseStart {
    /// The registration request.
    pub request: Base64,
}

/// The gateway's answer.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PassphraseStarted {
    /// The registration response.
    pub response: Base64,
}

/// Replaces the passphrase and what it unlocks.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PassphraseChange {
    /// The registration upload.
    pub registration: Base64,
    /// The keyring's `opaque` header under the new export key.
    pub header: KeyringHeader,
}

/// Begins a rotation of the caller's keys.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotationStart {
    /// The registration request of a passphrase; none where there is none to keep.
    pub request: Option<Base64>,
}

/// What a rotation has to follow.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotationStarted {
    /// The caller's newest card, which the next one names as `prev`.
    pub card: Note,
    /// The next card is not dated before this: the present key has signed things until then.
    pub not_before: Timestamp,
    /// Whether there is a login by passphrase, which has to be registered anew.
    pub passphrase: bool,
    /// The registration response.
    pub response: Option<Base64>,
}

/// Rotates the caller's keys.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// The next card, signed by its own key and by the one before.
    pub card: Note,
    /// The registration upload of a passphrase.
    pub registration: Option<Base64>,
    /// H of the token of the new recovery kit.
    pub kit_token_hash: Hash,
    /// The keyring of the new epoch with its headers; the one for a device is the caller's.
    pub keyring: KeyringSealed,
}

/// What a joining or logged-in device needs to check statements.
impl SessionOpened {
    /// The root key that the gateway names; to be compared with the pinned one.
    pub fn root(&self) -> PublicKey {
        self.firm.root
    }
}

/// The clients of a caller, by id.
impl Me {
    /// Whether the caller sees this client.
    pub fn sees(&self, client: ClientId) -> bool {
        self.clients.iter().any(|c| c.client == client)
    }
}
