//! The verified directory: cards, roles, assignments, policies. What makes it up is admitted in
//! `admit`.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Timestamp;
use crate::envelope::statement::{
    Card, Category, Error as StatementError, Hash, Link, Note, Policy, PublicKey, Role,
};
use crate::ids::{ClientId, InvitationId, KeyId, LinkId, MemberId};

use super::cards::Cards;
use super::keys::KeyChange;
use super::sorted::Sorted;

/// Why a set of statements is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A statement that is not well-formed.
    #[error("a statement is not well-formed")]
    Malformed,
    /// A statement of another firm, or a root key that is not the pinned one.
    #[error("a statement belongs to another root key than the pinned one")]
    ForeignRoot,
    /// A statement whose signature is missing, wrong, or by somebody who may not.
    #[error("a statement is not signed by anybody who may sign it")]
    NotAuthorised,
    /// Statements that should form one chain do not.
    #[error("a chain of statements has a gap or a fork")]
    BrokenChain,
}

impl From<StatementError> for Error {
    fn from(_: StatementError) -> Self {
        Self::Malformed
    }
}

/// A role somebody holds, and for which client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Held {
    pub(super) role: Role,
    pub(super) client: Option<ClientId>,
}

/// Everything the statements say, verified. Built by [`Directory::verify`] only.
#[derive(Debug)]
pub struct Directory {
    pub(super) root: PublicKey,
    pub(super) cards: BTreeMap<MemberId, Cards>,
    /// Cards that were revoked, by member and epoch, and from when on.
    pub(super) revoked: BTreeMap<(MemberId, u64), Timestamp>,
    pub(super) held_back: BTreeMap<MemberId, KeyChange>,
    pub(super) told: Vec<KeyChange>,
    pub(super) newcomers: BTreeSet<MemberId>,
    /// Every role ever held, with the time it was taken away.
    pub(super) held: BTreeMap<MemberId, BTreeMap<Held, Option<Timestamp>>>,
    pub(super) ended: BTreeMap<MemberId, Timestamp>,
    pub(super) assignments: BTreeMap<(ClientId, Option<Category>), (Hash, Vec<MemberId>)>,
    pub(super) policies: BTreeMap<Option<ClientId>, (Hash, Policy)>,
    /// Invitations that made a member.
    pub(super) invitations_used: BTreeSet<InvitationId>,
    /// Invitations that were ended before they did.
    pub(super) invitations_ended: BTreeSet<InvitationId>,
    pub(super) links: BTreeMap<LinkId, Link>,
    /// Links that were ended, and from when on.
    pub(super) links_ended: BTreeMap<LinkId, Timestamp>,
    /// Clients for which the gateway was ever allowed to seal on arrival.
    pub(super) arrivals_ever: BTreeSet<ClientId>,
    /// Everybody an assignment ever named: what they signed stays verifiable.
    pub(super) assigned_ever: BTreeSet<(ClientId, MemberId)>,
}

impl Directory {
    /// Verifies `notes` against the pinned root key.
    pub fn verify(root: PublicKey, notes: &[Note]) -> Result<Self, Error> {
        let sorted = Sorted::from_notes(notes)?;
        if !sorted.belongs_to(root.key_id()) {
            return Err(Error::ForeignRoot);
        }
        let mut directory = Self {
            root,
            cards: BTreeMap::new(),
            revoked: BTreeMap::new(),
            held_back: BTreeMap::new(),
            told: Vec::new(),
            newcomers: BTreeSet::new(),
            held: BTreeMap::new(),
            ended: BTreeMap::new(),
            assignments: BTreeMap::new(),
            policies: BTreeMap::new(),
            invitations_used: BTreeSet::new(),
            invitations_ended: BTreeSet::new(),
            links: BTreeMap::new(),
            links_ended: BTreeMap::new(),
            arrivals_ever: BTreeSet::new(),
            assigned_ever: BTreeSet::new(),
        };
        // Root-given roles first: only they can authorise the rest.
        directory.admit_cards(&sorted, Role::is_root_given)?;
        directory.admit_roles(&sorted.roles, Role::is_root_given)?;
        directory.admit_revocations(&sorted.revocations)?;
        directory.admit_cards(&sorted, |role| !role.is_root_given())?;
        directory.admit_roles(&sorted.roles, |role| !role.is_root_given())?;
        directory.admit_assignments(sorted.assignments)?;
        directory.admit_policies(sorted.policies)?;
        directory.admit_links(sorted.links)?;
        directory.admit_link_revocations(&sorted.revocations)?;
        Ok(directory)
    }

    /// Whether somebody of the firm signed `note` who was with it at `at` and who was ever
    /// assigned to `client`, or to any where none is named.
    pub(super) fn bookkeeper_signed(
        &self,
        note: &Note,
        client: Option<ClientId>,
        at: Timestamp,
    ) -> bool {
        self.assigned_ever.iter().any(|(of, member)| {
            self.kept_books_at(*member, at)
                && client.is_none_or(|client| client == *of)
                && self.member_signed(*member, note, at)
        })
    }

    pub(super) fn was_active(&self, member: MemberId, at: Timestamp) -> bool {
        self.ended.get(&member).is_none_or(|ended| at < *ended)
    }

    /// Whether a lead, who was one at `at`, signed `note`.
    pub(super) fn lead_signed(&self, note: &Note, at: Timestamp) -> bool {
        self.signed_as(note, Role::Lead, None, at)
    }

    /// Whether somebody signed `note` who was active and held `role` for `client` at `at`.
    pub(super) fn signed_as(
        &self,
        note: &Note,
        role: Role,
        client: Option<ClientId>,
        at: Timestamp,
    ) -> bool {
        self.cards.values().map(Cards::member).any(|member| {
            self.held_at(member, role, client, at) && self.member_signed(member, note, at)
        })
    }

    /// The pinned root key.
    pub fn root(&self) -> PublicKey {
        self.root
    }

    /// The newest card of a member, also of one that has been ended.
    pub fn card(&self, member: MemberId) -> Option<&Card> {
        self.cards.get(&member).map(Cards::newest)
    }

    /// Whether `name` can be what a member is called: their card says so, or is not here. An erased
    /// name is empty.
    pub fn is_called(&self, member: MemberId, name: &str) -> bool {
        let said = |card: &Card| card.name_hash == Card::hash_name(member, name);
        name.is_empty() || self.card(member).is_none_or(said)
    }

    /// The card whose key has this id, also where newer ones have followed it: ask
    /// [`Directory::member_signed`] what it may still say.
    pub fn card_by_key(&self, key: KeyId) -> Option<&Card> {
        self.cards.values().find_map(|cards| cards.by_key(key))
    }

    /// The link whose derived key has this id.
    pub fn link_by_key(&self, key: KeyId) -> Option<&Link> {
        self.links.values().find(|link| link.public.key_id() == key)
    }

    /// Whether a link had been ended at `at`.
    pub(super) fn link_had_ended(&self, link: LinkId, at: Timestamp) -> bool {
        self.links_ended.get(&link).is_some_and(|ended| at >= *ended)
    }

    /// Whether an assignment ever named `member` for `client`.
    pub(super) fn was_ever_assigned(&self, client: ClientId, member: MemberId) -> bool {
        self.assigned_ever.contains(&(client, member))
    }

    /// A link by its id.
    pub fn link(&self, link: LinkId) -> Option<&Link> {
        self.links.get(&link)
    }

    /// The newest card of everybody.
    pub fn cards(&self) -> impl Iterator<Item = &Card> {
        self.cards.values().map(Cards::newest)
    }

    /// Whether the member has not been ended.
    pub fn is_active(&self, member: MemberId) -> bool {
        !self.ended.contains_key(&member)
    }

    /// Whether the member holds `role` for `client` (`None` for roles of the firm).
    pub fn holds(&self, member: MemberId, role: Role, client: Option<ClientId>) -> bool {
        let held = self.held.get(&member).and_then(|held| held.get(&Held { role, client }));
        held.is_some_and(Option::is_none)
    }

    /// Whether the member held `role` for `client` at `at`: what was signed then stays signed.
    pub(super) fn held_at(
        &self,
        member: MemberId,
        role: Role,
        client: Option<ClientId>,
        at: Timestamp,
    ) -> bool {
        let held = self.held.get(&member).and_then(|held| held.get(&Held { role, client }));
        held.is_some_and(|until| until.is_none_or(|until| at < until))
    }

    /// Whether the member is one of the firm's people who keep books.
    pub fn keeps_books(&self, member: MemberId) -> bool {
        [Role::Accountant, Role::Lead].iter().any(|role| self.holds(member, *role, None))
    }

    /// Whether the member was one of them at `at`.
    pub fn kept_books_at(&self, member: MemberId, at: Timestamp) -> bool {
        [Role::Accountant, Role::Lead].iter().any(|role| self.held_at(member, *role, None, at))
    }

    /// Whether the member holds `role` anywhere.
    pub fn holds_anywhere(&self, member: MemberId, role: Role) -> bool {
        self.held
            .get(&member)
            .is_some_and(|held| held.iter().any(|(h, until)| h.role == role && until.is_none()))
    }

    /// H of the newest assignment of this very subject, for the `prev` of the next.
    pub fn assignment_head(&self, client: ClientId, category: Option<Category>) -> Option<Hash> {
        self.assignments.get(&(client, category)).map(|(hash, _)| *hash)
    }

    /// The accountants of this very subject, ended ones included.
    pub fn assigned_exactly(&self, client: ClientId, category: Option<Category>) -> &[MemberId] {
        self.assignments.get(&(client, category)).map_or(&[], |(_, members)| members)
    }

    /// The accountants who look after `category` of `client` now: the assignment of the
    /// category where there is one, else the general one; without those who were ended.
    pub fn assigned(&self, client: ClientId, category: Category) -> Vec<MemberId> {
        self.assignments
            .get(&(client, Some(category)))
            .or_else(|| self.assignments.get(&(client, None)))
            .map(|(_, members)| members.iter().copied().filter(|m| self.is_active(*m)).collect())
            .unwrap_or_default()
    }

    /// Whether a policy ever allowed documents of `client` that the gateway sealed on arrival or
    /// took as raw age files.
    pub fn ever_on_arrival(&self, client: ClientId) -> bool {
        self.arrivals_ever.contains(&client)
    }

    /// The newest policy of this very subject, with its hash.
    pub fn policy(&self, client: Option<ClientId>) -> Option<&(Hash, Policy)> {
        self.policies.get(&client)
    }
}
