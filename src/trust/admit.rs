//! What is admitted into a directory: each statement when somebody signed it who might at its time,
//! and each chain when it is whole.
//!
//! Refuses everything else, and with it the whole directory.

use std::collections::BTreeMap;

use crate::envelope::statement::{
    Assignment, Card, Invitation, Link, Note, Policy, Revocation, RevocationKind, Role, RoleGrant,
    YesNo,
};
use crate::ids::{InvitationId, MemberId};

use super::cards::{Cards, Signed};
use super::chain::{self, Link as ChainLink};
use super::directory::{Directory, Error, Held};
use super::keys::read_card_subject;
use super::policies::{lead_may_sign, principal_may_sign};
use super::sorted::{Read, Sorted};

impl Directory {
    /// A member's first card counts when its own key signed it and either the root did too, or
    /// the key of an invitation for this very role that somebody who may invite had signed. What
    /// follows it is signed by the key before.
    pub(super) fn admit_cards(
        &mut self,
        sorted: &Sorted,
        which: impl Fn(Role) -> bool,
    ) -> Result<(), Error> {
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
            // Keys that are nobody's have the root's word for each of them: whoever runs the gateway
            // holds its keys, and makes no others with them.
            let vouched =
                |next: &Signed| next.card.role.is_person() || next.note.signed_by(&self.root);
            if !ordered.all(|next| vouched(&next) && cards.push(next))
                || self.cards.contains_key(&member)
            {
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

    pub(super) fn admit_roles(
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

    pub(super) fn admit_revocations(
        &mut self,
        revocations: &[Read<Revocation>],
    ) -> Result<(), Error> {
        let mut others: Vec<_> =
            revocations.iter().filter(|r| r.statement.kind != RevocationKind::Link).collect();
        // In the order of their times, whatever order they came in.
        others.sort_by_key(|r| (r.statement.time, r.note.hash()));
        // Whoever ended their own key said so once, and could not say it again.
        others.dedup_by_key(|r| r.note.hash());
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

    pub(super) fn admit_assignments(
        &mut self,
        assignments: Vec<Read<Assignment>>,
    ) -> Result<(), Error> {
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

    pub(super) fn admit_policies(&mut self, policies: Vec<Read<Policy>>) -> Result<(), Error> {
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

    pub(super) fn admit_links(&mut self, links: Vec<Read<Link>>) -> Result<(), Error> {
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
    pub(super) fn admit_link_revocations(
        &mut self,
        revocations: &[Read<Revocation>],
    ) -> Result<(), Error> {
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
}
