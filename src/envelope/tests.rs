//! The envelope from its public side.

use super::*;
use crate::ids::DocumentId;
use crate::secrets::random_bytes;

fn seal(recipients: &[Recipient], plaintext: &[u8]) -> Vec<u8> {
    let (key, nonce) = (FileKey::random(), Nonce::random());
    let mut file = Header::seal(&key, recipients).expect("sealable").as_bytes().to_vec();
    let mut sealer = PayloadSealer::new(&key, &nonce);
    sealer.push(plaintext, &mut file);
    sealer.finish(&mut file);
    file
}

fn open(identities: &[Identity], file: &[u8]) -> Result<Vec<u8>, Error> {
    let (header, len) = Header::parse(file)?;
    let mut opener = PayloadOpener::new(header.open(identities)?);
    let mut plaintext = Vec::new();
    opener.push(&file[len..], &mut plaintext)?;
    opener.finish(&mut plaintext)?;
    Ok(plaintext)
}

#[test]
fn both_kinds_of_identity_open_what_was_sealed_to_them() {
    for identity in [Identity::random(), Identity::random_post_quantum()] {
        let text = identity.recipient().to_string();
        assert_eq!(text.parse::<Recipient>().expect("its own text"), identity.recipient());
        let secret = identity.to_secret_string();
        assert_eq!(secret.parse::<Identity>().expect("its own text"), identity);
        let file = seal(&[identity.recipient(), identity.recipient()], b"receipt");
        assert_eq!(open(std::slice::from_ref(&identity), &file).expect("opens"), b"receipt");
        assert!(matches!(open(&[Identity::random()], &file), Err(Error::NoMatch)));
    }
}

#[test]
fn one_header_never_mixes_and_never_downgrades() {
    let (classic, hybrid) = (Identity::random(), Identity::random_post_quantum());
    let mixed = [classic.recipient(), hybrid.recipient()];
    assert!(matches!(Header::seal(&FileKey::random(), &mixed), Err(Error::MixedRecipients)));
    let header = Header::seal(&FileKey::random(), &[hybrid.recipient()]).expect("sealable");
    let refused = rewrap(&header, std::slice::from_ref(&hybrid), &[classic.recipient()]);
    assert!(matches!(refused, Err(Error::Downgrade)));
    let other = Identity::random_post_quantum();
    let granted = rewrap(&header, &[hybrid], &[other.recipient()]).expect("stays post-quantum");
    assert!(granted.open(&[other]).is_ok());
    assert_eq!(granted.strength().expect("one kind"), Strength::PostQuantum);
}

#[test]
fn recipients_without_a_secret_are_refused() {
    let low_order = bech32::encode("age", &[0; 32]);
    assert!(matches!(low_order.parse::<Recipient>(), Err(Error::Recipient)));
    let Recipient::Hybrid(mut public) = Identity::random_post_quantum().recipient() else {
        panic!("a hybrid recipient");
    };
    public[1184..].fill(0);
    let low_order = bech32::encode("age1pq", public.as_slice());
    assert!(matches!(low_order.parse::<Recipient>(), Err(Error::Recipient)));
}

#[test]
fn plugins_are_refused_by_name() {
    let recipient = bech32::encode("age1plugin", b"anything");
    assert!(matches!(recipient.parse::<Recipient>(), Err(Error::Plugin)));
    let identity = bech32::encode("age-plugin-evil-", b"anything").to_uppercase();
    assert!(matches!(identity.parse::<Identity>(), Err(Error::Plugin)));
    assert!(matches!("ssh-ed25519 AAAA".parse::<Recipient>(), Err(Error::Recipient)));
}

#[test]
fn hostile_headers_are_refused_quickly() {
    let many = format!("age-encryption.org/v1\n{}--- ", "-> a\n\n".repeat(4000));
    let long_argument = format!("age-encryption.org/v1\n-> {}\n\n", "a".repeat(1 << 20));
    let one_body =
        format!("age-encryption.org/v1\n-> a\n{}", format!("{}\n", "A".repeat(64)).repeat(16_000));
    for hostile in [many, long_argument, one_body] {
        let start = std::time::Instant::now();
        assert!(matches!(Header::parse(hostile.as_bytes()), Err(Error::HeaderTooLarge)));
        assert!(start.elapsed().as_millis() <= 50, "{:?}", start.elapsed());
    }
}

#[test]
fn a_header_reads_the_same_however_it_arrives() {
    let file = seal(&[Identity::random().recipient()], b"x");
    let (whole, len) = Header::parse(&file).expect("well-formed");
    for step in [1, 7, 64, 1000] {
        let mut parser = HeaderParser::new();
        let mut at = 0;
        let header = loop {
            let end = file.len().min(at + step);
            match parser.push(&file[at..end]).expect("well-formed") {
                Some((header, taken)) => {
                    assert_eq!(at + taken, len);
                    break header;
                }
                None => at = end,
            }
        };
        assert_eq!(header, whole);
    }
    for cut in 0..len {
        let error = Header::parse(&file[..cut]).expect_err("not complete");
        assert!(matches!(error, Error::HeaderTruncated), "{cut}: {error:?}");
    }
}

fn document(plaintext: &[u8]) -> (FileKey, DocumentPins, Pieces, Vec<u8>, Vec<u8>) {
    let mut sealer = DocumentSealer::new();
    let mut payload = Vec::new();
    let pieces = plaintext.len().div_ceil(PIECE_PLAINTEXT_BYTES).max(1);
    for k in 0..pieces {
        let from = k * PIECE_PLAINTEXT_BYTES;
        let piece = &plaintext[from..plaintext.len().min(from + PIECE_PLAINTEXT_BYTES)];
        sealer.seal_piece(k as u64, piece, k + 1 == pieces, &mut payload).expect("in order");
    }
    let id = DocumentId::random();
    let part = SealedPart {
        document: id,
        commit: sealer.commitment(),
        name: "报销单.pdf".into(),
        media_type: "application/pdf".into(),
        size: plaintext.len() as u64,
        sha256: Hash::of(plaintext),
        note: String::new(),
    };
    let sealed = sealer.seal_part(&part).expect("small");
    let pins = DocumentPins {
        document: id,
        nonce: sealer.nonce(),
        length: payload.len() as u64,
        commit: sealer.commitment(),
        pieces: sealer.pieces().combined(),
    };
    (sealer.file_key().clone(), pins, sealer.pieces(), payload, sealed)
}

#[test]
fn a_document_is_an_age_payload_and_opens_piece_by_piece() {
    for len in [0, 1, PIECE_PLAINTEXT_BYTES - 1, PIECE_PLAINTEXT_BYTES, PIECE_PLAINTEXT_BYTES + 1] {
        let plaintext: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
        let (key, pins, pieces, payload, sealed) = document(&plaintext);
        let mut hasher = PieceHasher::new();
        hasher.update(&payload);
        assert_eq!(hasher.finish(), pieces);
        let mut one = Vec::new();
        let mut sealer = PayloadSealer::new(&key, &pins.nonce);
        sealer.push(&plaintext, &mut one);
        sealer.finish(&mut one);
        assert_eq!(one, payload, "both ways of sealing give the same bytes");
        let mut opener = DocumentOpener::new(key, pins, pieces).expect("agrees");
        let part = opener.open_sealed_part(&sealed, Hash::of(&sealed)).expect("agrees");
        let mut opened = Vec::new();
        for k in 0..opener.piece_count() {
            let range = opener.piece_range(k);
            let piece = &payload[range.start as usize..range.end as usize];
            opener.open_next_piece(piece, &mut opened).expect("authentic");
        }
        assert_eq!(opened, plaintext);
        assert!(opener.finish(part.size, part.sha256).is_ok());
    }
}

#[test]
fn what_does_not_agree_with_the_pins_is_refused() {
    let (key, pins, pieces, mut payload, sealed) = document(&[7; PIECE_PLAINTEXT_BYTES + 9]);
    let open = |key: &FileKey, pins: &DocumentPins, pieces: &Pieces| {
        DocumentOpener::new(key.clone(), pins.clone(), pieces.clone())
    };
    assert!(matches!(open(&FileKey::random(), &pins, &pieces), Err(Error::Commitment)));
    let mut other = pins.clone();
    other.nonce = Nonce::random();
    assert!(matches!(open(&key, &other, &pieces), Err(Error::Commitment)));
    let mut list = pieces.clone();
    list.hashes.swap(0, 1);
    assert!(matches!(open(&key, &pins, &list), Err(Error::PieceList)));
    let mut longer = pins.clone();
    longer.length += PIECE_BYTES;
    assert!(matches!(open(&key, &longer, &pieces), Err(Error::PieceList)));
    let mut moved = pins.clone();
    moved.document = DocumentId::random();
    let elsewhere = open(&key, &moved, &pieces).expect("the id is not in the payload");
    assert!(matches!(
        elsewhere.open_sealed_part(&sealed, Hash::of(&sealed)),
        Err(Error::SealedPart)
    ));

    let mut opener = open(&key, &pins, &pieces).expect("agrees");
    payload[100] ^= 1;
    let range = opener.piece_range(0);
    let mut out = vec![1, 2, 3];
    let piece = &payload[range.start as usize..range.end as usize];
    assert!(matches!(opener.open_next_piece(piece, &mut out), Err(Error::Piece(0))));
    assert_eq!(out, [1, 2, 3], "nothing was released");
    assert!(matches!(opener.finish_unnamed(), Err(Error::Length)));
}

#[test]
fn resuming_seals_only_what_was_sealed_before() {
    let plaintext = vec![3; PIECE_PLAINTEXT_BYTES];
    let mut first = DocumentSealer::new();
    let mut sent = Vec::new();
    first.seal_piece(0, &plaintext, false, &mut sent).expect("in order");
    let resume =
        || DocumentSealer::resume(first.file_key().clone(), first.nonce(), first.pieces().hashes);
    let mut again = Vec::new();
    resume().seal_piece(0, &plaintext, false, &mut again).expect("unchanged");
    assert_eq!(sent, again);
    let mut changed = plaintext.clone();
    changed[17] ^= 1;
    for (plaintext, last) in
        [(&changed[..], false), (&plaintext[..], true), (&plaintext[1..], true)]
    {
        let mut out = Vec::new();
        let refused = resume().seal_piece(0, plaintext, last, &mut out);
        assert!(matches!(refused, Err(Error::Changed)));
        assert!(out.is_empty());
    }
    assert!(matches!(resume().seal_piece(2, &plaintext, false, &mut sent), Err(Error::Length)));
}

#[test]
fn a_passphrase_opens_its_file_only() {
    let (key, passphrase) = (FileKey::random(), Passphrase::new("correct horse".into()));
    let header =
        Header::seal_with_passphrase(&key, &passphrase.clone().with_work_factor(4)).expect("short");
    assert_eq!(header.open_with_passphrase(&passphrase).expect("opens"), key);
    let wrong = Passphrase::new("wrong horse".into());
    assert!(matches!(header.open_with_passphrase(&wrong), Err(Error::NoMatch)));
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    #[test]
    fn payloads_do_not_depend_on_how_bytes_arrive(
        len in 0..300_000_usize,
        cuts in proptest::collection::vec(1..200_000_usize, 1..6),
    ) {
        let plaintext: Vec<u8> = (0..len).map(|i| (i / 7) as u8).collect();
        let (key, nonce) = (FileKey::random(), Nonce::random());
        let (mut whole, mut parts) = (Vec::new(), Vec::new());
        let mut sealer = PayloadSealer::new(&key, &nonce);
        sealer.push(&plaintext, &mut whole);
        sealer.finish(&mut whole);
        let mut sealer = PayloadSealer::new(&key, &nonce);
        let mut rest = plaintext.as_slice();
        for cut in cuts.iter().cycle() {
            let (now, later) = rest.split_at(rest.len().min(*cut));
            sealer.push(now, &mut parts);
            rest = later;
            if rest.is_empty() { break; }
        }
        sealer.finish(&mut parts);
        assert_eq!(whole, parts);
        assert_eq!(payload_len(len as u64), Some(whole.len() as u64));

        let mut opener = PayloadOpener::new(key);
        let (mut opened, mut rest) = (Vec::new(), whole.as_slice());
        for cut in cuts.iter().cycle() {
            let (now, later) = rest.split_at(rest.len().min(*cut));
            opener.push(now, &mut opened).expect("authentic");
            rest = later;
            if rest.is_empty() { break; }
        }
        opener.finish(&mut opened).expect("complete");
        assert_eq!(opened, plaintext);
    }

    #[test]
    fn every_changed_bit_is_noticed(at in 0..4000_usize, bit in 0..8_u8) {
        let identity = Identity::random();
        let mut file = seal(&[identity.recipient()], &random_bytes::<64>());
        let at = at % file.len();
        file[at] ^= 1 << bit;
        assert!(open(&[identity], &file).is_err());
    }
}

/// Takes a released payload part apart and refuses to see one counter twice with other bytes.
fn note_chunks(
    seen: &mut std::collections::HashMap<(FileKeyBytes, [u8; 16], u64, bool), Vec<u8>>,
    sealer: &DocumentSealer,
    (index, last): (u64, bool),
    released: &[u8],
) {
    let released = if index == 0 { &released[NONCE_BYTES..] } else { released };
    let count = released.len().div_ceil(SEALED_CHUNK_BYTES);
    for (number, chunk) in released.chunks(SEALED_CHUNK_BYTES).enumerate() {
        let counter = index * PIECE_CHUNKS + number as u64;
        let flag = last && number + 1 == count;
        let at = (*sealer.file_key().expose(), sealer.nonce().0, counter, flag);
        let before = seen.entry(at).or_insert_with(|| chunk.to_vec());
        assert!(before == chunk, "counter {counter} sealed two chunks");
    }
}

type FileKeyBytes = [u8; 16];

#[derive(Clone, Debug)]
enum Step {
    /// Seal the next piece, or one of those before.
    Seal {
        back: u64,
    },
    /// The file changes in one byte, or in length.
    Change {
        at: usize,
    },
    Resize {
        len: usize,
    },
    /// The program is killed after `kept` pieces reached the journal, and resumes.
    Resume {
        kept: usize,
    },
}

fn step() -> impl proptest::strategy::Strategy<Value = Step> {
    use proptest::prelude::*;
    prop_oneof![
        5 => (0..3_u64).prop_map(|back| Step::Seal { back }),
        1 => any::<usize>().prop_map(|at| Step::Change { at }),
        1 => (1..4 * PIECE_PLAINTEXT_BYTES).prop_map(|len| Step::Resize { len }),
        1 => (0..4_usize).prop_map(|kept| Step::Resume { kept }),
    ]
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(48))]

    /// Whatever happens to the file and to the program, no (key, nonce, counter) ever leaves with
    /// two different chunks. A journal is as long as what was sent, at least.
    #[test]
    fn no_counter_seals_two_chunks(steps in proptest::collection::vec(step(), 1..24)) {
        let mut file = vec![1; 2 * PIECE_PLAINTEXT_BYTES + 1234];
        let mut sealer = DocumentSealer::new();
        let mut seen = std::collections::HashMap::new();
        for step in steps {
            match step {
                Step::Seal { back } => {
                    let next = sealer.pieces().hashes.len() as u64;
                    let index = next.saturating_sub(back);
                    let from = index as usize * PIECE_PLAINTEXT_BYTES;
                    if from >= file.len() {
                        continue;
                    }
                    let to = file.len().min(from + PIECE_PLAINTEXT_BYTES);
                    let last = to == file.len();
                    let mut released = Vec::new();
                    match sealer.seal_piece(index, &file[from..to], last, &mut released) {
                        Ok(_) => note_chunks(&mut seen, &sealer, (index, last), &released),
                        Err(Error::Changed) => {
                            assert!(released.is_empty());
                            // What the rule asks for: a new key and nonce.
                            sealer = DocumentSealer::new();
                        }
                        Err(other) => panic!("{other}"),
                    }
                }
                Step::Change { at } => {
                    let at = at % file.len();
                    file[at] = file[at].wrapping_add(1);
                }
                Step::Resize { len } => file.resize(len, 2),
                Step::Resume { kept } => {
                    let journal = sealer.pieces().hashes;
                    // Pieces reach the journal before they leave; a shorter one means less left.
                    let sent: Vec<_> = journal.iter().copied().take(kept.max(1)).collect();
                    let left = sent.len() as u64 * PIECE_CHUNKS;
                    seen.retain(|(_, _, counter, _), _| *counter < left);
                    sealer = DocumentSealer::resume(sealer.file_key().clone(), sealer.nonce(), sent);
                }
            }
        }
    }

    #[test]
    fn streams_count_every_chunk_once(len in 0..400_000_usize) {
        let (key, nonce) = (FileKey::random(), Nonce::random());
        let mut payload = Vec::new();
        let plaintext = vec![0; len];
        let source = Source::Stream(&mut plaintext.as_slice());
        seal_all(&key, &nonce, source, Sink::Stream(&mut payload), &|_| {}).expect("memory");
        // Equal plaintext chunks under one key differ exactly when their nonces do.
        let chunks: Vec<_> = payload[NONCE_BYTES..].chunks(SEALED_CHUNK_BYTES).collect();
        let distinct: std::collections::HashSet<_> = chunks.iter().collect();
        assert_eq!(distinct.len(), chunks.len());
    }
}
