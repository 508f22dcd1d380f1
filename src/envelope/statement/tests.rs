use proptest::prelude::*;

use super::codec::{Nonce, Recipient};
use super::*;
use crate::clock::Timestamp;
use crate::ids::{ClientId, DocumentId, MemberId};
use crate::secrets::Secret;

fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&Secret::new([n; 32]))
}

fn manifest() -> Manifest {
    Manifest {
        root: key(1).key_id(),
        client: ClientId::from_bytes([2; 16]),
        document: DocumentId::from_bytes([3; 16]),
        signer: key(4).key_id(),
        seq: 7,
        prev: None,
        seal: SealLevel::EndToEnd,
        direction: Direction::In,
        period: "2026-10".parse().expect("a period"),
        category: Category::Payroll,
        nonce: Nonce([5; 16]),
        length: 123,
        pieces: Hash([6; 32]),
        commit: Hash([7; 32]),
        sealed: Hash([8; 32]),
        recipients: vec![Hash([9; 32]), Hash([1; 32])],
        time: Timestamp::from_ms(1_795_493_056_123),
    }
}

#[test]
fn a_manifest_has_the_published_text() {
    let text = manifest().text();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("strongroom/v1/manifest"));
    let keys: Vec<_> = lines.filter_map(|l| l.split(' ').next()).collect();
    assert_eq!(
        keys.join(" "),
        "root client document signer seq prev seal direction period category nonce length pieces commit sealed recipients time"
    );
    assert!(text.contains("\nprev -\n"));
    assert!(
        text.contains(&format!("\nrecipients {},{}\n", Hash([1; 32]), Hash([9; 32]))),
        "sorted"
    );
    assert!(text.ends_with("Z\n"));
}

#[test]
fn only_the_canonical_text_is_read() {
    let text = manifest().text();
    assert!(Manifest::from_text(&text).is_ok());
    let swapped = text.replace("seq 7\nprev -\n", "prev -\nseq 7\n");
    let cases = [
        swapped,
        text.replace("seq 7", "seq 07"),
        text.replace("seq 7", "seq +7"),
        text.replace("seq 7", "seq  7"),
        text.replace("seq 7\n", "seq 7\nseq 7\n"),
        text.replace("prev -\n", "prev \n"),
        text.replace("payroll", "Payroll"),
        text.replace("2026-10", "2026-13"),
        text.replace('\n', "\r\n"),
        text.trim_end().to_owned(),
        format!("{text}\n"),
        format!("{text}extra 1\n"),
        text.replace(&Hash([6; 32]).to_string(), &"AB".repeat(32)),
        text.replace(
            &format!("{},{}", Hash([1; 32]), Hash([9; 32])),
            &format!("{},{}", Hash([9; 32]), Hash([1; 32])),
        ),
    ];
    for case in cases {
        assert!(Manifest::from_text(&case).is_err(), "{case}");
    }
    assert_eq!(Card::from_text(&text), Err(Error::WrongKind));
}

#[test]
fn a_signature_binds_text_and_key() {
    let mut note = Note::sign(&manifest(), &[&key(4)]);
    note.add_signature(&key(5));
    let read = Note::parse(&note.to_string()).expect("a note");
    assert_eq!(read, note);
    assert!(read.signed_by(&key(4).public()) && read.signed_by(&key(5).public()));
    assert!(!read.signed_by(&key(6).public()));
    let forged = note.to_string().replace("seq 7", "seq 8");
    assert!(!Note::parse(&forged).expect("a note").signed_by(&key(4).public()));
}

#[test]
fn small_order_keys_sign_nothing() {
    // The identity point verifies everything where the check is not strict.
    let mut identity = [0_u8; 32];
    identity[0] = 1;
    let mut signature = [0_u8; 64];
    signature[0] = 1;
    assert!(!PublicKey(identity).verifies(b"anything", &signature));
}

#[test]
fn card_without_keys_is_written_with_dashes() {
    let card = Card {
        root: key(1).key_id(),
        member: MemberId::from_bytes([1; 16]),
        role: Role::GatewayReceipt,
        name_hash: Hash([0; 32]),
        epoch: 1,
        sign: key(2).public(),
        recipient: None,
        recipient_pq: None,
        prev: None,
        time: Timestamp::EPOCH,
    };
    assert!(card.text().contains("\nrecipient -\nrecipient-pq -\nprev -\n"));
    assert_eq!(Card::from_text(&card.text()), Ok(card));
    assert!("age1".parse::<Recipient>().is_err() && "AGE1A".parse::<Recipient>().is_err());
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn one_flipped_byte_is_never_the_same_statement(at in 0_usize..600, bit in 0_u8..8) {
        let note = Note::sign(&manifest(), &[&key(4)]);
        let mut bytes = note.to_string().into_bytes();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        if let Ok(read) = parse(&bytes) {
            prop_assert!(!read.signed_by(&key(4).public()));
        }
    }
}
