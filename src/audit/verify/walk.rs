//! The walk: entries in the order of the tree against tiles and checkpoints. Pure.

use std::collections::BTreeMap;

use crate::envelope::statement::PublicKey;
use crate::merkle::{Checkpoint, Digest, Edge, SignedNote, TILE_HASHES, VerifierKey};
use crate::store::{LogRow, StoredCheckpoint};

use super::fault::{Fault, Place};
use super::{Report, signed_by_origin};

/// Entries that follow each other, with what they must agree with.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The entries, by position.
    pub rows: Vec<LogRow>,
    /// Tiles over them, by level and index.
    pub tiles: BTreeMap<(u8, u64), Vec<u8>>,
    /// Checkpoints of sizes that the page reaches.
    pub checkpoints: BTreeMap<u64, StoredCheckpoint>,
    /// The log's keys that the firm's root vouches for.
    pub keys: Vec<VerifierKey>,
}

/// A checkpoint that no walk over the log meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stray {
    /// Over so many entries, and there are fewer.
    Beyond(u64),
    /// Filed under this size, which is not its own.
    Misfiled(i64),
}

/// The state between two pages.
#[derive(Clone, Debug)]
pub struct Walk {
    edge: Edge,
    sequenced: u64,
    held: Option<Checkpoint>,
    covered: u64,
    checkpoints: u64,
    erased: u64,
    last_id: i64,
    tail: u64,
}

/// Sizes of a page's checkpoints whose note is another one's, or not signed. Costs a signature
/// each, so it is apart from the walk.
pub fn check_signatures(page: &Page) -> Vec<u64> {
    let signed = |stored: &StoredCheckpoint| {
        let Ok(note) = SignedNote::parse(&stored.note) else { return false };
        let Ok(said) = Checkpoint::from_text(note.text()) else { return false };
        said.size == stored.size
            && said.root[..] == stored.root[..]
            && signed_by_origin(&note, &said, &page.keys)
    };
    let unsigned = page.checkpoints.values().filter(|stored| !signed(stored));
    unsigned.map(|stored| stored.size).collect()
}

impl Walk {
    /// A walk over `sequenced` entries that have not been looked at.
    pub fn new(sequenced: u64, held: Option<Checkpoint>) -> Self {
        Self {
            edge: Edge::default(),
            sequenced,
            held,
            covered: 0,
            checkpoints: 0,
            erased: 0,
            last_id: 0,
            tail: 0,
        }
    }

    /// Goes over a page, whose entries have been checked by themselves, and whose checkpoints
    /// of the sizes `unsigned` are not signed.
    pub fn page(
        &mut self,
        page: &Page,
        checked: &[Result<Digest, Fault>],
        unsigned: &[u64],
    ) -> Result<(), Fault> {
        for (row, checked) in page.rows.iter().zip(checked) {
            self.row(page, row, *checked, unsigned)?;
        }
        Ok(())
    }

    /// Goes over the next entry.
    pub fn row(
        &mut self,
        page: &Page,
        row: &LogRow,
        checked: Result<Digest, Fault>,
        unsigned: &[u64],
    ) -> Result<(), Fault> {
        let at = self.edge.size();
        if row.position != Some(at) {
            return Err(Fault::Gap(Place::Entry(at)));
        }
        let leaf = checked?;
        self.erased += u64::from(row.data.is_none());
        self.last_id = self.last_id.max(row.id);
        self.place(page, at, leaf)?;
        self.meet_checkpoints(page, unsigned)
    }

    /// Adds a leaf and compares every hash that stands in a tile because of it.
    fn place(&mut self, page: &Page, at: u64, leaf: Digest) -> Result<(), Fault> {
        let mut fault = None;
        self.edge.push(leaf, |level, index, hash| {
            let (tile, within) = (index / TILE_HASHES, (index % TILE_HASHES) as usize * 32);
            let stored = page.tiles.get(&(level, tile)).and_then(|t| t.get(within..within + 32));
            if stored != Some(&hash[..]) && fault.is_none() {
                let first = index << (8 * u32::from(level));
                let place =
                    if level == 0 { Place::Entry(at) } else { Place::Between(first, at + 1) };
                fault = Some(Fault::Tile(place));
            }
        });
        self.edge.drop_full();
        fault.map_or(Ok(()), Err)
    }

    fn meet_checkpoints(&mut self, page: &Page, unsigned: &[u64]) -> Result<(), Fault> {
        let size = self.edge.size();
        if let Some(stored) = page.checkpoints.get(&size) {
            let place = Place::Between(self.covered, size);
            if stored.root != self.edge.root() {
                return Err(Fault::Checkpoint(place, size));
            }
            if unsigned.contains(&size) {
                return Err(Fault::Signature(place, size));
            }
            self.covered = size;
            self.checkpoints += 1;
        }
        match &self.held {
            Some(held) if held.size == size && held.root != self.edge.root() => {
                Err(Fault::Held(Place::Between(0, size), size))
            }
            _ => Ok(()),
        }
    }

    /// Goes over entries that have no position yet.
    pub fn tail(
        &mut self,
        rows: &[LogRow],
        checked: &[Result<Digest, Fault>],
    ) -> Result<(), Fault> {
        for (row, checked) in rows.iter().zip(checked) {
            if row.id <= self.last_id {
                return Err(Fault::PassedOver(Place::Unsequenced(row.id)));
            }
            (*checked)?;
            self.erased += u64::from(row.data.is_none());
            self.tail += 1;
        }
        Ok(())
    }

    /// The end: `tile_hashes` is how many hashes all tiles hold, `stray` a checkpoint that the
    /// walk did not meet.
    pub fn finish(
        self,
        tile_hashes: u64,
        stray: Option<Stray>,
        firm: PublicKey,
    ) -> Result<Report, Fault> {
        let size = self.edge.size();
        if size < self.sequenced {
            return Err(Fault::Gap(Place::Entry(size)));
        }
        if let Some(held) = self.held.as_ref().filter(|held| held.size > size) {
            return Err(Fault::HeldCutOff(Place::Between(size, held.size), held.size));
        }
        match stray {
            Some(Stray::Beyond(beyond)) => {
                return Err(Fault::CutOff(Place::Between(size, beyond), beyond));
            }
            Some(Stray::Misfiled(size)) => return Err(Fault::Misfiled(size)),
            None => {}
        }
        if self.covered < size {
            return Err(Fault::Uncovered(Place::Between(self.covered, size)));
        }
        let expected: u64 = (0..8).map(|level| size >> (8 * level)).sum();
        if tile_hashes != expected {
            return Err(Fault::Tile(Place::Between(0, size)));
        }
        Ok(Report {
            entries: size + self.tail,
            unsequenced: self.tail,
            erased: self.erased,
            checkpoints: self.checkpoints,
            root: self.edge.root(),
            firm,
            covers_checkpoint: self.held.map(|_| true),
            cosigned: Vec::new(),
        })
    }
}
