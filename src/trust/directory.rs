//! The verified directory: cards, roles, assignments, policies.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Timestamp;
use crate::envelope::statement::{
    Assignment, Card, Category, Error as StatementError, Hash, Invitation, Link, Note, Policy,
    PublicKey, Revocation, RevocationKind, Role, RoleGrant, YesNo,
};
use crate::ids::{ClientId, InvitationId, KeyId, LinkId, MemberId};

use super::cards::{Cards, Signed};
use super::chain::{self, Link as ChainLink};
use super::keys::{KeyChange, read_card_subject};
use super::policies::{lead_may_sign, principal_may_sign};
use super::sorted::{Read, Sorted};

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
struct Held {
    role: Role,
    client: Option<ClientId>,
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
    held: BTreeMap<MemberId, BTreeMap<Held, Option<Timestamp>>>,
    ended: BTreeMap<MemberId, Timestamp>,
    assignments: BTreeMap<(ClientId, Option<Category>), (Hash, Vec<MemberId>)>,
    policies: BTreeMap<Option<ClientId>, (Hash, Policy)>,
    /// Invitations that made a member.
    invitations_used: BTreeSet<InvitationId>,
    /// Invitations that were ended before they did.
    invitations_ended: BTreeSet<InvitationId>,
    links: BTreeMap<LinkId, Link>,
    /// Links that were ended, and from when on.
    links_ended: BTreeMap<LinkId, Timestamp>,
    /// Clients for which the gateway was ever allowed to seal on arrival.
    arrivals_ever: BTreeSet<ClientId>,
    /// Everybody an assignment ever named: what they signed stays verifiable.
    assigned_ever: BTreeSet<(ClientId, MemberId)>,
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

    /// A member's first card counts when its own key signed it and either the root did too, or
    /// the key of an invitation for this very role that somebody who may invite had signed. What
    /// follows it is signed by the key before.
    fn admit_cards(&mut self, sorted: &Sorted, which: impl Fn(Role) -> bool) -> Result<(), Error> {
        let mut chains: BTreeMap<MemberId, Vec<ChainLink<Signed>>> = BTreeMap::new();
        for Read { note, statement: card } in
            sorted.cards.iter().filter(|r| which(r.statement.role))
        {
            chains.entry(card.member).or_default().push(ChainLink {
                hash: note.hash(),
                prev: card.prev,
                value: Signed { card: card.clone(), note: note.clone() },
            });
        }
        for (member, links) in chains {
            let mut ordered = chain::order(links).ok_or(Error::BrokenChain)?.into_iter();
            let Some(first) = ordered.next() else { continue };
            let (held, invitation) = self.first_held(sorted, &first)?;
            // An invitation makes one member: whoever saw its link later cannot make another.
            if !invitation.is_none_or(|invitation| self.invitations_used.insert(invitation)) {
                return Err(Error::NotAuthorised);
            }
            let mut cards = Cards::new(first);
            if !ordered.all(|next| cards.push(next)) || self.cards.contains_key(&member) {
                return Err(Error::NotAuthorised);
            }
            let taken = |key| self.cards.values().any(|other| other.keys().any(|k| k == key));
            if cards.keys().any(taken) {
                return Err(Error::NotAuthorised);
            }
            self.held.entry(member).or_default().insert(held, None);
            self.cards.insert(member, cards);
        }
        Ok(())
    }

    /// The role that a member's first card gives and for which client, and by which invitation.
    fn first_held(
        &self,
        sorted: &Sorted,
        first: &Signed,
    ) -> Result<(Held, Option<InvitationId>), Error> {
        let Signed { card, note } = first;
        if !note.signed_by(&card.sign) {
            return Err(Error::NotAuthorised);
        }
        let by = if note.signed_by(&self.root) {
            None
        } else {
            Some(self.inviting(&sorted.invitations, note, card)?)
        };
        let client = by.and_then(|invitation| invitation.client);
        if card.role.is_client_side() == client.is_some() {
            Ok((Held { role: card.role, client }, by.map(|invitation| invitation.invitation)))
        } else {
            Err(Error::NotAuthorised)
        }
    }

    fn inviting<'a>(
        &self,
        invitations: &'a [Read<Invitation>],
        card_note: &Note,
        card: &Card,
    ) -> Result<&'a Invitation, Error> {
        invitations
            .iter()
            .filter(|r| r.statement.role == card.role && card_note.signed_by(&r.statement.public))
            .filter(|r| card.time <= r.statement.expires)
            .filter(|r| !self.invitations_ended.contains(&r.statement.invitation))
            .find(|r| {
                r.note.signed_by(&self.root)
                    || (!card.role.is_root_given() && self.lead_signed(&r.note, r.statement.time))
            })
            .map(|r| &r.statement)
            .ok_or(Error::NotAuthorised)
    }

    fn admit_roles(
        &mut self,
        roles: &[Read<RoleGrant>],
        which: impl Fn(Role) -> bool,
    ) -> Result<(), Error> {
        let mut chains: BTreeMap<(MemberId, Held), Vec<ChainLink<&RoleGrant>>> = BTreeMap::new();
        for Read { note, statement } in roles.iter().filter(|r| which(r.statement.role)) {
            let by_lead = !statement.role.is_root_given() && self.lead_signed(note, statement.time);
            if !by_lead && !note.signed_by(&self.root) {
                return Err(Error::NotAuthorised);
            }
            if statement.role.is_client_side() != statement.client.is_some() {
                return Err(Error::NotAuthorised);
            }
            let held = Held { role: statement.role, client: statement.client };
            chains.entry((statement.member, held)).or_default().push(ChainLink {
                hash: note.hash(),
                prev: statement.prev,
                value: statement,
            });
        }
        for ((member, held), links) in chains {
            let newest = chain::order(links).ok_or(Error::BrokenChain)?.pop();
            if let Some(grant) = newest {
                self.held.entry(member).or_default().insert(held, grant.until);
            }
        }
        Ok(())
    }

    fn admit_revocations(&mut self, revocations: &[Read<Revocation>]) -> Result<(), Error> {
        let mut others: Vec<_> =
            revocations.iter().filter(|r| r.statement.kind != RevocationKind::Link).collect();
        // In the order of their times, whatever order they came in.
        others.sort_by_key(|r| (r.statement.time, r.note.hash()));
        for Read { note, statement } in others {
            if !note.signed_by(&self.root) && !self.lead_signed(note, statement.time) {
                return Err(Error::NotAuthorised);
            }
            if statement.kind == RevocationKind::Member {
                let member = statement.subject.to_string().parse().map_err(|_| Error::Malformed)?;
                let at = self.ended.entry(member).or_insert(statement.time);
                *at = statement.time.min(*at);
            }
            if statement.kind == RevocationKind::Invitation {
                let invitation =
                    statement.subject.to_string().parse().map_err(|_| Error::Malformed)?;
                self.invitations_ended.insert(invitation);
            }
            if statement.kind == RevocationKind::Card {
                let card =
                    read_card_subject(&statement.subject.to_string()).ok_or(Error::Malformed)?;
                let at = self.revoked.entry(card).or_insert(statement.time);
                *at = statement.time.min(*at);
            }
        }
        Ok(())
    }

    fn admit_assignments(&mut self, assignments: Vec<Read<Assignment>>) -> Result<(), Error> {
        let mut chains: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for Read { note, statement } in assignments {
            if !self.lead_signed(&note, statement.time) {
                return Err(Error::NotAuthorised);
            }
            let named = statement.accountants.iter().map(|member| (statement.client, *member));
            self.assigned_ever.extend(named);
            chains.entry((statement.client, statement.category)).or_default().push(ChainLink {
                hash: note.hash(),
                prev: statement.prev,
                value: (note.hash(), statement.accountants),
            });
        }
        for (subject, links) in chains {
            if let Some(newest) = chain::order(links).ok_or(Error::BrokenChain)?.pop() {
                self.assignments.insert(subject, newest);
            }
        }
        Ok(())
    }

    fn admit_policies(&mut self, policies: Vec<Read<Policy>>) -> Result<(), Error> {
        let mut chains: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for Read { note, statement } in policies {
            chains.entry(statement.client).or_default().push(ChainLink {
                hash: note.hash(),
                prev: statement.prev,
                value: (note, statement),
            });
        }
        for (subject, links) in chains {
            for (note, policy) in chain::order(links).ok_or(Error::BrokenChain)? {
                let previous = self.policies.get(&subject).map(|(_, policy)| policy);
                if !self.may_set_policy(&note, previous, &policy) {
                    return Err(Error::NotAuthorised);
                }
                if policy.on_arrival == YesNo::Yes {
                    self.arrivals_ever.extend(policy.client);
                }
                self.policies.insert(subject, (note.hash(), policy));
            }
        }
        Ok(())
    }

    fn admit_links(&mut self, links: Vec<Read<Link>>) -> Result<(), Error> {
        for Read { note, statement } in links {
            if !self.bookkeeper_signed(&note, Some(statement.client), statement.time) {
                return Err(Error::NotAuthorised);
            }
            self.links.insert(statement.link, statement);
        }
        Ok(())
    }

    fn may_set_policy(&self, note: &Note, previous: Option<&Policy>, policy: &Policy) -> bool {
        let by_lead = self.lead_signed(note, policy.time);
        let by_principal = policy.client.is_some()
            && self.signed_as(note, Role::Principal, policy.client, policy.time);
        match (by_lead, by_principal) {
            (true, true) => true,
            (true, false) => lead_may_sign(previous, policy),
            (false, true) => principal_may_sign(previous, policy),
            (false, false) => false,
        }
    }

    /// Links are ended by leads, and by whoever was ever assigned to a client.
    fn admit_link_revocations(&mut self, revocations: &[Read<Revocation>]) -> Result<(), Error> {
        let of_links = revocations.iter().filter(|r| r.statement.kind == RevocationKind::Link);
        for Read { note, statement } in of_links {
            if !note.signed_by(&self.root)
                && !self.lead_signed(note, statement.time)
                && !self.bookkeeper_signed(note, None, statement.time)
            {
                return Err(Error::NotAuthorised);
            }
            let link = statement.subject.to_string().parse().map_err(|_| Error::Malformed)?;
            let at = self.links_ended.entry(link).or_insert(statement.time);
            *at = statement.time.min(*at);
        }
        Ok(())
    }

    /// Whether somebody of the firm signed `note` who was with it at `at` and who was ever
    /// assigned to `client`, or to any where none is named.
    fn bookkeeper_signed(&self, note: &Note, client: Option<ClientId>, at: Timestamp) -> bool {
        self.assigned_ever.iter().any(|(of, member)| {
            let staff = self.held_at(*member, Role::Accountant, None, at)
                || self.held_at(*member, Role::Lead, None, at);
            staff
                && client.is_none_or(|client| client == *of)
                && self.member_signed(*member, note, at)
        })
    }

    pub(super) fn was_active(&self, member: MemberId, at: Timestamp) -> bool {
        self.ended.get(&member).is_none_or(|ended| at < *ended)
    }

    /// Whether a lead, who was one at `at`, signed `note`.
    fn lead_signed(&self, note: &Note, at: Timestamp) -> bool {
        self.signed_as(note, Role::Lead, None, at)
    }

    /// Whether somebody signed `note` who was active and held `role` for `client` at `at`.
    fn signed_as(&self, note: &Note, role: Role, client: Option<ClientId>, at: Timestamp) -> bool {
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
    pub fn held_at(
        &self,
        member: MemberId,
        role: Role,
        client: Option<ClientId>,
        at: Timestamp,
    ) -> bool {
        let held = self.held.get(&member).and_then(|held| held.get(&Held { role, client }));
        held.is_some_and(|until| until.is_none_or(|until| at < until))
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
