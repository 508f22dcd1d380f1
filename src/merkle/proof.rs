//! Inclusion and consistency: which hashes prove it, and whether given ones do.
//!
//! A proof is first a list of ranges of leaves, each the union of complete subtrees; whoever
//! keeps the tree looks those up (see `tile`) and `resolve` makes the hashes.

use super::{Digest, empty_root, node_hash};

/// A complete subtree: leaves `index · 2^level` up to `(index + 1) · 2^level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Node {
    /// Its height; 0 is a leaf.
    pub level: u8,
    /// Which one of its height, from the left.
    pub index: u64,
}

/// Leaves `first .. end`, whose hash a proof holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first leaf; a multiple of every complete subtree's size in the range.
    pub first: u64,
    /// One past the last leaf.
    pub end: u64,
}

impl Range {
    /// The complete subtrees it consists of, from the left.
    pub fn nodes(self) -> Vec<Node> {
        let mut nodes = Vec::new();
        let mut at = self.first;
        while at < self.end {
            let level = (self.end - at).ilog2().min(at.trailing_zeros());
            // At most 63: a shift that fits.
            nodes.push(Node { level: u8::try_from(level).unwrap_or(63), index: at >> level });
            at += 1 << level;
        }
        nodes
    }

    /// MTH of its leaves (RFC 6962, section 2.1), from the hashes of its subtrees.
    pub fn hash(self, hash: impl FnMut(Node) -> Option<Digest>) -> Option<Digest> {
        let hashes: Vec<Digest> = self.nodes().into_iter().map(hash).collect::<Option<_>>()?;
        let mut hashes = hashes.iter().rev();
        let Some(last) = hashes.next() else { return Some(empty_root()) };
        Some(hashes.fold(*last, |right, left| node_hash(left, &right)))
    }
}

/// The largest power of two below `leaves`, which must be at least 2.
fn split(leaves: u64) -> u64 {
    1 << (leaves - 1).ilog2()
}

/// The audit path of leaf `index` in a tree of `size` leaves, from the leaf up (RFC 6962,
/// section 2.1.1). `None` where there is no such leaf.
pub fn inclusion_ranges(index: u64, size: u64) -> Option<Vec<Range>> {
    if index >= size {
        return None;
    }
    let (mut first, mut end) = (0, size);
    let mut ranges = Vec::new();
    while end - first > 1 {
        let middle = first + split(end - first);
        if index < middle {
            ranges.push(Range { first: middle, end });
            end = middle;
        } else {
            ranges.push(Range { first, end: middle });
            first = middle;
        }
    }
    ranges.reverse();
    Some(ranges)
}

/// What proves that a tree of `old` leaves is the beginning of one of `new` leaves (RFC 6962,
/// section 2.1.2). `None` where `old` is larger; empty where either is trivial.
pub fn consistency_ranges(old: u64, new: u64) -> Option<Vec<Range>> {
    if old > new {
        return None;
    }
    let mut ranges = Vec::new();
    if old == 0 || old == new {
        return Some(ranges);
    }
    let (mut first, mut end) = (0, new);
    while end != old {
        let middle = first + split(end - first);
        if old <= middle {
            ranges.push(Range { first: middle, end });
            end = middle;
        } else {
            ranges.push(Range { first, end: middle });
            first = middle;
        }
    }
    if first != 0 {
        ranges.push(Range { first, end });
    }
    ranges.reverse();
    Some(ranges)
}

/// The hashes of `ranges`. `None` where `hash` does not know a subtree.
pub fn resolve(
    ranges: &[Range],
    mut hash: impl FnMut(Node) -> Option<Digest>,
) -> Option<Vec<Digest>> {
    ranges.iter().map(|range| range.hash(&mut hash)).collect()
}

/// Whether `proof` shows `leaf` at `index` of the tree with `size` leaves and `root` (RFC 9162,
/// section 2.1.3.2).
pub fn verify_inclusion(
    leaf: &Digest,
    index: u64,
    size: u64,
    proof: &[Digest],
    root: &Digest,
) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(sibling, &hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Whether `proof` shows that the tree with `old` leaves and `old_root` is the beginning of the
/// one with `new` leaves and `new_root` (RFC 9162, section 2.1.4.2). The empty tree is the
/// beginning of every tree.
pub fn verify_consistency(
    old: u64,
    old_root: &Digest,
    new: u64,
    new_root: &Digest,
    proof: &[Digest],
) -> bool {
    if old > new {
        return false;
    }
    if old == 0 {
        return proof.is_empty() && *old_root == empty_root();
    }
    if old == new {
        return proof.is_empty() && old_root == new_root;
    }
    let (mut at, mut last) = (old - 1, new - 1);
    while at & 1 == 1 {
        at >>= 1;
        last >>= 1;
    }
    let mut path = proof.iter();
    let begin = if old.is_power_of_two() { Some(old_root) } else { path.next() };
    let Some(begin) = begin else { return false };
    let (mut old_hash, mut new_hash) = (*begin, *begin);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && old_hash == *old_root && new_hash == *new_root
}
