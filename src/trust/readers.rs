//! Whom a document must be sealed to.

use crate::envelope::statement::{
    Card, Category, Direction, Hash, Manifest, Recipient, Role, YesNo,
};
use crate::ids::{ClientId, MemberId};

use super::directory::Directory;
use super::keys::KeyChange;

/// Somebody a document is sealed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// Who.
    pub member: MemberId,
    /// As what they read: accountant, principal, clerk, or the recovery key.
    pub role: Role,
    /// The recipient: X25519, or post-quantum where policy says so.
    pub recipient: Recipient,
    /// The fingerprint that people know them by: of their X25519 recipient, whatever policy says.
    pub known_by: Hash,
}

impl Reader {
    /// H of the recipient string.
    pub fn fingerprint(&self) -> Hash {
        self.recipient.fingerprint()
    }

    /// Whether they read for the firm: an accountant, or the recovery key.
    pub fn is_firm_side(&self) -> bool {
        matches!(self.role, Role::Accountant | Role::Recovery)
    }
}

/// What is asked: whose document, of which category, going where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// The client.
    pub client: ClientId,
    /// The category.
    pub category: Category,
    /// To the firm or to the client.
    pub direction: Direction,
}

/// Why nobody can be named. Refused before a byte is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DemandError {
    /// No accountant with a key is assigned.
    #[error("no accountant is assigned to this client")]
    NoAccountant,
    /// The firm has no recovery key.
    #[error("the firm has no recovery key")]
    NoRecovery,
    /// Nobody on the client's side can read.
    #[error("nobody on the client's side has a key to read with")]
    NoReadingKey,
    /// The post-quantum policy names somebody without such a key.
    #[error("a reader has no post-quantum key")]
    NoPostQuantumKey,
    /// Somebody who is assigned has no card among the statements.
    #[error("somebody who is assigned has no card")]
    NoCard(MemberId),
    /// A reader's key has changed, and nobody has confirmed it.
    #[error("a reader's key has changed and is not confirmed")]
    KeyChanged(KeyChange),
}

impl Directory {
    /// Whether documents of `client` are sealed post-quantum.
    pub fn is_post_quantum(&self, client: ClientId) -> bool {
        [Some(client), None]
            .into_iter()
            .filter_map(|subject| self.policy(subject))
            .any(|(_, policy)| policy.post_quantum == YesNo::Yes)
    }

    /// Whether the gateway may seal on arrival for `client`: only its own policy can say so.
    pub fn may_seal_on_arrival(&self, client: ClientId) -> bool {
        self.policy(Some(client)).is_some_and(|(_, policy)| policy.on_arrival == YesNo::Yes)
    }

    /// What clerks of `client` may read.
    pub fn clerk_categories(&self, client: ClientId) -> Vec<Category> {
        self.policy(Some(client))
            .map_or_else(Category::clerk_default, |(_, policy)| policy.reader_categories.clone())
    }

    /// The cards of the recovery key in force.
    pub fn recovery_cards(&self) -> impl Iterator<Item = &Card> {
        self.cards().filter(|card| {
            card.role == Role::Recovery
                && self.is_active(card.member)
                && self.is_in_force(card.member)
        })
    }

    /// Whether a member of the client's own side may read `category`.
    pub fn client_side_reads(
        &self,
        member: MemberId,
        client: ClientId,
        category: Category,
    ) -> bool {
        self.is_active(member)
            && (self.holds(member, Role::Principal, Some(client))
                || (self.holds(member, Role::Clerk, Some(client))
                    && self.clerk_categories(client).contains(&category)))
    }

    /// Whether somebody without an account sealed to the firm alone, although the client's own
    /// members could have read: what a partner gives back is for the client only where its
    /// manifest names them. Whoever had no card yet was not left out.
    pub fn is_for_firm_alone(&self, manifest: &Manifest) -> bool {
        let Manifest { client, category, .. } = *manifest;
        let named = |recipient: &Option<Recipient>| {
            recipient.as_ref().is_some_and(|r| manifest.recipients.contains(&r.fingerprint()))
        };
        let own = || self.cards().filter(|c| self.client_side_reads(c.member, client, category));
        self.link_by_key(manifest.signer).is_some()
            && own().any(|card| card.time <= manifest.time || card.prev.is_some())
            && !own().any(|card| named(&card.recipient) || named(&card.recipient_pq))
    }

    /// Everybody the document must be sealed to: the assigned accountants, the firm's
    /// recovery key, and those of the client's own members who may read the category. Refused
    /// while one of them has a changed key that nobody confirmed.
    pub fn readers(&self, demand: Demand) -> Result<Vec<Reader>, DemandError> {
        let readers = self.named_readers(demand)?;
        match readers.iter().find_map(|reader| self.held_back(reader.member)) {
            Some(change) => Err(DemandError::KeyChanged(change)),
            None => Ok(readers),
        }
    }

    /// The same people, whether their keys are confirmed or not: to show, never to seal to.
    pub fn named_readers(&self, demand: Demand) -> Result<Vec<Reader>, DemandError> {
        let Demand { client, category, direction } = demand;
        let post_quantum = self.is_post_quantum(client);
        let mut readers = Vec::new();
        let mut add = |card: &Card, role: Role| -> Result<bool, DemandError> {
            let recipient = if post_quantum { &card.recipient_pq } else { &card.recipient };
            match (recipient, &card.recipient) {
                (Some(recipient), known) => {
                    let known_by = known.as_ref().unwrap_or(recipient).fingerprint();
                    let (member, recipient) = (card.member, recipient.clone());
                    readers.push(Reader { member, role, recipient, known_by });
                    Ok(true)
                }
                (None, Some(_)) => Err(DemandError::NoPostQuantumKey),
                (None, None) => Ok(false),
            }
        };
        let mut accountants = 0;
        for member in self.assigned(client, category) {
            // Never left out silently: a gateway could hide a card to hide papers from somebody.
            let card = self.card(member).ok_or(DemandError::NoCard(member))?;
            if self.keeps_books(member) && self.is_in_force(member) {
                accountants += usize::from(add(card, Role::Accountant)?);
            }
        }
        if accountants == 0 {
            return Err(DemandError::NoAccountant);
        }
        let mut own = 0;
        let reads = |c: &&Card| {
            self.client_side_reads(c.member, client, category) && self.is_in_force(c.member)
        };
        for card in self.cards().filter(reads) {
            own += usize::from(add(card, card.role)?);
        }
        if direction == Direction::Out && own == 0 {
            return Err(DemandError::NoReadingKey);
        }
        let mut recovery = 0;
        for card in self.recovery_cards() {
            recovery += usize::from(add(card, Role::Recovery)?);
        }
        if recovery == 0 {
            return Err(DemandError::NoRecovery);
        }
        Ok(readers)
    }
}
