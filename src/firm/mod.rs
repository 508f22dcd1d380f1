//! The firm: its foundation, clients, invitations, assignments, hand-overs, policies, links,
//! members.
//!
//! Statements are signed on people's devices; this module verifies them against the firm's
//! root key before it files them, and keeps the rows that queries join in step with them.
//! Refuses a statement that does not verify, whose signer is not the caller, or that does not
//! continue its chain. Invariant: rows and statements change in one transaction, with an
//! audit entry.

mod clients;
mod directories;
mod found;
mod govern;
mod handover;
mod invite;
mod keys;
mod links;
mod recovery;
mod revoke;
mod who_saw;

pub use clients::{add_client, client_summaries, members, statements_for, summary_of};
pub use directories::Directories;
pub use found::{Foundation, found, move_to, summary};
pub use govern::{assign, set_policy};
pub use handover::hand_over;
pub use invite::{InvitationView, invite, look};
pub use keys::{confirm_key, people_statements};
pub use links::{links_of, open_arrival_link, open_request_link};
pub use recovery::{is_rehearsed, rehearse};
pub use revoke::revoke;
pub use who_saw::who_saw;

use crate::access::{self, Action, Facts};
use crate::clock::Timestamp;
use crate::envelope::statement::{Note, Role};
use crate::ids::{ClientId, MemberId};
use crate::store::{self, Standing, Tx};
use crate::trust::{self, Directory};

/// What a caller can do something about.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Unknown, or not the caller's: one answer.
    #[error("there is nothing here for the caller")]
    NotFound,
    /// The caller's role never may.
    #[error("the caller's role does not allow this")]
    NotAllowed,
    /// A statement that does not verify, or that its signer may not say.
    #[error("the statement is refused")]
    StatementRefused,
    /// Not what the canary holds.
    #[error("this is not what the canary holds")]
    WrongProof,
    /// A statement that does not continue the newest of its chain.
    #[error("the statement does not continue its chain")]
    ChainMoved,
    /// The end of something is dated before something that it signed: it can be dated from here on.
    #[error("what ends has signed something later")]
    TooEarly(Timestamp),
    /// The id is taken by something else.
    #[error("there is something else with this id")]
    Taken,
    /// A successor who is not assigned wherever the leaver is.
    #[error("the successor is not assigned wherever the leaver is")]
    NotAssigned,
    /// Documents of a client handed over still lack a header.
    #[error("documents to hand over lack a header")]
    HandoverPending,
    /// Three different people have not signed a hand-over with keys that speak for them.
    #[error("leaver, successor and a lead who is neither have not all signed")]
    HandoverUnsigned,
    /// What was signed of a hand-over is not what is there.
    #[error("the hand-over does not match what is there")]
    HandoverChanged,
    /// The firm would be left without somebody it must have.
    #[error("the last one of this role cannot be ended")]
    LastOne,
    /// A value that cannot be meant, e.g. an empty name.
    #[error("a value is not acceptable")]
    Unacceptable,
    /// The statements on file do not verify: nothing is decided on them.
    #[error("the statements on file do not verify")]
    Directory(#[source] trust::Error),
    /// The database.
    #[error(transparent)]
    Store(store::Error),
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NotFound => Self::NotFound,
            other => Self::Store(other),
        }
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Actor {
    /// The member.
    pub member: MemberId,
    /// Their role, read from the database for this request.
    pub role: Role,
}

/// Decides on an action that concerns `client`, from the facts in the database. What is
/// denied for want of a relation is [`Error::NotFound`].
async fn permit(
    tx: &mut Tx,
    actor: Actor,
    action: Action,
    client: Option<ClientId>,
) -> Result<(), Error> {
    let mut facts = Facts::default();
    if let Some(client) = client {
        tx.client(client).await?;
        let (own, assigned) = tx.client_relation(actor.member, client).await?;
        facts = Facts { of_client: own, assigned, ..facts };
    }
    match access::decide(actor.role, action, &facts) {
        access::Decision::Allow => Ok(()),
        access::Decision::Deny(access::Reason::Role) => Err(Error::NotAllowed),
        access::Decision::Deny(_) => Err(Error::NotFound),
    }
}

/// The caller's key must be among a note's signers, and speak for them: nobody submits for others,
/// nor with a key that was revoked.
fn signed_by_caller(directory: &Directory, actor: Actor, note: &Note) -> Result<(), Error> {
    if directory.signs_now(actor.member, note) { Ok(()) } else { Err(Error::StatementRefused) }
}

/// Whether this very statement is in force already, because its answer was lost. One that has
/// been replaced since is [`Error::ChainMoved`]: it must not come back into force.
async fn in_force(tx: &mut Tx, note: &Note) -> Result<bool, Error> {
    match tx.standing(note).await? {
        Standing::New => Ok(false),
        Standing::Newest => Ok(true),
        Standing::Replaced => Err(Error::ChainMoved),
    }
}

/// The directory that results when `note` is added to what is on file.
async fn directory_with(
    tx: &mut Tx,
    client: Option<ClientId>,
    note: &Note,
) -> Result<Directory, Error> {
    let root = tx.firm().await?.root;
    let mut notes = tx.directory_statements(client).await?;
    Directory::verify(root, &notes).map_err(Error::Directory)?;
    notes.push(note.clone());
    Directory::verify(root, &notes).map_err(|error| match error {
        trust::Error::BrokenChain => Error::ChainMoved,
        _ => Error::StatementRefused,
    })
}

/// Refuses statements from the far future: they would outrank later ones for ever.
fn plausible(time: Timestamp, now: Timestamp) -> Result<(), Error> {
    if time.is_plausible_at(now) { Ok(()) } else { Err(Error::StatementRefused) }
}
