//! The right edge of a tree that is kept in tiles: what a log loads before it adds leaves, and
//! the tiles it writes afterwards. O(log n) for each.

use super::Digest;
use super::proof::Node;
use super::tile::{TILE_HASHES, Tile, TileSet};
use super::tree::Frontier;

/// Levels of tiles that a tree can have.
const LEVELS: u8 = 8;

/// A tree's right edge with the tiles that are not full.
#[derive(Clone, Debug)]
pub struct Edge {
    frontier: Frontier,
    /// The tile under work of each level: its index and its hashes so far.
    rows: Vec<(u64, Vec<Digest>)>,
    /// Tiles that became full since they were last taken.
    full: Vec<(u8, u64, Vec<Digest>)>,
}

impl Default for Edge {
    fn default() -> Self {
        Self {
            frontier: Frontier::default(),
            rows: vec![(0, Vec::new()); usize::from(LEVELS)],
            full: Vec::new(),
        }
    }
}

impl Edge {
    /// Level and index of the tiles to look up for the edge of a tree of `size` leaves.
    pub fn places(size: u64) -> Vec<(u8, u64)> {
        (0..LEVELS)
            .filter_map(|level| {
                let index = (size >> (u32::from(level) * 8)) / TILE_HASHES;
                Tile::in_tree(level, index, size).map(|tile| (tile.level, tile.index))
            })
            .collect()
    }

    /// The edge of a tree of `size` leaves, from the tiles at [`Edge::places`]. `None` where one
    /// of them is missing or has another width.
    pub fn load(size: u64, tiles: &TileSet) -> Option<Self> {
        let frontier = Frontier::of(size, |node| tiles.hash(node))?;
        let mut rows = Vec::new();
        for level in 0..LEVELS {
            let hashes = size >> (u32::from(level) * 8);
            let (index, width) = (hashes / TILE_HASHES, hashes % TILE_HASHES);
            let row = tiles.row(level, index).unwrap_or_default();
            if row.len() as u64 != width {
                return None;
            }
            rows.push((index, row.to_vec()));
        }
        Some(Self { frontier, rows, full: Vec::new() })
    }

    /// Leaves so far.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root of the tree so far.
    pub fn root(&self) -> Digest {
        self.frontier.root()
    }

    /// Adds a leaf; tells `placed` of every hash that comes to stand in a tile: level, index
    /// among the hashes of that level, hash.
    pub fn push(&mut self, leaf: Digest, mut placed: impl FnMut(u8, u64, &Digest)) {
        let Self { frontier, rows, full } = self;
        let mut put = |level: u8, index: u64, hash: &Digest| {
            placed(level, index, hash);
            let Some((tile, row)) = rows.get_mut(usize::from(level)) else { return };
            row.push(*hash);
            if row.len() as u64 == TILE_HASHES {
                full.push((level, *tile, std::mem::take(row)));
                *tile += 1;
            }
        };
        put(0, frontier.size(), &leaf);
        frontier.push(leaf, |Node { level, index }, hash| {
            if level.is_multiple_of(8) {
                put(level / 8, index, hash);
            }
        });
    }

    /// Tiles that became full since the last call, and those under work now: level, index,
    /// hashes.
    pub fn take_tiles(&mut self) -> Vec<(u8, u64, Vec<Digest>)> {
        let mut tiles = std::mem::take(&mut self.full);
        for (level, (index, row)) in (0..LEVELS).zip(&self.rows) {
            if !row.is_empty() {
                tiles.push((level, *index, row.clone()));
            }
        }
        tiles
    }

    /// Forgets tiles that became full, for whoever keeps none.
    pub fn drop_full(&mut self) {
        self.full.clear();
    }
}
