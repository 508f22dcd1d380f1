//! Statements by their kinds, read once. Refuses what is not well-formed; kinds that are not known
//! are passed over.

use crate::envelope::statement::{
    Assignment, Card, Invitation, Link, Note, Policy, Revocation, RoleGrant, Statement, peek_kind,
};
use crate::ids::RootId;

use super::directory::Error;

/// A statement and what was signed.
pub(super) struct Read<S> {
    pub(super) note: Note,
    pub(super) statement: S,
}

#[derive(Default)]
pub(super) struct Sorted {
    pub(super) cards: Vec<Read<Card>>,
    pub(super) invitations: Vec<Read<Invitation>>,
    pub(super) roles: Vec<Read<RoleGrant>>,
    pub(super) assignments: Vec<Read<Assignment>>,
    pub(super) policies: Vec<Read<Policy>>,
    pub(super) links: Vec<Read<Link>>,
    pub(super) revocations: Vec<Read<Revocation>>,
}

fn read<S: Statement>(note: &Note) -> Result<Read<S>, Error> {
    Ok(Read { statement: note.decode()?, note: note.clone() })
}

impl Sorted {
    pub(super) fn from_notes(notes: &[Note]) -> Result<Self, Error> {
        let mut sorted = Self::default();
        for note in notes {
            match peek_kind(note.text())? {
                Card::KIND => sorted.cards.push(read(note)?),
                Invitation::KIND => sorted.invitations.push(read(note)?),
                RoleGrant::KIND => sorted.roles.push(read(note)?),
                Assignment::KIND => sorted.assignments.push(read(note)?),
                Policy::KIND => sorted.policies.push(read(note)?),
                Link::KIND => sorted.links.push(read(note)?),
                Revocation::KIND => sorted.revocations.push(read(note)?),
                _ => {}
            }
        }
        Ok(sorted)
    }

    pub(super) fn belongs_to(&self, root: RootId) -> bool {
        self.cards.iter().all(|r| r.statement.root == root)
            && self.invitations.iter().all(|r| r.statement.root == root)
            && self.roles.iter().all(|r| r.statement.root == root)
            && self.assignments.iter().all(|r| r.statement.root == root)
            && self.policies.iter().all(|r| r.statement.root == root)
            && self.links.iter().all(|r| r.statement.root == root)
            && self.revocations.iter().all(|r| r.statement.root == root)
    }
}
