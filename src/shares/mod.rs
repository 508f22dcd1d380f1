//! Shares (分享): fixed documents that leave the firm for one partner, for a stated purpose and
//! a limited time.
//!
//! Refuses a share that its sharer did not sign, of documents they cannot open themselves, to
//! a partner that may not receive; and whoever does not prove link and code. Sees no key of
//! it. Invariant: a share opens only after its client's principal allowed it, a sensitive one
//! only after a second person agreed too; every step is an audit entry that names the client.

mod decide;
mod fetch;
mod list;
mod open;
mod propose;

use std::collections::HashSet;

use crate::access::{self, Action, Facts};
use crate::audit::Event;
use crate::clock::Timestamp;
use crate::envelope::statement::{Note, Role};
use crate::ids::MemberId;
use crate::store::{self, ShareRow, Tx};
use crate::trust::{self, Directory};

pub use decide::{authorise, revoke, second, unlock};
pub use fetch::{Fetching, LeaseProof, fetchable, stands, start_fetch};
pub use list::{info, list};
pub use open::{Proofs, open, release};
pub use propose::propose;

/// What is allowed for shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where the firm is, as ISO 3166-1 alpha-2.
    pub jurisdiction: String,
    /// The shortest time a share may be open, in seconds.
    pub min_seconds: i64,
    /// The longest, in seconds.
    pub max_seconds: i64,
    /// A lease may fetch for so long, in seconds, or until its share ends.
    pub lease_seconds: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            jurisdiction: "CN".into(),
            min_seconds: 3600,
            max_seconds: 90 * 24 * 3600,
            lease_seconds: 24 * 3600,
        }
    }
}

/// What a caller can do something about.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Unknown, or not the caller's, or not proven, or over: one answer.
    #[error("there is nothing here for the caller")]
    NotFound,
    /// The caller's role never may.
    #[error("the caller's role does not allow this")]
    NotAllowed,
    /// A statement that does not verify, or that its signer may not say.
    #[error("the statement is refused")]
    StatementRefused,
    /// There is another share with this id.
    #[error("there is something else with this id")]
    Taken,
    /// The share is over, or was decided about before.
    #[error("the share is not in a state that allows this")]
    WrongState,
    /// The documents are not all complete, of one client and open to the caller.
    #[error("not every document can be shared")]
    Documents,
    /// A header that is none, or is weaker than the document's.
    #[error("a header is not acceptable")]
    Header,
    /// The time it is to be open for is outside of what is allowed, or nothing may be fetched.
    #[error("the limits are outside of what is allowed")]
    Limits,
    /// Nothing goes to the partner now.
    #[error("the partner may not receive now")]
    Partner(crate::api::PartnerBar),
    /// The firm's recovery has not been rehearsed.
    #[error("the recovery shares have not been rehearsed")]
    NotRehearsed,
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

/// Who asks: a member whose session was proven, with the role that the database holds now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    /// The member.
    pub member: MemberId,
    /// Their role.
    pub role: Role,
}

impl Person {
    /// An event about `share` done by this person in their role.
    fn did(self, action: &'static str, share: &ShareRow) -> Event {
        let event = Event::new(action).by(self.member).client(share.client).object(share.id);
        event.with("role", self.role.as_str())
    }
}

/// Asks `access`; what is denied for want of a relation does not exist.
fn allow(person: Person, action: Action, facts: &Facts) -> Result<(), Error> {
    match access::decide(person.role, action, facts) {
        access::Decision::Allow => Ok(()),
        access::Decision::Deny(access::Reason::Role) => Err(Error::NotAllowed),
        access::Decision::Deny(_) => Err(Error::NotFound),
    }
}

/// A share that `person` may do `action` to.
async fn permitted(
    tx: &mut Tx,
    person: Person,
    action: Action,
    id: crate::ids::ShareId,
) -> Result<ShareRow, Error> {
    let share = tx.share(id).await?;
    let (of_client, assigned) = tx.client_relation(person.member, share.client).await?;
    allow(person, action, &Facts { of_client, assigned, ..Facts::default() })?;
    Ok(share)
}

/// What leads from the root to the card of `member`, oldest first, each once.
async fn chain_to(tx: &mut Tx, member: MemberId) -> Result<Vec<Note>, Error> {
    let mut notes = tx.directory_statements(None).await?;
    notes.extend(tx.own_statements(member).await?);
    let mut seen = HashSet::new();
    notes.retain(|note| seen.insert(note.hash()));
    Ok(notes)
}

/// Refuses a note that `person` did not sign with a key that speaks for them now.
async fn signed_by(tx: &mut Tx, person: Person, note: &Note) -> Result<Directory, Error> {
    let root = tx.firm().await?.root;
    let notes = chain_to(tx, person.member).await?;
    let directory = Directory::verify(root, &notes).map_err(Error::Directory)?;
    if directory.signs_now(person.member, note) {
        Ok(directory)
    } else {
        Err(Error::StatementRefused)
    }
}

fn plausible(time: Timestamp, now: Timestamp) -> Result<(), Error> {
    if time.is_plausible_at(now) { Ok(()) } else { Err(Error::StatementRefused) }
}

/// Refuses everything until the recovery key is known to work.
async fn ready(tx: &mut Tx) -> Result<(), Error> {
    if tx.firm().await?.rehearsed_at.is_some() { Ok(()) } else { Err(Error::NotRehearsed) }
}
