//! Which key speaks for a member, who vouches for it, and whether anything is sealed to it.
//!
//! Refuses what an old or revoked key says about later times, and a key that was made with a
//! revoked one until somebody vouches for it. Nobody vouches for themselves.

use crate::clock::Timestamp;
use crate::envelope::statement::{Card, Hash, Note, Role};
use crate::ids::MemberId;

use super::cards::{Cards, Signed, Vouched, precedes};
use super::directory::Directory;

/// A member whose key is not the one that was known here, by fingerprints of X25519 recipients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyChange {
    /// Whose.
    pub member: MemberId,
    /// The one known here.
    pub was: Hash,
    /// The one of their newest card.
    pub now: Hash,
}

/// The subject of the revocation of a card: `MEMBER.EPOCH`.
pub fn card_subject(member: MemberId, epoch: u64) -> String {
    format!("{member}.{epoch}")
}

/// The member and epoch that a card's revocation is about.
pub fn read_card_subject(subject: &str) -> Option<(MemberId, u64)> {
    let (member, epoch) = subject.split_once('.')?;
    let (member, epoch) = (member.parse().ok()?, epoch.parse().ok()?);
    (card_subject(member, epoch) == subject).then_some((member, epoch))
}

impl Directory {
    /// Whether `member` signed `note` with a key that spoke for them at `at`, when they had not
    /// been ended.
    pub fn member_signed(&self, member: MemberId, note: &Note, at: Timestamp) -> bool {
        let Some(cards) = self.cards.get(&member) else { return false };
        self.was_active(member, at)
            && cards.with_successors().any(|(signed, next)| {
                precedes(at, next)
                    && self.revoked_at(&signed.card).is_none_or(|end| at < end)
                    && note.signed_by(&signed.card.sign)
                    && self.is_good(cards, signed)
            })
    }

    pub(super) fn revoked_at(&self, card: &Card) -> Option<Timestamp> {
        self.revoked.get(&(card.member, card.epoch)).copied()
    }

    /// Whether a card counts at all: one that was made with a revoked key does only once
    /// somebody vouches for it.
    fn is_good(&self, cards: &Cards, of: &Signed) -> bool {
        cards.with_successors().take_while(|(signed, _)| signed.card.epoch < of.card.epoch).all(
            |(signed, next)| match (self.revoked_at(&signed.card), next) {
                (Some(end), Some(next)) if end <= next.card.time => self.is_vouched_for(next),
                _ => true,
            },
        )
    }

    /// Whether the root, or a lead other than its member, signed a card: with a key that spoke
    /// for the lead when the card was made, or came later.
    fn is_vouched_for(&self, of: &Signed) -> bool {
        let Signed { card, note } = of;
        note.signed_by(&self.root)
            || self.cards.values().any(|lead| {
                lead.member() != card.member
                    && self.holds(lead.member(), Role::Lead, None)
                    && self.is_active(lead.member())
                    && lead.with_successors().any(|(signed, next)| {
                        precedes(card.time, next)
                            && self.revoked_at(&signed.card).is_none()
                            && note.signed_by(&signed.card.sign)
                    })
            })
    }

    /// What vouches for the newest card of a member.
    pub fn vouched(&self, member: MemberId) -> Option<Vouched> {
        let cards = self.cards.get(&member)?;
        let newest = cards.newest_signed();
        Some(match (cards.before_newest(), newest.note.signed_by(&self.root)) {
            (None, false) => Vouched::Invitation,
            (_, true) => Vouched::Root,
            (Some(_), _) if self.is_vouched_for(newest) => Vouched::Lead,
            (Some(_), _) => Vouched::OldKey,
        })
    }

    /// The card that a member's newest one replaced.
    pub fn replaced_card(&self, member: MemberId) -> Option<&Card> {
        self.cards.get(&member)?.before_newest()
    }

    /// The newest card of a member as it was signed, also of one that has been ended.
    pub fn card_note(&self, member: MemberId) -> Option<&Note> {
        self.cards.get(&member).map(|cards| &cards.newest_signed().note)
    }

    /// Whether the newest card of a member may be sealed to: it was not revoked, nor made with
    /// a revoked key that nobody vouched for since.
    pub fn is_in_force(&self, member: MemberId) -> bool {
        self.cards.get(&member).is_some_and(|cards| {
            self.revoked_at(cards.newest()).is_none() && self.is_good(cards, cards.newest_signed())
        })
    }

    /// Whether `member` signed `note` with a key that speaks for them now: that of their newest
    /// card, neither revoked nor made with a revoked key that nobody vouched for. What is
    /// submitted is judged so, whatever time it claims.
    pub fn signs_now(&self, member: MemberId, note: &Note) -> bool {
        self.is_in_force(member) && self.card(member).is_some_and(|card| note.signed_by(&card.sign))
    }

    /// Seals nothing more to a member whose key has changed, until somebody confirms it.
    pub fn hold_back(&mut self, change: KeyChange) {
        self.held_back.insert(change.member, change);
    }

    /// Notes a change that somebody vouched for, to be shown to whoever seals to the member next.
    pub fn tell_change(&mut self, change: KeyChange) {
        self.told.push(change);
    }

    /// Notes somebody whom nobody here has met before.
    pub fn tell_newcomer(&mut self, member: MemberId) {
        self.newcomers.insert(member);
    }

    /// Whether nobody here had met this member before.
    pub fn is_newcomer(&self, member: MemberId) -> bool {
        self.newcomers.contains(&member)
    }

    /// Changes that somebody vouched for since this device last looked.
    pub fn told_changes(&self) -> &[KeyChange] {
        &self.told
    }

    /// The change that a member's new key waits to be confirmed for.
    pub fn held_back(&self, member: MemberId) -> Option<KeyChange> {
        self.held_back.get(&member).copied()
    }
}
