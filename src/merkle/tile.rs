//! Tiles: the tree cut into rows of 256 hashes (C2SP tlog-tiles), their paths, and bundles of
//! entries.

use std::collections::BTreeMap;
use std::fmt;

use super::proof::{Node, Range};
use super::{Digest, Error, node_hash};

/// Hashes of a full tile.
pub const TILE_HASHES: u64 = 256;

/// Tree levels between the rows of two tiles.
const HEIGHT: u8 = 8;

/// The highest level of a tile that a tree of 2^63 leaves has.
const MAX_LEVEL: u8 = 7;

/// Which tile, and how many of its hashes: 256 for a full one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tile {
    /// Its level; the hashes of level 0 are leaves.
    pub level: u8,
    /// Which one of its level, from the left.
    pub index: u64,
    /// 1 to 256.
    pub width: u16,
}

impl Tile {
    /// The tile of a tree with `size` leaves that is at `level` and `index`. `None` where the
    /// tree has none there.
    pub fn in_tree(level: u8, index: u64, size: u64) -> Option<Self> {
        if level > MAX_LEVEL {
            return None;
        }
        let hashes = size >> (u32::from(level) * u32::from(HEIGHT));
        let width = hashes.checked_sub(index.checked_mul(TILE_HASHES)?)?.min(TILE_HASHES);
        let width = u16::try_from(width).ok()?;
        (width > 0).then_some(Self { level, index, width })
    }

    /// Level and index of the tile from which `node` is made.
    pub fn holding(node: Node) -> (u8, u64) {
        let within = node.level % HEIGHT;
        (node.level / HEIGHT, (node.index << within) / TILE_HASHES)
    }

    /// Reads what follows `tile/` in the path of a tile, `L/N` or `L/N.p/W`.
    pub fn parse(path: &str) -> Result<Self, Error> {
        let (level, rest) = path.split_once('/').ok_or(Error::Malformed)?;
        let level: u8 = canonical(level)?;
        if level > 63 {
            return Err(Error::Malformed);
        }
        let (index, width) = parse_index(rest)?;
        Ok(Self { level, index, width })
    }

    /// Reads what follows `tile/entries/` in the path of a bundle; its level is 0.
    pub fn parse_bundle(path: &str) -> Result<Self, Error> {
        let (index, width) = parse_index(path)?;
        Ok(Self { level: 0, index, width })
    }

    /// `N` or `N.p/W`.
    pub fn index_path(&self) -> String {
        let mut rest = self.index / 1000;
        let mut path = format!("{:03}", self.index % 1000);
        while rest > 0 {
            path = format!("x{:03}/{path}", rest % 1000);
            rest /= 1000;
        }
        if u64::from(self.width) < TILE_HASHES {
            path.push_str(&format!(".p/{}", self.width));
        }
        path
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.level, self.index_path())
    }
}

/// A decimal number in its one form.
fn canonical<T: std::str::FromStr + ToString>(text: &str) -> Result<T, Error> {
    let number: T = text.parse().map_err(|_| Error::Malformed)?;
    if number.to_string() == text { Ok(number) } else { Err(Error::Malformed) }
}

fn parse_index(whole: &str) -> Result<(u64, u16), Error> {
    let (path, width) = match whole.split_once(".p/") {
        Some((path, width)) => (path, canonical::<u16>(width)?),
        None => (whole, 256),
    };
    let mut index: u64 = 0;
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        let digits = match parts.peek() {
            Some(_) => part.strip_prefix('x').ok_or(Error::Malformed)?,
            None => part,
        };
        if digits.len() != 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Error::Malformed);
        }
        let digits: u64 = digits.parse().map_err(|_| Error::Malformed)?;
        index = index
            .checked_mul(1000)
            .and_then(|index| index.checked_add(digits))
            .ok_or(Error::Malformed)?;
    }
    let tile = Tile { level: 0, index, width };
    // Leading zeroes, or a width that is none, would make a second path of the same tile.
    if width > 0 && tile.index_path() == whole { Ok((index, width)) } else { Err(Error::Malformed) }
}

/// Tiles that were looked up, by level and index.
#[derive(Clone, Debug, Default)]
pub struct TileSet {
    tiles: BTreeMap<(u8, u64), Vec<Digest>>,
}

impl TileSet {
    /// Adds a tile's hashes, 32 bytes each. `false` where they are not whole hashes, or more
    /// than a tile holds.
    pub fn insert(&mut self, level: u8, index: u64, hashes: &[u8]) -> bool {
        let (hashes, rest) = hashes.as_chunks::<32>();
        if !rest.is_empty() || hashes.len() as u64 > TILE_HASHES {
            return false;
        }
        self.tiles.insert((level, index), hashes.to_vec());
        true
    }

    /// The hashes of a tile that is here.
    pub fn row(&self, level: u8, index: u64) -> Option<&[Digest]> {
        self.tiles.get(&(level, index)).map(Vec::as_slice)
    }

    /// Level and index of the tiles that are needed for `ranges`.
    pub fn needed(ranges: &[Range]) -> Vec<(u8, u64)> {
        let mut tiles: Vec<_> =
            ranges.iter().flat_map(|range| range.nodes()).map(Tile::holding).collect();
        tiles.sort_unstable();
        tiles.dedup();
        tiles
    }

    /// The hash of a complete subtree, if the tile that it is made from is here.
    pub fn hash(&self, node: Node) -> Option<Digest> {
        let place = Tile::holding(node);
        let row = self.tiles.get(&place)?;
        let within = node.level % HEIGHT;
        let first = usize::try_from((node.index << within) % TILE_HASHES).ok()?;
        let mut hashes = row.get(first..first + (1 << within))?.to_vec();
        while hashes.len() > 1 {
            hashes = hashes.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
        }
        hashes.first().copied()
    }
}

/// Adds one entry to a bundle: its length as a big-endian uint16, then its bytes. `false` where
/// it is longer than that says.
pub fn bundle_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> bool {
    let Ok(length) = u16::try_from(entry.len()) else { return false };
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    true
}
