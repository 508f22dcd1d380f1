use std::fs;

use super::super::source::Source;
use super::*;
use crate::cli::profile::tests::new_profile;
use crate::envelope::{Error as EnvelopeError, PIECE_PLAINTEXT_BYTES};

struct Desk {
    _dir: tempfile::TempDir,
    profile: crate::cli::profile::Profile,
    path: PathBuf,
}

impl Desk {
    fn new(contents: &[u8]) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let profile = new_profile(&dir.path().join("p"), 1, |_| ());
        let path = dir.path().join("对账单 2026年3月.pdf");
        fs::write(&path, contents).expect("written");
        Self { _dir: dir, profile, path }
    }

    fn source(&self) -> FileSource {
        match Source::open(&self.path).expect("opens") {
            Source::File(source) => source,
            Source::Stream(_) => panic!("a regular file"),
        }
    }

    fn sending(&self) -> Sending {
        Sending {
            path: self.path.clone(),
            name: "a.pdf".into(),
            client: ClientId::from_bytes([1; 16]),
            direction: Direction::In,
            period: "2026-03".parse().expect("a period"),
            category: Category::Bank,
            note: String::new(),
        }
    }

    fn entry(&self, sealer: &DocumentSealer) -> Entry {
        Entry {
            sending: self.sending(),
            look: self.source().look,
            document: DocumentId::random(),
            nonce: sealer.nonce(),
            commit: sealer.commitment(),
            recipients: vec![Hash([1; 32])],
            resume: Some(Resume::new(sealer.file_key(), b"header")),
            sha256: None,
        }
    }

    fn journal(&self) -> Journal {
        Journal::take(&self.profile.desk(), &self.sending()).expect("taken").expect("free")
    }

    /// Seals the first piece as a command would that is killed then.
    fn begun(&self) -> (Entry, Hash) {
        let mut sealer = DocumentSealer::new();
        let mut journal = self.journal();
        let entry = self.entry(&sealer);
        journal.begin(&entry).expect("begun");
        let mut list = journal.piece_list().expect("a list").expect("resumable");
        let piece = &fs::read(&self.path).expect("read")[..PIECE_PLAINTEXT_BYTES];
        let hash = sealer.seal_piece(0, piece, false, &mut Vec::new()).expect("sealed");
        list.append(&[hash]).expect("recorded");
        (entry, hash)
    }
}

fn long_file() -> Vec<u8> {
    (0..PIECE_PLAINTEXT_BYTES * 2).map(|i| (i % 251) as u8).collect()
}

#[test]
fn the_same_file_goes_on_under_the_same_key() {
    let desk = Desk::new(&long_file());
    let (entry, hash) = desk.begun();
    let mut journal = desk.journal();
    let found = journal.entry().expect("an entry");
    assert_eq!(found.document, entry.document);
    let mut sealer = journal.resume(&found, &desk.source(), &entry.recipients).expect("goes on");
    assert_eq!(sealer.nonce(), entry.nonce);
    let piece = &long_file()[..PIECE_PLAINTEXT_BYTES];
    assert_eq!(sealer.seal_piece(0, piece, false, &mut Vec::new()).expect("the same"), hash);
}

#[test]
fn a_file_that_looks_otherwise_never_meets_its_old_key() {
    for change in [
        |path: &Path| fs::write(path, b"shrunk").expect("written"),
        |path: &Path| fs::write(path, long_file()).expect("written anew, same size"),
        |path: &Path| {
            fs::remove_file(path).expect("removed");
            fs::write(path, long_file()).expect("another file of the same name");
        },
    ] {
        let desk = Desk::new(&long_file());
        let (entry, _) = desk.begun();
        std::thread::sleep(std::time::Duration::from_millis(20));
        change(&desk.path);
        let mut journal = desk.journal();
        assert!(journal.resume(&entry, &desk.source(), &entry.recipients).is_none());
    }
}

#[test]
fn bytes_that_changed_behind_a_files_back_are_not_sealed_again() {
    let desk = Desk::new(&long_file());
    let (mut entry, _) = desk.begun();
    let mut changed = long_file();
    changed[70_000] ^= 1;
    fs::write(&desk.path, &changed).expect("written");
    // As if size and times had been put back.
    entry.look = desk.source().look;
    let mut journal = desk.journal();
    let mut sealer =
        journal.resume(&entry, &desk.source(), &entry.recipients).expect("looks the same");
    let mut out = Vec::new();
    let sealed = sealer.seal_piece(0, &changed[..PIECE_PLAINTEXT_BYTES], false, &mut out);
    assert!(matches!(sealed, Err(EnvelopeError::Changed)) && out.is_empty());
}

#[test]
fn other_recipients_or_a_swapped_key_begin_anew() {
    let desk = Desk::new(&long_file());
    let (entry, _) = desk.begun();
    let mut journal = desk.journal();
    assert!(journal.resume(&entry, &desk.source(), &[Hash([2; 32])]).is_none());
    let mut swapped = entry.clone();
    swapped.resume = Some(Resume::new(&FileKey::random(), b"header"));
    assert!(journal.resume(&swapped, &desk.source(), &entry.recipients).is_none());
    let mut short = entry;
    short.resume = None;
    assert!(journal.resume(&short, &desk.source(), &short.recipients).is_none());
}

#[test]
fn a_torn_journal_is_as_good_as_none_or_cut_to_what_is_whole() {
    let desk = Desk::new(&long_file());
    let (entry, hash) = desk.begun();
    let mut journal = desk.journal();
    let mut torn = hash.0.to_vec();
    torn.extend_from_slice(&[9; 31]);
    fs::write(journal.pieces_path(), torn).expect("torn");
    let sealer = journal.resume(&entry, &desk.source(), &entry.recipients).expect("goes on");
    assert_eq!(sealer.pieces().hashes, [hash]);
    fs::write(&journal.path, b"{\"sending\":").expect("torn");
    assert!(journal.entry().is_none());
}

#[test]
fn one_command_holds_a_journal_and_nothing_of_it_stays() {
    let desk = Desk::new(&long_file());
    desk.begun();
    let mut journal = desk.journal();
    assert!(Journal::take(&desk.profile.desk(), &desk.sending()).expect("asked").is_none());
    journal.discard().expect("gone");
    assert!(journal.entry().is_none() && !journal.pieces_path().exists());
    drop(journal);
    let other = Sending { category: Category::Tax, ..desk.sending() };
    assert_ne!(other.key(), desk.sending().key());
}
