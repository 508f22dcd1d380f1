use super::*;
use crate::clock::Timestamp;
use crate::merkle::{Digest, SignedNote, empty_root, leaf_hash, node_hash};

/// A log of the leaves `0 … size - 1`, small enough to be made by hand.
struct Log {
    sign: SigningKey,
    key: VerifierKey,
}

impl Log {
    fn new(seed: u8) -> Self {
        let sign = SigningKey::from_seed(&Secret::new([seed; 32]));
        let key = VerifierKey::new(&format!("log{seed}"), sign.public().0).expect("a name");
        Self { sign, key }
    }

    fn leaf(at: u64) -> Digest {
        leaf_hash(&at.to_be_bytes())
    }

    fn root(size: u64) -> Digest {
        match size {
            0 => empty_root(),
            1 => Self::leaf(0),
            2 => node_hash(&Self::leaf(0), &Self::leaf(1)),
            _ => node_hash(&Self::root(2), &Self::leaf(2)),
        }
    }

    fn checkpoint(&self, size: u64, root: Digest) -> SignedNote {
        let head = Checkpoint { origin: self.key.name().into(), size, root };
        head.sign(&self.key, |text| self.sign.sign(text))
    }

    fn request(&self, old: u64, size: u64, proof: Vec<Digest>) -> String {
        let checkpoint = self.checkpoint(size, Self::root(size));
        AddCheckpoint { old, proof, checkpoint }.to_string()
    }
}

fn keeper(folder: &Path, log: &Log, clock: &Clock) -> Keeper {
    let logs = std::slice::from_ref(&log.key);
    Keeper::open(folder, "witness.example/w1", logs, clock.clone()).expect("opens")
}

fn size_of(refusal: Result<String, Refusal>) -> Option<u64> {
    match refusal {
        Err(Refusal::Seen(size)) => Some(size),
        _ => None,
    }
}

#[test]
fn what_grew_is_cosigned_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Clock::fixed(Timestamp::from_ms(1_800_000_000_000));
    let log = Log::new(1);
    let witness = keeper(folder.path(), &log, &clock);
    assert!(matches!(witness.add("x"), Err(Refusal::Malformed)));
    let foreign = Log::new(2).request(0, 1, Vec::new());
    assert!(matches!(witness.add(&foreign), Err(Refusal::UnknownLog)));
    let forged = {
        let forger = Log { sign: Log::new(2).sign, key: log.key.clone() };
        forger.request(0, 1, Vec::new())
    };
    assert!(matches!(witness.add(&forged), Err(Refusal::NotSigned)));
    assert!(matches!(witness.add(&log.request(2, 1, Vec::new())), Err(Refusal::Malformed)));
    assert_eq!(size_of(witness.add(&log.request(1, 2, vec![Log::leaf(1)]))), Some(0));
    let unasked = log.request(0, 2, vec![Log::leaf(1)]);
    assert!(matches!(witness.add(&unasked), Err(Refusal::BadProof)), "nothing to prove yet");

    let line = witness.add(&log.request(0, 2, Vec::new())).expect("cosigned");
    let cosigned = log.checkpoint(2, Log::root(2)).with_lines(&line).expect("a line");
    assert_eq!(cosigned.cosigned_by(witness.key()), Some(1_800_000_000));
    // The same again is cosigned again, later; never at an earlier time.
    clock.advance_ms(-60_000);
    let again = witness.add(&log.request(2, 2, Vec::new())).expect("cosigned");
    let again = log.checkpoint(2, Log::root(2)).with_lines(&again).expect("a line");
    assert_eq!(again.cosigned_by(witness.key()), Some(1_800_000_000));
    // Another root over as many entries, a proof of something else, an older size.
    let fork =
        AddCheckpoint { old: 2, proof: Vec::new(), checkpoint: log.checkpoint(2, Log::leaf(7)) };
    assert_eq!(size_of(witness.add(&fork.to_string())), Some(2));
    let rewritten = AddCheckpoint {
        old: 2,
        proof: vec![Log::leaf(2)],
        checkpoint: log.checkpoint(3, node_hash(&Log::leaf(9), &Log::leaf(2))),
    };
    assert!(matches!(witness.add(&rewritten.to_string()), Err(Refusal::BadProof)));
    assert!(matches!(witness.add(&log.request(2, 3, Vec::new())), Err(Refusal::BadProof)));
    assert_eq!(size_of(witness.add(&log.request(0, 3, Vec::new()))), Some(2));
    witness.add(&log.request(2, 3, vec![Log::leaf(2)])).expect("it grew");
    assert_eq!(size_of(witness.add(&log.request(2, 2, Vec::new()))), Some(3));
}

#[test]
fn what_was_seen_outlives_the_process_and_is_never_forgotten() {
    let folder = tempfile::tempdir().expect("a folder");
    let (clock, log) = (Clock::fixed(Timestamp::EPOCH), Log::new(1));
    let witness = keeper(folder.path(), &log, &clock);
    let key = witness.key().clone();
    witness.add(&log.request(0, 2, Vec::new())).expect("cosigned");
    let logs = std::slice::from_ref(&log.key);
    let second = Keeper::open(folder.path(), "w", logs, clock.clone());
    assert!(matches!(second, Err(SetupError::Busy(_))), "one process at a time");
    drop(witness);
    let witness = keeper(folder.path(), &log, &clock);
    assert_eq!(witness.key(), &key);
    assert_eq!(size_of(witness.add(&log.request(0, 1, Vec::new()))), Some(2));
    drop(witness);
    let open = || Keeper::open(folder.path(), "w", logs, clock.clone());
    fs::write(folder.path().join(SEEN), "{").expect("damaged");
    assert!(matches!(open(), Err(SetupError::Damaged(_))));
    fs::remove_file(folder.path().join(SEEN)).expect("removed");
    assert!(matches!(open(), Err(SetupError::Forgotten(_))));
    assert!(matches!(
        Keeper::open(&folder.path().join("new"), "a b", logs, clock.clone()),
        Err(SetupError::Name)
    ));
}
