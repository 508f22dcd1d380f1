//! Who may use a route, declared beside it and enforced before its handler runs.
//!
//! Refuses by default: a session route runs only for a caller whose session was proven and
//! whose role is listed. Whose document or client it is remains the domain's decision, made
//! in its transaction with facts read there.

use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::envelope::statement::Role;
use crate::ids::{MemberId, SessionId};

use super::named::Named;
use super::problem::Problem;

/// Everybody who works at the firm.
pub const STAFF: &[Role] =
    &[Role::Accountant, Role::Lead, Role::PrivacyOfficer, Role::Auditor, Role::Admin];

/// Everybody who belongs to a client.
pub const CLIENT_SIDE: &[Role] = &[Role::Principal, Role::Clerk];

/// Who may send, and who may read.
pub const SENDERS: &[Role] = &[Role::Principal, Role::Clerk, Role::Accountant, Role::Lead];

/// Who keeps books.
pub const BOOKKEEPERS: &[Role] = &[Role::Accountant, Role::Lead];

/// Who sees who saw a client's documents: the client's principal and those who oversee.
pub const WATCHERS: &[Role] = &[Role::Principal, Role::Lead, Role::PrivacyOfficer, Role::Auditor];

/// Who governs the firm: invites, assigns, allows, ends.
pub const LEADS: &[Role] = &[Role::Lead];

/// Who says what is allowed for a client.
pub const POLICY_MAKERS: &[Role] = &[Role::Lead, Role::Principal];

/// Who sees everybody who has an account.
pub const OVERSEERS: &[Role] = &[Role::Lead, Role::PrivacyOfficer, Role::Auditor, Role::Admin];

/// Who keeps the register of partners.
pub const OFFICERS: &[Role] = &[Role::Lead, Role::PrivacyOfficer];

/// Who sees the register of partners.
pub const PARTNER_VIEWERS: &[Role] =
    &[Role::Accountant, Role::Lead, Role::PrivacyOfficer, Role::Auditor];

/// Who decides for a client.
pub const PRINCIPALS: &[Role] = &[Role::Principal];

/// Who sees shares.
pub const SHARE_VIEWERS: &[Role] =
    &[Role::Principal, Role::Accountant, Role::Lead, Role::PrivacyOfficer, Role::Auditor];

/// Who ends shares.
pub const SHARE_ENDERS: &[Role] =
    &[Role::Principal, Role::Accountant, Role::Lead, Role::PrivacyOfficer];

/// Every person with an account.
pub const PEOPLE: &[Role] = &[
    Role::Principal,
    Role::Clerk,
    Role::Accountant,
    Role::Lead,
    Role::PrivacyOfficer,
    Role::Auditor,
    Role::Admin,
];

/// What a session route touches; the matrix of role × relation × route is made from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// The caller's own things only: sessions, keyring, devices.
    Own,
    /// Something of a client that the caller belongs to or looks after; anybody else gets
    /// the answer for what does not exist.
    Client,
    /// The firm as a whole.
    Firm,
}

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Anybody; nothing of a person or a document is behind it.
    Public,
    /// Whoever brings a token, password proof or signature that the handler checks itself:
    /// an invitation, a link, a sign-in.
    Token,
    /// A session of one of `roles`.
    Session {
        /// The roles that may at all.
        roles: &'static [Role],
        /// Whose things it touches.
        relation: Relation,
    },
}

impl Policy {
    /// A session of one of `roles`, touching `relation`.
    pub const fn session(roles: &'static [Role], relation: Relation) -> Self {
        Self::Session { roles, relation }
    }

    /// Whether it needs no session.
    pub const fn is_unauthenticated(self) -> bool {
        !matches!(self, Self::Session { .. })
    }
}

/// Who asks: a session proven on this request, with the role the database holds now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The person.
    pub member: MemberId,
    /// The session.
    pub session: SessionId,
    /// Their role at this moment.
    pub role: Role,
    /// Whether the key of their newest card was revoked: they change nothing but their own keys
    /// and sessions until they have another.
    pub key_revoked: bool,
}

/// Proves the session of a request. The gateway asks once for each session route.
#[async_trait]
pub trait Authenticator: Send + Sync + 'static {
    /// The caller behind `head`, from its `Authorization` or cookie, with rights read from
    /// the database; or [`Problem::unauthorized`].
    async fn authenticate(&self, head: &Parts) -> Result<Caller, Problem>;

    /// Records that `caller` was refused the operation `tried` on what the request named, before
    /// the refusal is told. Where nothing keeps records there is nothing to do.
    async fn refused(&self, _caller: Caller, _tried: &str, _named: Named) -> Result<(), Problem> {
        Ok(())
    }
}

/// Knows nobody: every session route answers 401.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

#[async_trait]
impl Authenticator for Nobody {
    async fn authenticate(&self, _: &Parts) -> Result<Caller, Problem> {
        Err(Problem::unauthorized())
    }
}

/// Lets `head` pass `policy`, leaving the [`Caller`] for the handler.
pub(super) async fn admit(
    policy: Policy,
    authenticator: Option<&Arc<dyn Authenticator>>,
    head: &mut Parts,
) -> Result<(), Problem> {
    let Policy::Session { roles, relation } = policy else { return Ok(()) };
    let authenticator = authenticator.ok_or_else(Problem::unauthorized)?;
    let caller = authenticator.authenticate(head).await?;
    head.extensions.insert(caller);
    if !roles.contains(&caller.role) {
        return Err(Problem::not_allowed());
    }
    if caller.key_revoked && relation != Relation::Own && !head.method.is_safe() {
        return Err(Problem::key_revoked());
    }
    Ok(())
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    /// The caller that the route's policy proved; 401 on a route that asked for none.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().copied().ok_or_else(Problem::unauthorized)
    }
}
