//! Cards that follow cards: who may make them, what old keys still say, and what is sealed to.

use super::*;
use crate::envelope::statement::{Link, Revocation, RevocationKind};
use crate::ids::LinkId;

/// The card after `before`, `n`th key of the member, a minute later; every key of it is new.
fn next(before: &Card, n: u8) -> Card {
    Card {
        epoch: before.epoch + 1,
        sign: key(n).public(),
        recipient: recipient(n),
        recipient_pq: format!("age1pq1x{n}").parse().ok(),
        prev: Some(before.hash()),
        time: before.time.plus_secs(60),
        ..before.clone()
    }
}

fn with(more: impl IntoIterator<Item = Note>) -> Result<Directory, Error> {
    let mut notes = firm();
    notes.extend(more);
    verify(&notes)
}

fn revoked(member_of: u8, epoch: u64, secs: i64, by: u8) -> Note {
    let revocation = Revocation {
        root: key(0).key_id(),
        kind: RevocationKind::Card,
        subject: card_subject(member(member_of), epoch).parse().expect("a word"),
        prev: None,
        time: TIME.plus_secs(secs),
    };
    Note::sign(&revocation, &[&key(by)])
}

#[test]
fn the_old_key_signs_the_next_card_and_nobody_else_can() {
    let old = card(2, Role::Accountant);
    let new = next(&old, 32);
    let directory = with([Note::sign(&new, &[&key(32), &key(2)])]).expect("rotated");
    assert_eq!(directory.card(member(2)), Some(&new));
    assert_eq!(directory.vouched(member(2)), Some(Vouched::OldKey));
    let demand = Demand { client: client(1), category: Category::Bank, direction: Direction::In };
    let readers = directory.readers(demand).expect("readers");
    assert!(readers.iter().any(|r| Some(&r.recipient) == new.recipient.as_ref()));
    assert!(readers.iter().all(|r| Some(&r.recipient) != old.recipient.as_ref()));
    // Neither the new key alone, nor the lead, nor the root, nor the invitation again.
    for others in [&[32][..], &[32, 1], &[32, 0], &[32, 102], &[2], &[2, 1]] {
        let keys: Vec<_> = others.iter().map(|n| key(*n)).collect();
        let note = Note::sign(&new, &keys.iter().collect::<Vec<_>>());
        assert_eq!(with([note]).err(), Some(Error::NotAuthorised), "{others:?}");
    }
}

#[test]
fn a_next_card_keeps_nothing_but_who_it_is_of() {
    let old = card(2, Role::Accountant);
    let good = next(&old, 32);
    let refused = [
        ("epoch", Card { epoch: 3, ..good.clone() }),
        ("same epoch", Card { epoch: 1, ..good.clone() }),
        ("role", Card { role: Role::Auditor, ..good.clone() }),
        ("time", Card { time: old.time, ..good.clone() }),
        ("recipient", Card { recipient: old.recipient.clone(), ..good.clone() }),
        ("post-quantum recipient", Card { recipient_pq: old.recipient_pq.clone(), ..good.clone() }),
        ("no recipient", Card { recipient: None, ..good.clone() }),
        ("gap", Card { prev: Some(Hash([7; 32])), ..good.clone() }),
        ("somebody's key", Card { sign: key(4).public(), ..good.clone() }),
    ];
    for (what, card) in refused {
        let error = with([Note::sign(&card, &[&key(32), &key(2), &key(4)])]).err();
        assert!(
            matches!(error, Some(Error::NotAuthorised | Error::BrokenChain)),
            "{what} {error:?}"
        );
    }
    let two = [next(&old, 32), next(&old, 33)];
    let fork = two.map(|card| {
        let n = if card.sign == key(32).public() { 32 } else { 33 };
        Note::sign(&card, &[&key(n), &key(2)])
    });
    assert_eq!(with(fork).err(), Some(Error::BrokenChain), "a fork");
}

#[test]
fn an_old_key_speaks_for_what_was_signed_before_and_for_nothing_later() {
    let old = card(1, Role::Lead);
    let new = next(&old, 31);
    let rotation = Note::sign(&new, &[&key(31), &key(1)]);
    // What the lead signed before stands: everybody else's cards and the assignment.
    let directory = with([rotation.clone()]).expect("the firm stands");
    assert_eq!(directory.assigned(client(1), Category::Bank), [member(2)]);
    let after = |secs, by| {
        let first = assignment(&[2], None);
        let later =
            Assignment { time: TIME.plus_secs(secs), ..assignment(&[2], Some(first.hash())) };
        with([rotation.clone(), Note::sign(&later, &[&key(by)])]).map(drop)
    };
    assert_eq!(after(59, 1), Ok(()), "dated before");
    assert_eq!(after(60, 1), Err(Error::NotAuthorised), "the old key, later");
    assert_eq!(after(60, 31), Ok(()));
    // Clocks differ between devices: the new key is not held to its own first moment.
    assert_eq!(after(0, 31), Ok(()));
}

#[test]
fn what_was_sent_with_an_old_key_stays_sent_and_nothing_more_is() {
    let new = next(&card(3, Role::Principal), 33);
    let directory = with([Note::sign(&new, &[&key(33), &key(3)])]).expect("rotated");
    let sent = |secs, by: u8| {
        let manifest = Manifest { time: TIME.plus_secs(secs), ..manifest(by) };
        let verified = directory.verify_manifest(&Note::sign(&manifest, &[&key(by)]));
        verified.map(|(_, signer)| signer.member)
    };
    assert_eq!(sent(59, 3), Ok(Some(member(3))));
    assert_eq!(sent(60, 3), Err(Error::NotAuthorised), "the old key, later");
    assert_eq!(sent(60, 33), Ok(Some(member(3))));
}

#[test]
fn a_lead_who_is_not_the_member_vouches() {
    let new = next(&card(2, Role::Accountant), 32);
    let vouched = |by: u8| {
        let note = Note::sign(&new, &[&key(32), &key(2), &key(by)]);
        with([note]).expect("rotated").vouched(member(2))
    };
    assert_eq!(vouched(1), Some(Vouched::Lead));
    assert_eq!(vouched(0), Some(Vouched::Root));
    assert_eq!(vouched(3), Some(Vouched::OldKey), "a principal vouches for nobody");
    // A lead's key that was replaced before vouches for nothing that came later.
    let lead = next(&card(1, Role::Lead), 31);
    let lead = Note::sign(&lead, &[&key(31), &key(1)]);
    let later = Card { time: TIME.plus_secs(61), ..new.clone() };
    for (by, expected) in [(1, Vouched::OldKey), (31, Vouched::Lead)] {
        let note = Note::sign(&later, &[&key(32), &key(2), &key(by)]);
        let directory = with([lead.clone(), note]).expect("rotated");
        assert_eq!(directory.vouched(member(2)), Some(expected), "{by}");
    }
    let own = next(&card(1, Role::Lead), 31);
    let note = Note::sign(&own, &[&key(31), &key(1)]);
    assert_eq!(with([note]).expect("rotated").vouched(member(1)), Some(Vouched::OldKey));
    let directory = verify(&firm()).expect("a firm");
    assert_eq!(directory.vouched(member(2)), Some(Vouched::Invitation));
    assert_eq!(directory.vouched(member(9)), Some(Vouched::Root));
    assert_eq!(directory.vouched(member(77)), None);
}

#[test]
fn a_revoked_card_is_never_sealed_to_and_says_nothing_later() {
    let demand = Demand { client: client(1), category: Category::Bank, direction: Direction::In };
    let directory = with([revoked(2, 1, 30, 1)]).expect("revoked");
    assert_eq!(directory.readers(demand), Err(DemandError::NoAccountant));
    let directory = with([revoked(4, 1, 30, 0)]).expect("revoked by the root");
    assert_eq!(readers(&directory, Category::Bank), [member(2), member(3), member(9)]);
    for forger in [2, 3, 4] {
        let error = with([revoked(4, 1, 30, forger)]).err();
        assert_eq!(error, Some(Error::NotAuthorised), "{forger}");
    }
    let link = |secs| {
        let link = Link {
            root: key(0).key_id(),
            link: LinkId::from_bytes([5; 16]),
            client: client(1),
            public: key(200).public(),
            expires: TIME.plus_secs(3600),
            max_files: 1,
            max_bytes: 1,
            time: TIME.plus_secs(secs),
        };
        with([revoked(2, 1, 30, 1), Note::sign(&link, &[&key(2)])]).map(drop)
    };
    assert_eq!(link(29), Ok(()));
    assert_eq!(link(30), Err(Error::NotAuthorised));
}

#[test]
fn a_card_made_with_a_revoked_key_waits_for_somebody_to_vouch() {
    let new = next(&card(2, Role::Accountant), 32);
    let made = |signers: &[u8]| {
        let keys: Vec<_> = signers.iter().map(|n| key(*n)).collect();
        let card = Note::sign(&new, &keys.iter().collect::<Vec<_>>());
        with([revoked(2, 1, 30, 1), card]).expect("rotated")
    };
    let thief = made(&[32, 2]);
    assert!(!thief.is_in_force(member(2)));
    let note = Note::sign(&assignment(&[2], None), &[&key(32)]);
    assert!(!thief.member_signed(member(2), &note, TIME.plus_secs(90)), "it says nothing");
    let vouched = made(&[32, 2, 1]);
    assert!(vouched.is_in_force(member(2)));
    assert!(vouched.member_signed(member(2), &note, TIME.plus_secs(90)));
    assert_eq!(readers(&vouched, Category::Payroll), [member(2), member(3), member(9)]);
    // A key that was rotated in time is none of the thief's.
    let card = Note::sign(&new, &[&key(32), &key(2)]);
    let in_time = with([revoked(2, 1, 61, 1), card]).expect("rotated");
    assert!(in_time.is_in_force(member(2)));
}

#[test]
fn nothing_is_sealed_to_a_key_that_waits_to_be_confirmed_nor_without_a_card() {
    let demand = Demand { client: client(1), category: Category::Bank, direction: Direction::In };
    let mut directory = verify(&firm()).expect("a firm");
    let change = KeyChange { member: member(2), was: Hash([1; 32]), now: Hash([2; 32]) };
    directory.hold_back(change);
    assert_eq!(directory.readers(demand), Err(DemandError::KeyChanged(change)));
    assert_eq!(directory.named_readers(demand).map(|r| r.len()), Ok(4), "shown all the same");
    // A gateway that hides the card of one of two accountants hides papers from them.
    let mut notes = firm();
    notes.extend(joined(6, Role::Accountant, None, 1));
    let second = assignment(&[2, 6], Some(assignment(&[2], None).hash()));
    notes.push(Note::sign(&second, &[&key(1)]));
    assert_eq!(verify(&notes).expect("a firm").readers(demand).map(|r| r.len()), Ok(5));
    let hidden = notes.len() - 2;
    notes.remove(hidden);
    let directory = verify(&notes).expect("a firm");
    assert_eq!(directory.readers(demand), Err(DemandError::NoCard(member(6))));
}

#[test]
fn a_key_that_is_nobodys_has_no_successor_without_the_root() {
    for role in [Role::GatewayReceipt, Role::GatewayLog, Role::Recovery] {
        let old = card(40, role);
        let first = Note::sign(&old, &[&key(40), &key(0)]);
        let new = next(&old, 41);
        let by = |keys: &[&SigningKey]| with([first.clone(), Note::sign(&new, keys)]).map(drop);
        assert_eq!(by(&[&key(41), &key(40)]), Err(Error::NotAuthorised), "{role}");
        assert_eq!(by(&[&key(41), &key(40), &key(1)]), Err(Error::NotAuthorised), "{role}: a lead");
        assert_eq!(by(&[&key(41), &key(40), &key(0)]), Ok(()), "{role}");
    }
}
