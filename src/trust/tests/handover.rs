//! The list of a hand-over, and whose three signatures make one.

use super::*;
use crate::envelope::statement::{Handover, Revocation, RevocationKind};
use crate::ids::HandoverId;
use crate::trust::handover::{Line, List, Signed};

fn line(document: u8) -> Line {
    Line {
        client: client(1),
        document: DocumentId::from_bytes([document; 16]),
        period: "2026-03".parse().expect("a period"),
        category: Category::Bank,
        direction: Direction::In,
        seal: SealLevel::EndToEnd,
        received: TIME,
        length: 9,
        pieces: Some(Hash([2; 32])),
        commit: Some(Hash([3; 32])),
        manifest: Some(Hash([4; 32])),
    }
}

fn said(from: u8, to: u8, list: &List) -> Handover {
    Handover {
        root: key(0).key_id(),
        handover: HandoverId::from_bytes([1; 16]),
        from: member(from),
        to: member(to),
        clients: vec![client(1)],
        documents: list.documents(),
        list: list.hash(),
        time: TIME,
    }
}

/// Leads 1 and 7, accountants 2 and 6, both assigned.
fn two_leads() -> Vec<Note> {
    let mut notes = firm();
    notes.extend(joined(6, Role::Accountant, None, 1));
    notes.extend(joined(7, Role::Lead, None, 0));
    let both = assignment(&[2, 6], Some(assignment(&[2], None).hash()));
    notes.push(Note::sign(&both, &[&key(1)]));
    notes
}

fn ended(kind: RevocationKind, subject: String) -> Note {
    let subject = subject.parse().expect("a word");
    let time = TIME.plus_secs(60);
    let end = Revocation { root: key(0).key_id(), kind, subject, prev: None, time };
    Note::sign(&end, &[&key(0)])
}

fn is_whole(directory: &Directory, said: &Handover, by: &[u8]) -> bool {
    let keys: Vec<_> = by.iter().map(|n| key(*n)).collect();
    Signed::of(directory, &Note::sign(said, &keys.iter().collect::<Vec<_>>()), said).is_whole()
}

#[test]
fn a_list_is_one_text_for_whoever_draws_it_up() {
    let list = List::of([1, 2, 3].map(line));
    assert_eq!(list, List::of([3, 1, 2].map(line)), "in whatever order");
    assert_eq!((list.documents(), list.text().lines().count()), (3, 4));
    let text = List::of([Line { commit: None, manifest: None, ..line(1) }]);
    let hash = "02".repeat(32);
    let row = format!(
        "{},{},2026-03,bank,in,end_to_end,1970-01-01T00:00:00.000Z,9,{hash},-,-",
        client(1),
        line(1).document
    );
    assert_eq!(text.text().lines().nth(1), Some(row.as_str()));
    assert!(list.is(&said(2, 6, &list)));
    assert!(!List::of([1, 2].map(line)).is(&said(2, 6, &list)), "one is missing");
    let other = Line { length: 10, ..line(3) };
    assert!(!List::of([line(1), line(2), other]).is(&said(2, 6, &list)), "one is another");
    let miscounted = Handover { documents: 4, ..said(2, 6, &list) };
    assert!(!list.is(&miscounted));
}

#[test]
fn three_different_people_sign_a_hand_over() {
    let directory = verify(&two_leads()).expect("a firm");
    let said = |from, to| said(from, to, &List::of([]));
    assert!(is_whole(&directory, &said(2, 6), &[2, 6, 1]));
    assert!(is_whole(&directory, &said(2, 6), &[7, 6, 2]));
    for too_few in [&[][..], &[2, 6], &[2, 1], &[6, 1], &[2, 6, 3], &[2, 2, 1], &[1, 7, 6], &[0]] {
        assert!(!is_whole(&directory, &said(2, 6), too_few), "{too_few:?}");
    }
    // Nobody is two of the three.
    assert!(!is_whole(&directory, &said(2, 2), &[2, 1]));
    assert!(!is_whole(&directory, &said(2, 1), &[2, 1]), "whoever takes over supervises");
    assert!(is_whole(&directory, &said(2, 1), &[2, 1, 7]));
    assert!(!is_whole(&directory, &said(1, 6), &[1, 6]), "whoever leaves supervises");
    assert!(is_whole(&directory, &said(1, 6), &[1, 6, 7]));
}

#[test]
fn whoever_has_gone_or_lost_their_key_signs_no_hand_over() {
    let said = said(2, 6, &List::of([]));
    for gone in [1, 2, 6] {
        for end in [
            ended(RevocationKind::Member, member(gone).to_string()),
            ended(RevocationKind::Card, card_subject(member(gone), 1)),
        ] {
            let mut notes = two_leads();
            notes.push(end);
            let directory = verify(&notes).expect("a firm");
            assert!(!is_whole(&directory, &said, &[2, 6, 1]), "{gone}");
        }
    }
}

#[test]
fn a_sender_names_whoever_they_sealed_to_with_whatever_key_that_was() {
    let directory = verify(&two_leads()).expect("a firm");
    let of = |recipient: Option<Recipient>| recipient.expect("a recipient").fingerprint();
    let named = [of(recipient(6)), of(recipient(3))];
    assert!(directory.is_among(member(6), &named));
    assert!(!directory.is_among(member(2), &named));
    assert!(directory.is_among(member(2), &[of(card(2, Role::Accountant).recipient_pq)]));
    let old = card(6, Role::Accountant);
    let new = Card {
        epoch: 2,
        sign: key(66).public(),
        recipient: recipient(66),
        recipient_pq: "age1pq1x66".parse().ok(),
        prev: Some(old.hash()),
        time: TIME.plus_secs(60),
        ..old
    };
    let mut notes = two_leads();
    notes.push(Note::sign(&new, &[&key(66), &key(6)]));
    let rotated = verify(&notes).expect("rotated");
    assert!(rotated.is_among(member(6), &named), "a key that was replaced since");
    assert!(rotated.is_among(member(6), &[of(recipient(66))]));
}
