//! The directory of a client, fetched and verified against the pinned root key.
//!
//! Refuses statements that do not verify, and a directory that lacks a card, assignment, policy,
//! role or revocation which this device has seen before, there or wherever it met the same people:
//! a gateway could hide one. A member whose key changed without anybody vouching for it is held
//! back: nothing is sealed to them before a person has confirmed it.

use std::collections::BTreeSet;

use crate::api::Statements;
use crate::envelope::statement::{
    Assignment, Card, Hash, Note, Policy, PublicKey, Revocation, RevocationKind, RoleGrant,
    Statement, peek_kind,
};
use crate::ids::{ClientId, MemberId};
use crate::trust::{self, Demand, DemandError, Directory, KeyChange, Vouched, read_card_subject};

use super::error::Error;
use super::gateway::Session;
use super::profile::{Desk, Known, Memory, Pin};
use super::words::Word;

/// Kinds that are never taken back, so whoever saw one can demand to see it again.
const LASTING: [&str; 5] =
    [Card::KIND, Assignment::KIND, Policy::KIND, RoleGrant::KIND, Revocation::KIND];

/// The name of the directory of the firm alone.
pub const FIRM: &str = "firm";
/// The name of the directory of everybody.
const PEOPLE: &str = "people";

/// The verified directory of `client`; that of the firm alone without one.
///
/// # Errors
/// [`Word::ForeignRoot`], [`Word::BadDirectory`], [`Word::DirectoryRolledBack`], and those of
/// asking.
pub async fn fetch(session: &Session, client: Option<ClientId>) -> Result<Directory, Error> {
    let (path, scope) = match client {
        Some(client) => (format!("/directory?client={client}"), client.to_string()),
        None => ("/directory".to_owned(), FIRM.to_owned()),
    };
    ask(session, path, &scope).await
}

/// The verified directory of everybody with an account, for those who may see them: who they
/// are, and nothing of who looks after whom.
///
/// # Errors
/// As [`fetch`]; [`Word::NotAllowed`].
pub async fn fetch_people(session: &Session) -> Result<Directory, Error> {
    ask(session, "/directory?people=true".to_owned(), PEOPLE).await
}

async fn ask(session: &Session, path: String, scope: &str) -> Result<Directory, Error> {
    let (desk, info) = (session.profile().desk(), session.profile().info());
    let before = desk.memory(scope)?;
    let Statements { statements } = session.get(path).await?;
    believed(&desk, scope, before, info.root, Some(info.member), &statements)
}

/// The directory that `statements` say, called `scope`, if they verify against `root` and lack
/// nothing that was known at this desk `before` they were asked for. Whoever asks, `own`, is not
/// held back from themselves.
///
/// # Errors
/// [`Word::ForeignRoot`], [`Word::BadDirectory`], [`Word::DirectoryRolledBack`].
pub fn believed(
    desk: &Desk,
    scope: &str,
    before: Memory,
    root: PublicKey,
    own: Option<MemberId>,
    statements: &[Note],
) -> Result<Directory, Error> {
    let mut directory = Directory::verify(root, statements).map_err(refused)?;
    let shown = read(statements)?;
    lacks_nothing(&directory, &before, &shown)?;
    let mut learned = shown;
    let cards: Vec<Card> = directory.cards().cloned().collect();
    for card in cards.iter().filter(|card| Some(card.member) != own) {
        let Some(now) = pin_of(card) else { continue };
        match before.known.pins.get(&card.member) {
            Some(pin) if pin.card == now.card => {
                if pin.unannounced {
                    directory.tell_newcomer(card.member);
                }
            }
            Some(pin) if pin.epoch >= now.epoch => {
                return Err(Error::new(Word::DirectoryRolledBack));
            }
            Some(pin) => {
                let change =
                    KeyChange { member: card.member, was: pin.known_by, now: now.known_by };
                let vouched = directory.vouched(card.member);
                if matches!(vouched, Some(Vouched::Lead | Vouched::Root)) {
                    directory.tell_change(change);
                    learned.known.pins.insert(card.member, Pin { unannounced: true, ..now });
                } else {
                    directory.hold_back(change);
                }
            }
            // Nobody vouches for it, and this device has never known the one before: with a key
            // that was stolen and replaced since, a thief could have made it.
            None if directory.vouched(card.member) == Some(Vouched::OldKey) => {
                let before = directory.replaced_card(card.member).and_then(pin_of);
                let was = before.map_or(now.known_by, |pin| pin.known_by);
                let change = KeyChange { member: card.member, was, now: now.known_by };
                directory.hold_back(change);
            }
            None => {
                // Whoever takes the place of somebody with a lost key is no silent change either.
                let unannounced = !before.scope.statements.is_empty();
                if unannounced {
                    directory.tell_newcomer(card.member);
                }
                learned.known.pins.insert(card.member, Pin { unannounced, ..now });
            }
        }
    }
    if !before.holds(&learned) {
        desk.learn(scope, learned)?;
    }
    Ok(directory)
}

/// The pin of a card that something can be sealed to.
pub fn pin_of(card: &Card) -> Option<Pin> {
    let known_by = card.recipient.as_ref().or(card.recipient_pq.as_ref())?.fingerprint();
    Some(Pin {
        card: card.hash(),
        epoch: card.epoch,
        known_by,
        confirmed: false,
        unannounced: false,
    })
}

/// The lasting statements among `notes`, by whom they are about.
fn read(notes: &[Note]) -> Result<Memory, Error> {
    let bad = |e| refused(trust::Error::from(e));
    let mut memory = Memory::default();
    for note in notes {
        let kind = peek_kind(note.text()).map_err(bad)?;
        if !LASTING.contains(&kind) {
            continue;
        }
        let hash = note.hash();
        memory.scope.statements.insert(hash);
        let about = match kind {
            Card::KIND => Some(note.decode::<Card>().map_err(bad)?.member),
            RoleGrant::KIND => {
                let role: RoleGrant = note.decode().map_err(bad)?;
                // One that concerns a client stands in that client's directory alone.
                role.client.is_none().then_some(role.member)
            }
            Revocation::KIND => about(&note.decode::<Revocation>().map_err(bad)?),
            Policy::KIND => {
                if note.decode::<Policy>().map_err(bad)?.client.is_none() {
                    memory.known.firm.insert(hash);
                }
                None
            }
            _ => None,
        };
        if let Some(member) = about {
            memory.known.about.entry(member).or_default().insert(hash);
        }
    }
    Ok(memory)
}

/// The member whom a revocation is about.
fn about(revocation: &Revocation) -> Option<MemberId> {
    let subject = revocation.subject.to_string();
    match revocation.kind {
        RevocationKind::Member => subject.parse().ok(),
        RevocationKind::Card => read_card_subject(&subject).map(|(member, _)| member),
        RevocationKind::Invitation
        | RevocationKind::Link
        | RevocationKind::Share
        | RevocationKind::Document => None,
    }
}

/// Refuses a directory that lacks what it held before, or something that is known about the firm
/// or about anybody whose card it shows.
fn lacks_nothing(directory: &Directory, before: &Memory, shown: &Memory) -> Result<(), Error> {
    let all = &shown.scope.statements;
    let Known { about, firm, .. } = &before.known;
    let people = || about.iter().filter(|(member, _)| directory.card(**member).is_some());
    let there = |known: &BTreeSet<Hash>| known.is_subset(all);
    if there(&before.scope.statements) && there(firm) && people().all(|(_, known)| there(known)) {
        Ok(())
    } else {
        Err(Error::new(Word::DirectoryRolledBack))
    }
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
        DemandError::NoCard(_) => return Error::new(Word::BadDirectory).because(error),
        DemandError::KeyChanged(change) => return changed(change),
    })
}

/// A key that changed and that nobody confirmed.
fn changed(change: KeyChange) -> Error {
    Error::new(Word::KeyChanged)
        .about(change.member)
        .about_words(change.was)
        .about_words(change.now)
}

/// The same for whoever holds a link and has no account to confirm it with.
pub fn changed_at_link(change: KeyChange) -> Error {
    Error::new(Word::LinkKeyChanged).about_words(change.was).about_words(change.now)
}

/// Refuses a member whose changed key nobody has confirmed.
///
/// # Errors
/// [`Word::KeyChanged`].
pub fn is_confirmed(directory: &Directory, member: MemberId) -> Result<(), Error> {
    directory.held_back(member).map_or(Ok(()), |change| Err(changed(change)))
}

/// Refuses while one of those whom such a document would be sealed to has a changed key that
/// nobody has confirmed.
///
/// # Errors
/// [`Word::KeyChanged`].
pub fn are_confirmed(directory: &Directory, demand: Demand) -> Result<(), Error> {
    match directory.readers(demand) {
        Err(DemandError::KeyChanged(change)) => Err(changed(change)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
