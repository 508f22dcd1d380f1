mod arrival;
mod ended;
mod handover;
mod rotation;

use super::*;
use crate::clock::Timestamp;
use crate::envelope::statement::{
    Assignment, Card, Category, Direction, Hash, Invitation, Manifest, Nonce, Note, Policy,
    Recipient, Role, RoleGrant, SealLevel, SigningKey, Statement, YesNo,
};
use crate::ids::{ClientId, DocumentId, InvitationId, MemberId};
use crate::secrets::Secret;

const TIME: Timestamp = Timestamp::EPOCH;

fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&Secret::new([n; 32]))
}

fn member(n: u8) -> MemberId {
    MemberId::from_bytes([n; 16])
}

fn client(n: u8) -> ClientId {
    ClientId::from_bytes([n; 16])
}

fn recipient(n: u8) -> Option<Recipient> {
    format!("age1x{n}").parse().ok()
}

fn card(n: u8, role: Role) -> Card {
    Card {
        root: key(0).key_id(),
        member: member(n),
        role,
        name_hash: Card::hash_name(member(n), "name"),
        epoch: 1,
        sign: key(n).public(),
        recipient: recipient(n),
        recipient_pq: format!("age1pq1x{n}").parse().ok(),
        prev: None,
        time: TIME,
    }
}

/// The invitation for member `n` (its key is `n + 100`) and their card, signed by `by`.
fn joined(n: u8, role: Role, client: Option<ClientId>, by: u8) -> [Note; 2] {
    let invitation = Invitation {
        root: key(0).key_id(),
        invitation: InvitationId::from_bytes([n; 16]),
        role,
        client,
        public: key(n + 100).public(),
        expires: TIME,
        time: TIME,
    };
    [Note::sign(&invitation, &[&key(by)]), Note::sign(&card(n, role), &[&key(n), &key(n + 100)])]
}

fn assignment(accountants: &[u8], prev: Option<Hash>) -> Assignment {
    Assignment {
        root: key(0).key_id(),
        client: client(1),
        category: None,
        accountants: accountants.iter().map(|n| member(*n)).collect(),
        prev,
        time: TIME,
    }
}

/// Root 0, lead 1, accountant 2, principal 3 and clerk 4 of client 1, recovery 9.
fn firm() -> Vec<Note> {
    let mut notes = vec![Note::sign(&card(9, Role::Recovery), &[&key(9), &key(0)])];
    notes.extend(joined(1, Role::Lead, None, 0));
    notes.extend(joined(2, Role::Accountant, None, 1));
    notes.extend(joined(3, Role::Principal, Some(client(1)), 1));
    notes.extend(joined(4, Role::Clerk, Some(client(1)), 1));
    notes.push(Note::sign(&assignment(&[2], None), &[&key(1)]));
    notes
}

/// A manifest that `by` signs, about a document of client 1.
fn manifest(by: u8) -> Manifest {
    Manifest {
        root: key(0).key_id(),
        client: client(1),
        document: DocumentId::from_bytes([5; 16]),
        signer: key(by).key_id(),
        seq: 1,
        prev: None,
        seal: SealLevel::EndToEnd,
        direction: Direction::In,
        period: "2026-03".parse().expect("a period"),
        category: Category::Bank,
        nonce: Nonce([1; 16]),
        length: 1,
        pieces: Hash([2; 32]),
        commit: Hash([3; 32]),
        sealed: Hash([4; 32]),
        recipients: vec![Hash([5; 32])],
        time: TIME,
    }
}

fn verify(notes: &[Note]) -> Result<Directory, Error> {
    Directory::verify(key(0).public(), notes)
}

fn readers(directory: &Directory, category: Category) -> Vec<MemberId> {
    let demand = Demand { client: client(1), category, direction: Direction::In };
    let mut members: Vec<_> =
        directory.readers(demand).expect("readers").into_iter().map(|r| r.member).collect();
    members.sort();
    members
}

#[test]
fn a_document_is_sealed_to_those_who_look_after_it() {
    let directory = verify(&firm()).expect("a firm");
    assert_eq!(readers(&directory, Category::Bank), [member(2), member(3), member(4), member(9)]);
    assert_eq!(
        readers(&directory, Category::Payroll),
        [member(2), member(3), member(9)],
        "no clerk"
    );
}

#[test]
fn a_key_that_no_lead_vouched_for_is_refused() {
    for forger in [2, 3, 50] {
        let mut notes = firm();
        notes.extend(joined(8, Role::Accountant, None, forger));
        assert_eq!(verify(&notes).err(), Some(Error::NotAuthorised), "{forger}");
    }
    let mut notes = firm();
    notes.extend(joined(8, Role::Lead, None, 1));
    assert_eq!(verify(&notes).err(), Some(Error::NotAuthorised), "a lead makes no lead");
    let mut notes = firm();
    notes.push(Note::sign(&card(7, Role::Recovery), &[&key(7), &key(1)]));
    assert_eq!(verify(&notes).err(), Some(Error::NotAuthorised), "a lead makes no recovery key");
}

#[test]
fn a_swapped_card_is_refused() {
    let mut notes = firm();
    let mut swapped = card(2, Role::Accountant);
    swapped.recipient = recipient(66);
    // Signed by its own key and the invited one: two different cards for one member.
    notes.push(Note::sign(&swapped, &[&key(2), &key(102)]));
    assert_eq!(verify(&notes).err(), Some(Error::BrokenChain));
    let invited_for_less = joined(5, Role::Clerk, Some(client(1)), 1);
    let mut notes = firm();
    notes.push(invited_for_less[0].clone());
    notes.push(Note::sign(&card(5, Role::Accountant), &[&key(5), &key(105)]));
    assert_eq!(verify(&notes).err(), Some(Error::NotAuthorised), "another role than invited for");
}

#[test]
fn only_leads_assign_and_only_in_one_chain() {
    let first = assignment(&[2], None);
    let mut notes = firm();
    notes.extend(joined(6, Role::Accountant, None, 1));
    let second = assignment(&[6], Some(first.hash()));
    let mut forged = notes.clone();
    forged.push(Note::sign(&second, &[&key(2)]));
    assert_eq!(verify(&forged).err(), Some(Error::NotAuthorised));
    notes.push(Note::sign(&second, &[&key(1)]));
    let directory = verify(&notes).expect("a firm");
    assert_eq!(directory.assigned(client(1), Category::Bank), [member(6)], "the newest counts");
    notes.push(Note::sign(&assignment(&[2, 6], Some(first.hash())), &[&key(1)]));
    assert_eq!(verify(&notes).err(), Some(Error::BrokenChain), "a fork");
    let mut gap = firm();
    gap.push(Note::sign(&assignment(&[2], Some(Hash([1; 32]))), &[&key(1)]));
    assert_eq!(verify(&gap).err(), Some(Error::BrokenChain), "a gap");
}

#[test]
fn nothing_is_sealed_without_accountant_recovery_or_reader() {
    let demand = |direction| Demand { client: client(1), category: Category::Bank, direction };
    let without = |n: usize| {
        let mut notes = firm();
        notes.remove(n);
        verify(&notes).expect("a firm")
    };
    assert_eq!(without(9).readers(demand(Direction::In)), Err(DemandError::NoAccountant));
    assert_eq!(without(0).readers(demand(Direction::In)), Err(DemandError::NoRecovery));
    let mut notes = firm();
    notes.drain(5..9);
    let no_client_people = verify(&notes).expect("a firm");
    assert!(no_client_people.readers(demand(Direction::In)).is_ok());
    assert_eq!(no_client_people.readers(demand(Direction::Out)), Err(DemandError::NoReadingKey));
}

#[test]
fn policy_turns_recipients_post_quantum_all_at_once() {
    let policy = Policy {
        root: key(0).key_id(),
        client: None,
        on_arrival: YesNo::Yes,
        post_quantum: YesNo::Yes,
        reader_categories: vec![],
        prev: None,
        time: TIME,
    };
    let mut notes = firm();
    notes.push(Note::sign(&policy, &[&key(1)]));
    let directory = verify(&notes).expect("a firm");
    let demand = Demand { client: client(1), category: Category::Bank, direction: Direction::In };
    let readers = directory.readers(demand).expect("readers");
    assert!(readers.iter().all(|r| r.recipient.0.starts_with("age1pq1")));
    assert!(!directory.may_seal_on_arrival(client(1)), "the whole firm cannot be opened at once");
}

fn client_policy(on_arrival: YesNo, reads: &[Category], prev: Option<&Policy>) -> Policy {
    Policy {
        root: key(0).key_id(),
        client: Some(client(1)),
        on_arrival,
        post_quantum: YesNo::No,
        reader_categories: reads.to_vec(),
        prev: prev.map(Policy::hash),
        time: TIME,
    }
}

/// The directory after policies of client 1, each with the number of who signed it.
fn with_policies(policies: &[(&Policy, u8)]) -> Result<Directory, Error> {
    let mut notes = firm();
    notes.extend(policies.iter().map(|(policy, by)| Note::sign(*policy, &[&key(*by)])));
    verify(&notes)
}

#[test]
fn a_principal_narrows_what_a_lead_allowed_and_widens_nothing() {
    let (lead, principal, clerk) = (1, 3, 4);
    let reads = Category::clerk_default();
    let open = client_policy(YesNo::Yes, &reads, None);
    let closed = client_policy(YesNo::No, &reads, Some(&open));
    let directory = with_policies(&[(&open, lead), (&closed, principal)]).expect("narrower");
    assert!(!directory.may_seal_on_arrival(client(1)));
    let again = client_policy(YesNo::Yes, &reads, Some(&closed));
    let widened = [(&open, lead), (&closed, principal), (&again, principal)];
    assert_eq!(with_policies(&widened).err(), Some(Error::NotAuthorised));
    assert_eq!(with_policies(&[(&open, principal)]).err(), Some(Error::NotAuthorised));
    let by_clerk = [(&open, lead), (&closed, clerk)];
    assert_eq!(with_policies(&by_clerk).err(), Some(Error::NotAuthorised));
}

#[test]
fn clerks_get_payroll_from_their_principal_alone() {
    let (lead, principal) = (1, 3);
    let payroll = client_policy(YesNo::No, &[Category::Payroll], None);
    assert_eq!(with_policies(&[(&payroll, lead)]).err(), Some(Error::NotAuthorised));
    let directory = with_policies(&[(&payroll, principal)]).expect("their own clerks");
    assert_eq!(
        readers(&directory, Category::Payroll),
        [member(2), member(3), member(4), member(9)]
    );
    let kept = client_policy(YesNo::Yes, &[Category::Payroll], Some(&payroll));
    assert!(with_policies(&[(&payroll, principal), (&kept, lead)]).is_ok(), "a lead may leave it");
}

#[test]
fn what_a_lead_signed_outlives_their_role() {
    let ended = RoleGrant {
        root: key(0).key_id(),
        member: member(1),
        role: Role::Lead,
        client: None,
        from: TIME,
        until: Some(TIME.plus_secs(60)),
        prev: None,
        time: TIME.plus_secs(60),
    };
    let mut notes = firm();
    notes.push(Note::sign(&ended, &[&key(0)]));
    let directory = verify(&notes).expect("the firm stands");
    assert!(!directory.holds(member(1), Role::Lead, None));
    let late = Assignment {
        time: TIME.plus_secs(61),
        ..assignment(&[2], Some(assignment(&[2], None).hash()))
    };
    notes.push(Note::sign(&late, &[&key(1)]));
    assert_eq!(verify(&notes).err(), Some(Error::NotAuthorised), "signed after the role had ended");
}

#[test]
fn another_firms_statements_are_refused() {
    assert_eq!(Directory::verify(key(77).public(), &firm()).err(), Some(Error::ForeignRoot));
}
