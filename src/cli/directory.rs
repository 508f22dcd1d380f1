//! The directory of a client, fetched and verified against the pinned root key.
//!
//! Refuses statements that do not verify, and a directory that lacks an assignment, policy,
//! role or revocation which this device has seen before: a gateway could hide one.

use std::collections::BTreeSet;

use crate::api::Statements;
use crate::envelope::statement::{
    Assignment, Hash, Note, Policy, PublicKey, Revocation, RoleGrant, Statement, peek_kind,
};
use crate::ids::ClientId;
use crate::trust::{self, DemandError, Directory};

use super::error::Error;
use super::gateway::Session;
use super::profile::Desk;
use super::words::Word;

/// Kinds that are never taken back, so whoever saw one can demand to see it again.
const LASTING: [&str; 4] = [Assignment::KIND, Policy::KIND, RoleGrant::KIND, Revocation::KIND];

/// The verified directory of `client`; that of the firm alone without one.
///
/// # Errors
/// [`Word::ForeignRoot`], [`Word::BadDirectory`], [`Word::DirectoryRolledBack`], and those of
/// asking.
pub async fn fetch(session: &Session, client: Option<ClientId>) -> Result<Directory, Error> {
    let (path, scope) = match client {
        Some(client) => (format!("/directory?client={client}"), client.to_string()),
        None => ("/directory".to_owned(), "firm".to_owned()),
    };
    let Statements { statements } = session.get(path).await?;
    let profile = session.profile();
    believed(&profile.desk(), &scope, profile.info().root, &statements)
}

/// The directory that `statements` say, called `scope`, if they verify against `root` and lack
/// nothing that was seen at this desk before.
///
/// # Errors
/// [`Word::ForeignRoot`], [`Word::BadDirectory`], [`Word::DirectoryRolledBack`].
pub fn believed(
    desk: &Desk,
    scope: &str,
    root: PublicKey,
    statements: &[Note],
) -> Result<Directory, Error> {
    let directory = Directory::verify(root, statements).map_err(refused)?;
    let mut seen = desk.seen_statements(scope)?;
    let now = lasting(statements);
    if !seen.statements.is_subset(&now) {
        return Err(Error::new(Word::DirectoryRolledBack));
    }
    if seen.statements.len() != now.len() {
        seen.statements = now;
        desk.store_seen(scope, &seen)?;
    }
    Ok(directory)
}

fn lasting(notes: &[Note]) -> BTreeSet<Hash> {
    notes
        .iter()
        .filter(|note| peek_kind(note.text()).is_ok_and(|kind| LASTING.contains(&kind)))
        .map(Note::hash)
        .collect()
}

/// Why statements are not believed, as an error of a command.
pub fn refused(error: trust::Error) -> Error {
    match error {
        trust::Error::ForeignRoot => Error::new(Word::ForeignRoot),
        other => Error::new(Word::BadDirectory).because(other),
    }
}

/// Why nobody can be sealed to, as an error of a command.
pub fn undemandable(error: DemandError) -> Error {
    Error::new(match error {
        DemandError::NoAccountant => Word::NoAccountant,
        DemandError::NoRecovery => Word::NoRecovery,
        DemandError::NoReadingKey => Word::NoReadingKey,
        DemandError::NoPostQuantumKey => Word::NoPostQuantumKey,
    })
}
