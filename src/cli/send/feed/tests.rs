use std::fs;
use std::path::PathBuf;

use super::super::source::Source;
use super::*;
use crate::envelope::{FileKey, Nonce, PayloadOpener, payload_len};

struct Desk {
    dir: tempfile::TempDir,
    contents: Vec<u8>,
    key: FileKey,
    nonce: Nonce,
}

impl Desk {
    fn new(size: usize) -> Self {
        let contents: Vec<u8> = (0..size).map(|i| (i * 7 % 251) as u8).collect();
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("a"), &contents).expect("written");
        Self { dir, contents, key: FileKey::random(), nonce: Nonce::random() }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("a")
    }

    fn sealing(&self, known: Vec<Hash>) -> Sealing {
        let Source::File(source) = Source::open(&self.path()).expect("opens") else {
            panic!("a regular file")
        };
        Sealing::new(source, DocumentSealer::resume(self.key.clone(), self.nonce, known), None)
    }
}

/// What comes out from `offset` on, until `stop_after` bytes.
async fn pumped(feed: Feed, offset: u64, stop_after: usize) -> (Feed, Result<(), Error>, Vec<u8>) {
    let (parts, mut received) = mpsc::channel(1);
    let stop = CancellationToken::new();
    let outlet = Outlet { parts, stop: stop.clone(), runtime: Handle::current() };
    let pump = tokio::task::spawn_blocking(move || {
        let mut feed = feed;
        let done = feed.pump(offset, &outlet);
        (feed, done)
    });
    let mut out = Vec::new();
    while let Some(part) = received.recv().await {
        out.extend_from_slice(&part);
        if out.len() >= stop_after {
            stop.cancel();
            break;
        }
    }
    drop(received);
    let (feed, done) = pump.await.expect("no panic");
    (feed, done, out)
}

fn sealing_of(feed: Feed) -> Sealing {
    match feed {
        Feed::Sealing(sealing) => *sealing,
        Feed::Spool(_) => panic!("a sealing"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_out_from_any_offset_is_the_end_of_one_payload() {
    let size = PIECE_PLAINTEXT_BYTES * 5 + 12_345;
    let desk = Desk::new(size);
    let feed = Feed::Sealing(Box::new(desk.sealing(Vec::new())));
    let (feed, done, whole) = pumped(feed, 0, usize::MAX).await;
    done.expect("all of it");
    assert_eq!(Some(whole.len() as u64), payload_len(size as u64));
    let mut plain = Vec::new();
    let mut opener = PayloadOpener::new(desk.key.clone());
    opener.push(&whole, &mut plain).expect("authentic");
    opener.finish(&mut plain).expect("authentic");
    assert!(plain == desk.contents);
    let mut feed = feed;
    for offset in [0, 1, 16, 1_048_848, 1_048_849, 3_000_000, whole.len() as u64 - 1] {
        let (back, done, rest) = pumped(feed, offset, usize::MAX).await;
        done.expect("the rest of it");
        assert!(rest == whole[offset as usize..], "from {offset}");
        feed = back;
    }
    assert_eq!(sealing_of(feed).finish().expect("read"), Hash::of(&desk.contents));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_feed_goes_on_and_a_new_one_compares_first() {
    let desk = Desk::new(PIECE_PLAINTEXT_BYTES * 9);
    let feed = Feed::Sealing(Box::new(desk.sealing(Vec::new())));
    let (feed, done, some) = pumped(feed, 0, 2_500_000).await;
    done.expect("stopped in order");
    let sealed = sealing_of(feed).sealer.pieces().hashes;
    // Another process, with nothing but the journal.
    let offset = piece_range(2, u64::MAX).start;
    let feed = Feed::Sealing(Box::new(desk.sealing(sealed.clone())));
    let (feed, done, rest) = pumped(feed, offset, usize::MAX).await;
    done.expect("the rest of it");
    assert!(some.len() as u64 >= offset);
    let whole: Vec<u8> = some[..offset as usize].iter().chain(&rest).copied().collect();
    let mut plain = Vec::new();
    let mut opener = PayloadOpener::new(desk.key.clone());
    opener.push(&whole, &mut plain).expect("one payload");
    opener.finish(&mut plain).expect("one payload");
    assert!(plain == desk.contents);
    assert_eq!(sealing_of(feed).finish().expect("read"), Hash::of(&desk.contents));
    // And one whose gateway has everything already: it is read and compared all the same.
    let mut idle = desk.sealing(sealed);
    assert!(idle.finish().is_err(), "not read yet");
    idle.read_rest().expect("the same file");
    assert_eq!(idle.finish().expect("read"), Hash::of(&desk.contents));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_or_shrinks_hands_out_nothing_more() {
    let size = PIECE_PLAINTEXT_BYTES * 3;
    let desk = Desk::new(size);
    let first = Feed::Sealing(Box::new(desk.sealing(Vec::new())));
    let (first, done, _) = pumped(first, 0, usize::MAX).await;
    done.expect("all of it");
    let sealed = sealing_of(first).sealer.pieces().hashes;
    let mut changed = desk.contents.clone();
    changed[PIECE_PLAINTEXT_BYTES + 5] ^= 1;
    fs::write(desk.path(), &changed).expect("written");
    let feed = Feed::Sealing(Box::new(desk.sealing(sealed)));
    let (_, done, out) = pumped(feed, 0, usize::MAX).await;
    assert_eq!(done.expect_err("another piece").word(), Word::FileChanged);
    assert!(out.len() as u64 <= piece_range(0, u64::MAX).end, "no byte of what changed");
    let sealing = desk.sealing(Vec::new());
    fs::write(desk.path(), &changed[..100]).expect("shrunk");
    let (_, done, _) = pumped(Feed::Sealing(Box::new(sealing)), 0, usize::MAX).await;
    assert_eq!(done.expect_err("shrunk").word(), Word::FileChanged);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_is_on_disk_before_its_piece_is_handed_out() {
    use crate::cli::profile::tests::new_profile;
    use crate::cli::send::journal::{Entry, Journal, Resume, Sending};
    use crate::envelope::statement::{Category, Direction};
    use crate::ids::{ClientId, DocumentId};

    let desk = Desk::new(PIECE_PLAINTEXT_BYTES * 10);
    let profile = new_profile(&desk.dir.path().join("p"), 1, |_| ());
    let sending = Sending {
        path: desk.path(),
        name: "a".into(),
        client: ClientId::random(),
        direction: Direction::In,
        period: "2026-03".parse().expect("a period"),
        category: Category::Other,
        note: String::new(),
    };
    let mut sealing = desk.sealing(Vec::new());
    let mut journal = Journal::take(&profile.desk(), &sending).expect("taken").expect("free");
    let entry = Entry {
        sending,
        look: sealing.source.look,
        document: DocumentId::random(),
        nonce: desk.nonce,
        commit: desk.key.commitment(&desk.nonce),
        recipients: Vec::new(),
        resume: Some(Resume::new(&desk.key, b"header")),
        sha256: None,
    };
    journal.begin(&entry).expect("begun");
    sealing.list = journal.piece_list().expect("a list");
    let pieces = std::fs::read_dir(profile.dir().join("journals"))
        .expect("listed")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.extension().is_some_and(|e| e == "pieces"))
        .expect("a list of pieces");
    let (parts, mut received) = mpsc::channel(1);
    let outlet = Outlet { parts, stop: CancellationToken::new(), runtime: Handle::current() };
    let pump = tokio::task::spawn_blocking(move || sealing.pump(0, &outlet));
    let mut count = 0;
    while received.recv().await.is_some() {
        count += 1;
        let recorded = fs::metadata(&pieces).expect("there").len() / 32;
        assert!(recorded >= count, "{recorded} recorded, {count} handed out");
    }
    pump.await.expect("no panic").expect("all of it");
    assert_eq!(count, 10);
}
