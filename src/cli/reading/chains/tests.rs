use super::ledger::Link;
use super::*;
use crate::clock::Timestamp;
use crate::envelope::statement::{Direction, Manifest, Nonce, SealLevel, SigningKey, Statement};
use crate::secrets::Secret;

const MARCH: &str = "2026-03";

fn signer() -> KeyId {
    SigningKey::from_seed(&Secret::new([3; 32])).key_id()
}

/// The manifests of one signer, the `n`th of a document of [`document`] `n`.
fn chain(length: u64) -> Vec<Manifest> {
    let mut chain: Vec<Manifest> = Vec::new();
    for seq in 1..=length {
        let prev = chain.last().map(hash);
        chain.push(Manifest {
            root: SigningKey::from_seed(&Secret::new([1; 32]))
                .key_id()
                .to_string()
                .parse()
                .expect("an id"),
            client: ClientId::from_bytes([2; 16]),
            document: document(seq),
            signer: signer(),
            seq,
            prev,
            seal: SealLevel::EndToEnd,
            direction: Direction::In,
            period: MARCH.parse().expect("a period"),
            category: if seq % 2 == 0 { Category::Bank } else { Category::Payroll },
            nonce: Nonce([4; 16]),
            length: 100,
            pieces: Hash([5; 32]),
            commit: Hash([6; 32]),
            sealed: Hash([7; 32]),
            recipients: Vec::new(),
            time: Timestamp::EPOCH,
        });
    }
    chain
}

fn hash(manifest: &Manifest) -> Hash {
    Hash::of(manifest.text().as_bytes())
}

fn document(number: u64) -> DocumentId {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    DocumentId::from_bytes(id)
}

fn all() -> BTreeSet<Category> {
    Category::ALL.iter().copied().collect()
}

/// A ledger that has taken what `told` says is told of each manifest: its text, or its hash.
fn ledger(chain: &[Manifest], told: impl Fn(&Manifest) -> bool) -> Ledger {
    let mut ledger = Ledger { sees: all(), ..Ledger::default() };
    for said in chain {
        ledger
            .take(said.signer, said.seq, hash(said), Some(said).filter(|m| told(m)))
            .expect("next");
    }
    ledger
}

#[test]
fn a_chain_is_followed_past_what_is_hidden() {
    let chain = chain(9);
    let bank = |said: &Manifest| said.category == Category::Bank;
    let ledger = ledger(&chain, bank);
    assert!(ledger.has_hidden());
    let followed = Followed { ledger, ..Followed::default() };
    for said in &chain {
        assert_eq!(followed.fault((said.signer, said.seq, hash(said))), None);
    }
    let absent = followed.absent(None, &BTreeSet::new());
    assert_eq!(absent.len(), chain.iter().filter(|said| bank(said)).count(), "what it knows of");
}

#[test]
fn gaps_forks_and_changes_are_told_apart() {
    let whole = chain(6);
    for left_out in 0..6 {
        let mut short = Ledger::default();
        let mut faults = Vec::new();
        for (at, said) in whole.iter().enumerate().filter(|(at, _)| *at != left_out) {
            if let Err(fault) = short.take(said.signer, said.seq, hash(said), Some(said)) {
                faults.push((at, fault));
            }
        }
        let expected: Vec<_> = (left_out + 1..6).map(|at| (at, Fault::Gap)).collect();
        assert_eq!(faults, expected, "without {left_out}");
    }
    let mut known = ledger(&whole, |_| true);
    let other = Manifest { document: document(77), ..whole[3].clone() };
    assert_eq!(known.take(signer(), 4, hash(&other), Some(&other)), Err(Fault::Forked));
    assert_eq!(known.take(signer(), 4, hash(&whole[3]), Some(&whole[3])), Ok(()), "told again");
    assert_eq!(known.take(signer(), 0, hash(&other), Some(&other)), Err(Fault::Gap));
    // The next number, but after something else.
    let next = Manifest { seq: 7, prev: Some(hash(&other)), ..whole[5].clone() };
    assert_eq!(known.take(signer(), 7, hash(&next), Some(&next)), Err(Fault::Gap));
    let reused = Manifest { seq: 1, prev: None, signer: KeyId::from_bytes([9; 16]), ..next };
    assert_eq!(known.take(reused.signer, 1, hash(&reused), Some(&reused)), Ok(()), "another's");
}

#[test]
fn what_was_seen_before_must_be_shown_again() {
    let whole = chain(6);
    let known = ledger(&whole, |_| true);
    let mut older = Followed { ledger: ledger(&whole[..4], |_| true), ..Followed::default() };
    older.compare(&known);
    assert!(older.faulty());
    let place = |at: usize| (signer(), at as u64 + 1, hash(&whole[at]));
    assert_eq!(older.fault(place(3)), None);
    assert_eq!(older.fault(place(4)), Some(Word::ChainRolledBack));
    let absent = older.absent(None, &whole[..4].iter().map(|said| said.document).collect());
    let words: Vec<_> = absent.iter().map(|absent| (absent.about.0, absent.word)).collect();
    assert_eq!(words, [(document(5), Word::ChainRolledBack), (document(6), Word::ChainRolledBack)]);
    // Another history from the fourth on.
    let mut other = whole.clone();
    other[3].document = document(44);
    other[4].prev = Some(hash(&other[3]));
    other[5].prev = Some(hash(&other[4]));
    let mut forked = Followed { ledger: ledger(&other, |_| true), ..Followed::default() };
    forked.compare(&known);
    assert_eq!(forked.fault(place(2)), None);
    assert_eq!(forked.fault(place(3)), Some(Word::ChainForked));
    // And a longer one is as good.
    let longer = chain(8);
    let mut grown = Followed { ledger: ledger(&longer, |_| true), ..Followed::default() };
    grown.compare(&known);
    assert!(!grown.faulty());
}

#[test]
fn only_what_should_be_shown_is_missing() {
    let whole = chain(6);
    let mut known = ledger(&whole, |_| true);
    known.sees.remove(&Category::Payroll);
    let other = SigningKey::from_seed(&Secret::new([9; 32])).public().key_id();
    assert!(!known.mark_gone(other, document(2)), "it is not theirs");
    assert!(known.mark_gone(signer(), document(2)));
    assert!(!known.mark_gone(signer(), document(2)), "once");
    let followed = Followed { ledger: known, ..Followed::default() };
    let listed: BTreeSet<_> = [document(4)].into();
    let missing = |period: Option<&str>| {
        let period = period.map(|period| period.parse().expect("a period"));
        let absent = followed.absent(period, &listed);
        absent.iter().map(|absent| absent.about.0).collect::<Vec<_>>()
    };
    assert_eq!(missing(None), [document(6)], "neither payroll nor what was taken back");
    assert_eq!(missing(Some(MARCH)), [document(6)]);
    assert!(missing(Some("2026-04")).is_empty());
}

#[test]
fn what_is_remembered_reads_back() {
    let dir = tempfile::tempdir().expect("a folder");
    let desk = crate::cli::profile::Desk::at(dir.path().to_owned());
    let client = ClientId::from_bytes([2; 16]);
    assert_eq!(Ledger::read(&desk, client).expect("read"), Ledger::default());
    let mut ledger = ledger(&chain(3), |said| said.seq != 2);
    (ledger.next, ledger.last) = (17, Some(Hash([1; 32])));
    ledger.store(&desk, client).expect("stored");
    assert_eq!(Ledger::read(&desk, client).expect("read"), ledger);
    assert_eq!(Ledger::clients(&desk).expect("listed"), [client].into());
    assert_eq!(ledger.link(signer(), 2), Some(&Link(hash(&chain(3)[1]), None, false)));
}
