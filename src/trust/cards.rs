//! The cards of one member: a chain that an invitation or the root begins, and that goes on with
//! rotations, each signed by the key before it.
//!
//! Refuses a successor that keeps a key, skips an epoch, changes the role or goes back in time.
//! Invariant: a former key speaks for what was signed before its successor's time, and a revoked
//! one for what was signed before its revocation.

use crate::clock::Timestamp;
use crate::envelope::statement::{Card, Note, PublicKey};
use crate::ids::{KeyId, MemberId};

/// What vouches for a member's newest card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vouched {
    /// The root key signed it.
    Root,
    /// It is the member's first, and whoever held the invitation's link made it.
    Invitation,
    /// It follows an older one, and a lead who is not the member signed it too.
    Lead,
    /// It follows an older one, and nobody but the old key signed it.
    OldKey,
}

/// A card, and what was signed.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    pub(super) card: Card,
    pub(super) note: Note,
}

/// The cards of one member, oldest first; never empty.
#[derive(Clone, Debug)]
pub(super) struct Cards {
    former: Vec<Signed>,
    newest: Signed,
}

impl Cards {
    /// A chain of one.
    pub(super) fn new(first: Signed) -> Self {
        Self { former: Vec::new(), newest: first }
    }

    /// Adds the next card; false when it may not follow.
    pub(super) fn push(&mut self, next: Signed) -> bool {
        let fits = follows(&self.newest.card, &next);
        if fits {
            self.former.push(std::mem::replace(&mut self.newest, next));
        }
        fits
    }

    pub(super) fn newest(&self) -> &Card {
        &self.newest.card
    }

    pub(super) fn newest_signed(&self) -> &Signed {
        &self.newest
    }

    pub(super) fn member(&self) -> MemberId {
        self.newest.card.member
    }

    /// The card before the newest.
    pub(super) fn before_newest(&self) -> Option<&Card> {
        self.former.last().map(|signed| &signed.card)
    }

    /// Every card with the one that came after it, oldest first.
    pub(super) fn with_successors(&self) -> impl Iterator<Item = (&Signed, Option<&Signed>)> {
        let all = || self.former.iter().chain([&self.newest]);
        all().zip(all().skip(1).map(Some).chain([None]))
    }

    /// Every key ever, oldest first.
    pub(super) fn keys(&self) -> impl Iterator<Item = PublicKey> {
        self.with_successors().map(|(signed, _)| signed.card.sign)
    }

    /// The card with this key.
    pub(super) fn by_key(&self, key: KeyId) -> Option<&Card> {
        self.with_successors()
            .map(|(signed, _)| &signed.card)
            .find(|card| card.sign.key_id() == key)
    }
}

/// Whether `next` may follow `previous`: the same member in the next epoch with other keys
/// throughout, signed by the old key and by the new one.
fn follows(previous: &Card, next: &Signed) -> bool {
    let Signed { card, note } = next;
    let replaced = |old: &Option<_>, new: &Option<_>| match (old, new) {
        (None, None) => true,
        (Some(old), Some(new)) => old != new,
        _ => false,
    };
    card.member == previous.member
        && card.role == previous.role
        && previous.epoch.checked_add(1) == Some(card.epoch)
        && card.time > previous.time
        && card.sign != previous.sign
        && replaced(&previous.recipient, &card.recipient)
        && replaced(&previous.recipient_pq, &card.recipient_pq)
        && note.signed_by(&card.sign)
        && note.signed_by(&previous.sign)
}

/// Whether a card whose successor has this time speaks for what was signed at `at`.
pub(super) fn precedes(at: Timestamp, successor: Option<&Signed>) -> bool {
    successor.is_none_or(|next| at < next.card.time)
}
