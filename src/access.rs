//! Who may do what: facts in, allow or deny out. Pure, and deny by default.
//!
//! Whoever may not know that a thing exists gets the same answer as for a thing that does
//! not; `http` makes both `not_found`. Rights come from the database at each request, never
//! from a token.

use crate::envelope::statement::{Direction, Role};

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Know that a client exists; read its directory of statements.
    SeeClient,
    /// Add a client to the firm.
    AddClient,
    /// See every client of the firm.
    SeeAllClients,
    /// Invite somebody.
    Invite,
    /// Assign accountants, set the policy of the firm.
    Govern,
    /// Set the policy of a client; what may change in it is the directory's rule.
    SetPolicy,
    /// End a member or an invitation.
    EndMember,
    /// See the members of the firm.
    SeeMembers,
    /// Open an address for sealing on arrival, or a request link.
    OpenLink,
    /// Send a document into a client's space, in this direction.
    Send(Direction),
    /// See that a document exists, with what the gateway knows of it.
    SeeDocument,
    /// Get the header and the payload of a document.
    ReadDocument,
    /// Take a document back that nobody has opened.
    Recall,
    /// Add headers for others to a document.
    Rewrap,
    /// Adopt a raw age file.
    Adopt,
    /// Prove that the recovery shares work.
    Rehearse,
    /// See the partners.
    SeePartners,
    /// Record partners, suspend them.
    KeepPartners,
    /// Share documents of a client with a partner; unlock such a share.
    Share,
    /// See a share of a client's documents, and what was fetched of it.
    SeeShare,
    /// Decide for the client about a share of its documents.
    DecideShare,
    /// Agree to a sensitive share as a second person of the firm.
    SecondShare,
    /// End a share.
    EndShare,
    /// See who saw a client's documents.
    SeeWhoSaw,
    /// Recover a client's documents with two recovery shares.
    Recover,
    /// Hand the clients of a leaving accountant over.
    HandOver,
    /// Close an accounting period of a client, or open it again.
    ClosePeriod,
}

impl Action {
    /// Every action, for tests that walk the whole table.
    pub const ALL: &'static [Self] = &[
        Self::SeeClient,
        Self::AddClient,
        Self::SeeAllClients,
        Self::Invite,
        Self::Govern,
        Self::SetPolicy,
        Self::EndMember,
        Self::SeeMembers,
        Self::OpenLink,
        Self::Send(Direction::In),
        Self::Send(Direction::Out),
        Self::SeeDocument,
        Self::ReadDocument,
        Self::Recall,
        Self::Rewrap,
        Self::Adopt,
        Self::Rehearse,
        Self::SeePartners,
        Self::KeepPartners,
        Self::Share,
        Self::SeeShare,
        Self::DecideShare,
        Self::SecondShare,
        Self::EndShare,
        Self::SeeWhoSaw,
        Self::Recover,
        Self::HandOver,
        Self::ClosePeriod,
    ];
}

/// What is true between the caller and the thing. The default is: nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The caller is principal or clerk of the client concerned.
    pub of_client: bool,
    /// The caller is assigned to the client; where a document is concerned, to its category.
    pub assigned: bool,
    /// A clerk may read the document's category.
    pub clerk_may_read: bool,
    /// The caller sent the document.
    pub is_sender: bool,
    /// A header of the document is granted to the caller.
    pub granted: bool,
    /// The document is complete.
    pub complete: bool,
    /// Somebody else than its sender has fetched it.
    pub opened: bool,
}

/// Why something was denied; for the log, never for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The role never may.
    Role,
    /// The role may, but not for this client or document.
    Relation,
    /// Not in this state.
    State,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Allow,
    /// Do not, and why.
    Deny(Reason),
}

impl Decision {
    /// Whether it is [`Decision::Allow`].
    pub const fn is_allow(self) -> bool {
        matches!(self, Self::Allow)
    }
}

const fn related(yes: bool) -> Decision {
    if yes { Decision::Allow } else { Decision::Deny(Reason::Relation) }
}

/// Decides.
pub fn decide(role: Role, action: Action, facts: &Facts) -> Decision {
    if !role.is_person() {
        return Decision::Deny(Reason::Role);
    }
    let overseer = matches!(role, Role::Lead | Role::PrivacyOfficer | Role::Auditor);
    let keeps_books = matches!(role, Role::Accountant | Role::Lead);
    match action {
        Action::SeeClient => related(overseer || related_to_client(role, facts)),
        Action::SeeWhoSaw if overseer => Decision::Allow,
        Action::SeeWhoSaw if role != Role::Principal => Decision::Deny(Reason::Role),
        Action::SeeWhoSaw => related(facts.of_client),
        Action::SeeAllClients => only(overseer),
        Action::SeeMembers => only(overseer || role == Role::Admin),
        Action::AddClient
        | Action::Invite
        | Action::Govern
        | Action::EndMember
        | Action::Rehearse
        | Action::Recover
        | Action::HandOver => only(role == Role::Lead),
        Action::SetPolicy if role == Role::Lead => Decision::Allow,
        Action::SetPolicy if role == Role::Principal => related(facts.of_client),
        Action::SetPolicy => Decision::Deny(Reason::Role),
        Action::OpenLink | Action::Send(Direction::Out) if !keeps_books => {
            Decision::Deny(Reason::Role)
        }
        Action::OpenLink | Action::Send(Direction::Out) => related(facts.assigned),
        Action::Send(Direction::In) => {
            if keeps_books || role.is_client_side() {
                related(related_to_client(role, facts))
            } else {
                Decision::Deny(Reason::Role)
            }
        }
        Action::SeeDocument => {
            if !facts.complete {
                return related(facts.is_sender);
            }
            related(overseer || facts.is_sender || reads(role, facts))
        }
        Action::ReadDocument if !facts.complete => Decision::Deny(Reason::State),
        Action::ReadDocument => related(facts.granted && reads(role, facts)),
        Action::Recall if facts.opened => {
            if facts.is_sender {
                Decision::Deny(Reason::State)
            } else {
                Decision::Deny(Reason::Relation)
            }
        }
        Action::Recall => related(facts.is_sender && related_to_client(role, facts)),
        Action::Rewrap | Action::Adopt if !keeps_books => Decision::Deny(Reason::Role),
        Action::Rewrap | Action::Adopt if !facts.complete => Decision::Deny(Reason::State),
        Action::Rewrap | Action::Adopt => related(facts.granted && facts.assigned),
        Action::SeePartners => only(overseer || keeps_books),
        Action::KeepPartners => only(matches!(role, Role::Lead | Role::PrivacyOfficer)),
        Action::Share => keeper_of(keeps_books, facts.assigned),
        Action::SeeShare => related(overseer || decides_about_shares(role, facts)),
        Action::DecideShare if role != Role::Principal => Decision::Deny(Reason::Role),
        Action::DecideShare => related(facts.of_client),
        Action::SecondShare | Action::ClosePeriod => {
            keeper_of(keeps_books, role == Role::Lead || facts.assigned)
        }
        Action::EndShare => {
            let officer = matches!(role, Role::Lead | Role::PrivacyOfficer);
            related(officer || decides_about_shares(role, facts))
        }
    }
}

const fn only(yes: bool) -> Decision {
    if yes { Decision::Allow } else { Decision::Deny(Reason::Role) }
}

const fn keeper_of(keeps_books: bool, looks_after: bool) -> Decision {
    if keeps_books { related(looks_after) } else { Decision::Deny(Reason::Role) }
}

/// Clerks do not: a share is the principal's to decide.
const fn decides_about_shares(role: Role, facts: &Facts) -> bool {
    match role {
        Role::Principal => facts.of_client,
        Role::Accountant => facts.assigned,
        _ => false,
    }
}

const fn related_to_client(role: Role, facts: &Facts) -> bool {
    if role.is_client_side() {
        facts.of_client
    } else {
        matches!(role, Role::Accountant | Role::Lead) && facts.assigned
    }
}

const fn reads(role: Role, facts: &Facts) -> bool {
    match role {
        Role::Principal => facts.of_client,
        Role::Clerk => facts.of_client && facts.clerk_may_read,
        Role::Accountant | Role::Lead => facts.assigned,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn facts() -> impl Strategy<Value = Facts> {
        any::<[bool; 7]>().prop_map(
            |[of_client, assigned, clerk_may_read, is_sender, granted, complete, opened]| Facts {
                of_client,
                assigned,
                clerk_may_read,
                is_sender,
                granted,
                complete,
                opened,
            },
        )
    }

    #[test]
    fn with_no_relation_only_the_office_itself_is_open() {
        for role in Role::ALL {
            for action in Action::ALL {
                let allowed = decide(*role, *action, &Facts::default()).is_allow();
                let office = matches!(
                    action,
                    Action::SeeClient
                        | Action::AddClient
                        | Action::SeeAllClients
                        | Action::Invite
                        | Action::Govern
                        | Action::SetPolicy
                        | Action::EndMember
                        | Action::SeeMembers
                        | Action::Rehearse
                        | Action::SeePartners
                        | Action::KeepPartners
                        | Action::SeeShare
                        | Action::SecondShare
                        | Action::EndShare
                        | Action::SeeWhoSaw
                        | Action::Recover
                        | Action::HandOver
                        | Action::ClosePeriod
                );
                assert!(!allowed || office, "{role:?} {action:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn content_is_read_only_with_a_grant_by_those_who_look_after_it(
            role in proptest::sample::select(Role::ALL), facts in facts()
        ) {
            if decide(role, Action::ReadDocument, &facts).is_allow() {
                prop_assert!(facts.granted && facts.complete);
                prop_assert!(matches!(role, Role::Principal | Role::Clerk | Role::Accountant | Role::Lead));
                prop_assert!(facts.of_client || facts.assigned);
            }
        }

        #[test]
        fn more_facts_about_somebody_else_never_help(
            role in proptest::sample::select(Role::ALL), facts in facts()
        ) {
            // Officers who hold no content key never read, whatever is true.
            if matches!(role, Role::PrivacyOfficer | Role::Auditor | Role::Admin) {
                for action in [Action::ReadDocument, Action::Rewrap, Action::Adopt,
                    Action::Send(Direction::In), Action::Send(Direction::Out), Action::Share,
                    Action::DecideShare, Action::SecondShare] {
                    prop_assert!(!decide(role, action, &facts).is_allow());
                }
            }
        }

        #[test]
        fn nothing_incomplete_is_seen_by_others(
            role in proptest::sample::select(Role::ALL), mut facts in facts()
        ) {
            facts.complete = false;
            facts.is_sender = false;
            prop_assert!(!decide(role, Action::SeeDocument, &facts).is_allow());
            prop_assert!(!decide(role, Action::ReadDocument, &facts).is_allow());
        }

        #[test]
        fn what_was_opened_is_not_taken_back(
            role in proptest::sample::select(Role::ALL), mut facts in facts()
        ) {
            facts.opened = true;
            prop_assert!(!decide(role, Action::Recall, &facts).is_allow());
        }
    }
}
