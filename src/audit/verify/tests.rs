//! A log of many entries, and everything that somebody with the database in hands can do to a
//! single one of them.

use std::collections::BTreeMap;

use super::*;
use crate::audit::{Event, Sequencer, append};
use crate::clock::{Clock, Timestamp};
use crate::envelope::statement::{Hash, SigningKey};
use crate::ids::{ClientId, MemberId};
use crate::merkle::leaf_hash;
use crate::secrets::Secret;

/// How long a log is of which every entry is changed; `STRONGROOM_LOG_ENTRIES` sets another.
fn length() -> u64 {
    std::env::var("STRONGROOM_LOG_ENTRIES").ok().and_then(|n| n.parse().ok()).unwrap_or(10_000)
}

/// A whole log in memory.
#[derive(Clone)]
struct Log {
    page: Page,
    hashes: u64,
}

fn key() -> SigningKey {
    SigningKey::from_seed(&Secret::new([9; 32]))
}

/// A log as a gateway writes it: about a checkpoint for every hundred entries.
async fn written(entries: u64) -> (tempfile::TempDir, Store, Log) {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::open(&dir.path().join("db")).await.expect("a store");
    let sequencer = Sequencer::new(store.clone(), Clock::fixed(Timestamp::EPOCH), key());
    let clients = [ClientId::random(), ClientId::random()];
    let mut at = 0;
    while at < entries {
        let mut tx = store.write().await.expect("a transaction");
        for _ in 0..(37 + at % 101).min(entries - at) {
            let event = Event::new("document.open")
                .by(MemberId::random())
                .client(clients[(at % 2) as usize])
                .object(MemberId::random())
                .with("role", "accountant");
            append(&mut tx, Timestamp::from_ms(at as i64), event).await.expect("appended");
            at += 1;
        }
        tx.commit().await.expect("committed");
        sequencer.turn().await.expect("sequenced").expect("signed");
    }
    let mut tx = store.read().await.expect("a transaction");
    let keys = vec![log_verifier(&key().public())];
    let mut page = Page { keys, ..Page::default() };
    page.rows = tx.log_from(0, i64::MAX).await.expect("rows");
    for level in 0..8 {
        for (level, index, hashes) in tx.tiles(level, 0, 1 << 40).await.expect("tiles") {
            page.tiles.insert((level, index), hashes);
        }
    }
    let checkpoints = tx.checkpoints_above(0, i64::MAX).await.expect("checkpoints");
    page.checkpoints = checkpoints.into_iter().map(|c| (c.size, c)).collect();
    let hashes = tx.count_tile_hashes().await.expect("counted");
    drop(tx);
    (dir, store, Log { page, hashes })
}

impl Log {
    fn size(&self) -> u64 {
        self.page.rows.len() as u64
    }

    /// Walks from row `from` on, with the state that `walk` had there.
    fn walk(&self, mut walk: Walk, from: usize) -> Result<Report, Fault> {
        // Row by row: a change is usually found soon.
        for at in from..self.page.rows.len() {
            self.step(&mut walk, at)?;
        }
        let beyond = self.page.checkpoints.keys().find(|size| **size > self.size()).copied();
        walk.finish(self.hashes, beyond.map(Stray::Beyond), key().public())
    }

    fn step(&self, walk: &mut Walk, at: usize) -> Result<(), Fault> {
        let row = &self.page.rows[at];
        walk.row(&self.page, row, check_row(row), &[])
    }

    /// The state before each row.
    fn states(&self) -> Vec<Walk> {
        self.states_of(Walk::new(self.size(), None))
    }

    /// The states that `walk` has before each row.
    fn states_of(&self, mut walk: Walk) -> Vec<Walk> {
        let mut states = vec![walk.clone()];
        for at in 0..self.page.rows.len() {
            self.step(&mut walk, at).expect("the log is whole");
            states.push(walk.clone());
        }
        states
    }
}

fn flip(bytes: &mut [u8], bit: usize) {
    bytes[bit / 8] ^= 1 << (bit % 8);
}

/// Whether a fault is told at the entry itself, or in entries that hold it.
#[track_caller]
fn found_at(found: Result<Report, Fault>, at: usize, what: &str) {
    let fault = found.expect_err(what);
    let at = at as u64;
    match fault.place() {
        Some(Place::Entry(place)) => assert_eq!(place, at, "{what}: {fault}"),
        Some(Place::Between(first, end)) => {
            assert!((first..end).contains(&at) && end - first <= 256, "{what} at {at}: {fault}");
        }
        other => panic!("{what} at {at}: {other:?}"),
    }
}

#[tokio::test]
async fn every_change_of_a_single_entry_is_found_and_its_place_named() {
    let (_dir, _store, log) = written(length()).await;
    let states = log.states();
    assert!(log.walk(states[0].clone(), 0).is_ok());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (log, states) = (&log, &states);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                for (at, state) in states.iter().enumerate().skip(thread).step_by(threads) {
                    if at < log.page.rows.len() {
                        changes_of_one(log, state, at);
                    }
                }
            });
        }
    });
}

/// Everything that can be done to the entry at `at`, before which the walk stands as `state`.
fn changes_of_one(log: &Log, state: &Walk, at: usize) {
    let (size, row) = (log.page.rows.len(), &log.page.rows[at]);
    let state = || state.clone();
    // One copy of the log is changed and put right again: copying it each time is slow.
    let mut changed = log.clone_rows(at);

    // Edited: a careless forger, and a careful one.
    changed.page.rows[0].text = row.text.replace("document.open", "document.list");
    found_at(changed.walk_one(state()), at, "edited");
    changed.page.rows[0] = row.clone();
    forged(log, state(), at);

    // Deleted, with and without closing the gap.
    changed.page.rows.remove(0);
    found_at(changed.walk_one(state()), at, "deleted");
    if let Some(next) = changed.page.rows.first_mut() {
        next.position = Some(at as u64);
        found_at(changed.walk_one(state()), at, "deleted, the rest moved up");
    }
    changed = log.clone_rows(at);

    // Inserted.
    let mut new = row.clone();
    new.text = row.text.replace("document.open", "document.list");
    new.leaf = leaf_hash(new.text.as_bytes()).to_vec();
    changed.page.rows.insert(0, new);
    found_at(changed.walk_one(state()), at, "inserted");
    changed = log.clone_rows(at);

    // Reordered.
    if at + 1 < size {
        let (a, b) = (changed.page.rows[0].position, changed.page.rows[1].position);
        changed.page.rows.swap(0, 1);
        (changed.page.rows[0].position, changed.page.rows[1].position) = (a, b);
        found_at(changed.walk_one(state()), at, "reordered");
        changed = log.clone_rows(at);
    }

    // Its side data replaced by another's, its salt, its client.
    changed.page.rows[0].data = Some((vec![7; 32], "{\"role\":\"accountant\"}".into()));
    found_at(changed.walk_one(state()), at, "another salt");
    let salt = row.data.clone().expect("there").0;
    changed.page.rows[0].data = Some((salt, "{\"role\":\"auditor\"}".into()));
    found_at(changed.walk_one(state()), at, "another role");
    changed.page.rows[0] = row.clone();
    changed.page.rows[0].client = ClientId::random().to_string();
    found_at(changed.walk_one(state()), at, "another client");

    // One bit of its text and of its leaf.
    let bit = at.wrapping_mul(31) % (row.text.len() * 8);
    changed.page.rows[0] = row.clone();
    if let Some(text) = flipped(&row.text, bit) {
        changed.page.rows[0].text = text;
        found_at(changed.walk_one(state()), at, "a bit of its text");
    }
    changed.page.rows[0] = row.clone();
    flip(&mut changed.page.rows[0].leaf, at % 256);
    found_at(changed.walk_one(state()), at, "a bit of its leaf");
}

/// The text with one bit changed, where it is a text then.
fn flipped(text: &str, bit: usize) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    flip(&mut bytes, bit);
    String::from_utf8(bytes).ok()
}

/// The careful forger: text, leaf and tile agree, and only the signed root does not.
fn forged(log: &Log, state: Walk, at: usize) {
    let row = &log.page.rows[at];
    let mut page = Page { rows: Vec::new(), tiles: BTreeMap::new(), ..log.page.clone_light() };
    let end = log.page.checkpoints.range(at as u64 + 1..).next().map_or(log.size(), |c| *c.0);
    page.rows = log.page.rows[at..end as usize].to_vec();
    page.tiles = log.page.tiles.clone();
    page.checkpoints = log.page.checkpoints.clone();
    let mut forger = Log { page, hashes: log.hashes };
    let text = row.text.replace("document.open", "document.list");
    let leaf = leaf_hash(text.as_bytes());
    forger.page.rows[0].text = text;
    forger.page.rows[0].leaf = leaf.to_vec();
    let tile = forger.page.tiles.get_mut(&(0, at as u64 / 256)).expect("a tile");
    tile[at % 256 * 32..at % 256 * 32 + 32].copy_from_slice(&leaf);
    found_at(forger.walk(state, 0), at, "forged with its tile");
}

impl Page {
    fn clone_light(&self) -> Self {
        Self { keys: self.keys.clone(), ..Self::default() }
    }
}

impl Log {
    /// The rows from `at` on that matter until a change there is found, over the same tree.
    fn clone_rows(&self, at: usize) -> Self {
        let rows = self.page.rows[at..(at + 3).min(self.page.rows.len())].to_vec();
        let first = at as u64 / 256;
        let tiles = self
            .page
            .tiles
            .iter()
            .filter(|((level, index), _)| *level > 0 || (first..first + 2).contains(index))
            .map(|(place, hashes)| (*place, hashes.clone()))
            .collect();
        let near = self.page.checkpoints.range(at as u64..at as u64 + 4);
        let checkpoints = near.map(|(size, c)| (*size, c.clone())).collect();
        Self { page: Page { rows, tiles, checkpoints, keys: Vec::new() }, hashes: self.hashes }
    }

    /// Walks these few rows; that nothing follows is a fault too where the log goes on.
    fn walk_one(&self, state: Walk) -> Result<Report, Fault> {
        self.walk(state, 0)
    }
}

#[tokio::test]
async fn every_bit_of_an_entry_counts() {
    let (_dir, _store, log) = written(300).await;
    let states = log.states();
    for at in (0..300).step_by(3) {
        let row = &log.page.rows[at];
        let mut changed = log.clone_rows(at);
        for bit in 0..row.text.len() * 8 {
            let Some(text) = flipped(&row.text, bit) else { continue };
            changed.page.rows[0].text = text;
            found_at(changed.walk_one(states[at].clone()), at, "a bit");
        }
    }
}

#[tokio::test]
async fn every_hash_of_the_tree_and_every_checkpoint_counts() {
    let (_dir, _store, mut log) = written(300).await;
    let states = log.states();
    let places: Vec<_> = log.page.tiles.keys().copied().collect();
    for place in places {
        for hash in 0..log.page.tiles[&place].len() / 32 {
            flip(log.page.tiles.get_mut(&place).expect("a tile"), hash * 256 + hash % 256);
            let found = log.walk(states[0].clone(), 0).expect_err("a changed tile");
            assert_eq!(found.code(), "tile", "{place:?} {hash}");
            flip(log.page.tiles.get_mut(&place).expect("a tile"), hash * 256 + hash % 256);
        }
    }
    let sizes: Vec<_> = log.page.checkpoints.keys().copied().collect();
    for size in &sizes {
        let whole = log.page.checkpoints.clone();
        let stored = log.page.checkpoints.get_mut(size).expect("a checkpoint");
        stored.root[0] ^= 1;
        assert_eq!(log.walk(states[0].clone(), 0).expect_err("a root").code(), "checkpoint");
        assert_eq!(check_signatures(&log.page), [*size]);
        log.page.checkpoints.clone_from(&whole);
        let stored = log.page.checkpoints.get_mut(size).expect("a checkpoint");
        stored.note = stored.note.replacen("\n\n", "\n\n— somebody AAAAAAAAAAA=\n", 1);
        let line = stored.note.lines().last().expect("a signature").to_owned();
        stored.note = stored.note.replace(&format!("{line}\n"), "");
        assert_eq!(check_signatures(&log.page), [*size], "only somebody else's signature");
        log.page.checkpoints.clone_from(&whole);
    }
    let newest = *sizes.last().expect("checkpoints");
    log.page.checkpoints.remove(&newest);
    assert_eq!(log.walk(states[0].clone(), 0).expect_err("uncovered").code(), "uncovered");
}

#[tokio::test]
async fn a_held_checkpoint_shows_every_cut_and_without_one_nobody_knows() {
    let (_dir, _store, log) = written(500).await;
    let (size, newest) = log.page.checkpoints.last_key_value().expect("a checkpoint");
    let note = SignedNote::parse(&newest.note).expect("a note");
    let held = Checkpoint::from_text(note.text()).expect("a checkpoint");
    let whole = log.walk(Walk::new(500, Some(held.clone())), 0).expect("whole");
    assert_eq!((whole.covers_checkpoint, held.size), (Some(true), *size));
    // Whoever cuts the log off leaves what an earlier moment looked like: the older copy.
    for (cut, _) in log.page.checkpoints.iter().rev().skip(1) {
        let older = log.cut(*cut);
        let found = older.walk(Walk::new(*cut, Some(held.clone())), 0).expect_err("cut");
        assert_eq!(found, Fault::HeldCutOff(Place::Between(*cut, 500), 500));
        let unknown = older.walk(Walk::new(*cut, None), 0).expect("whole by itself");
        assert_eq!(unknown.covers_checkpoint, None);
    }
    // Cut anywhere else, the newest checkpoint that is left gives it away by itself.
    for cut in (0..500).filter(|cut| !log.page.checkpoints.contains_key(cut) && *cut > 0) {
        let found = log.cut(cut).walk(Walk::new(cut, None), 0).expect_err("cut");
        assert_eq!(found.code(), "uncovered", "{cut}");
    }
    // The same at every place of a long log, from the state that a walk has there.
    let (_dir, _store, long) = written(length()).await;
    let (size, newest) = long.page.checkpoints.last_key_value().expect("a checkpoint");
    let note = SignedNote::parse(&newest.note).expect("a note");
    let newest = Checkpoint::from_text(note.text()).expect("a checkpoint");
    let hashes = |cut: u64| (0..8).map(|level| cut >> (8 * level)).sum::<u64>();
    let with = long.states_of(Walk::new(0, Some(newest)));
    let without = long.states_of(Walk::new(0, None));
    for (cut, (with, without)) in (0..*size).zip(with.into_iter().zip(without)) {
        let found = with.finish(hashes(cut), None, key().public()).expect_err("cut");
        assert_eq!(found, Fault::HeldCutOff(Place::Between(cut, *size), *size));
        let whole = cut == 0 || long.page.checkpoints.contains_key(&cut);
        match without.finish(hashes(cut), None, key().public()) {
            Ok(report) => assert!(whole && report.covers_checkpoint.is_none(), "{cut}"),
            Err(fault) => assert!(!whole && fault.code() == "uncovered", "{cut}: {fault}"),
        }
    }
    // Another log of the same length.
    let (_dir, _store, other) = written(500).await;
    let found = other.walk(Walk::new(500, Some(held)), 0).expect_err("another log");
    assert_eq!(found, Fault::Held(Place::Between(0, 500), 500));
}

impl Log {
    /// The log as it was when it had `size` entries.
    fn cut(&self, size: u64) -> Self {
        let mut log = self.clone();
        log.page.rows.truncate(size as usize);
        log.page.checkpoints.retain(|at, _| *at <= size);
        for ((level, index), hashes) in &mut log.page.tiles {
            let width = (size >> (8 * u32::from(*level))).saturating_sub(index * 256).min(256);
            hashes.truncate(width as usize * 32);
        }
        log.hashes = (0..8).map(|level| size >> (8 * level)).sum();
        log
    }
}

#[tokio::test]
async fn erasing_side_data_leaves_the_log_whole() {
    let (_dir, _store, mut log) = written(120).await;
    for row in log.page.rows.iter_mut().step_by(2) {
        row.data = None;
    }
    let report = log.walk(Walk::new(120, None), 0).expect("whole");
    assert_eq!(report.erased, 60);
}

#[tokio::test]
async fn a_sequencer_signs_nothing_over_a_damaged_log_and_only_with_the_lease() {
    let (_dir, store, log) = written(300).await;
    let clock = Clock::fixed(Timestamp::from_ms(1));
    let (first, second) = (
        Sequencer::new(store.clone(), clock.clone(), key()),
        Sequencer::new(store.clone(), clock.clone(), key()),
    );
    let add = async || {
        let mut tx = store.write().await.expect("a transaction");
        let leaf = append(&mut tx, clock.now(), Event::new("firm.move")).await.expect("appended");
        tx.commit().await.expect("committed");
        leaf
    };
    let leaf: Hash = add().await;
    // The log was written under a lease that has not run out.
    assert_eq!(first.turn().await.expect("asked"), None);
    clock.advance_ms(11_000);
    let signed = first.turn().await.expect("sequenced").expect("the lease has run out");
    assert_eq!(signed.size, 301);
    let mut tx = store.read().await.expect("a transaction");
    let newest = super::super::head(&mut tx).await.expect("read");
    let proof =
        super::super::inclusion(&mut tx, &leaf, newest).await.expect("a proof").expect("included");
    assert_eq!((proof.index, proof.includes(&leaf.0)), (300, Ok(true)));
    let old = log.page.checkpoints.values().next().expect("a checkpoint");
    let grown = super::super::consistency(&mut tx, old.size, 301).await.expect("a proof");
    let old = Checkpoint::from_text(SignedNote::parse(&old.note).expect("a note").text());
    let new = Checkpoint::from_text(signed.note.text()).expect("a checkpoint");
    assert!(old.expect("a checkpoint").grew_into(&new, &grown.expect("not shrinking")));
    drop(tx);
    add().await;
    assert_eq!(second.turn().await.expect("asked"), None, "the first has the lease");
    first.release().await.expect("given back");
    let mut tx = store.write().await.expect("a transaction");
    let [(_, _, hashes)] = &tx.tiles(0, 1, 1).await.expect("tiles")[..] else { panic!("one") };
    let mut damaged = hashes.clone();
    damaged[3] ^= 1;
    tx.put_tile(0, 1, &damaged).await.expect("written");
    tx.commit().await.expect("committed");
    assert!(matches!(second.turn().await, Err(store::Error::Corrupt(_))));
}
