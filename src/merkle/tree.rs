//! The right edge of a growing tree: enough to add leaves and to tell the root, in O(log n)
//! space.

use super::proof::Node;
use super::{Digest, empty_root, node_hash};

/// The complete subtrees that a tree consists of, from the left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// Largest first; their sizes are the bits of `size`.
    subtrees: Vec<Digest>,
}

impl Frontier {
    /// The edge of a tree of `size` leaves, whose complete subtrees `hash` knows. `None` where
    /// it does not know one.
    pub fn of(size: u64, mut hash: impl FnMut(Node) -> Option<Digest>) -> Option<Self> {
        let nodes = super::Range { first: 0, end: size }.nodes();
        let subtrees = nodes.into_iter().map(&mut hash).collect::<Option<_>>()?;
        Some(Self { size, subtrees })
    }

    /// Leaves so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf; tells `completed` of every subtree of two leaves and more that it completes,
    /// smallest first.
    pub fn push(&mut self, leaf: Digest, mut completed: impl FnMut(Node, &Digest)) {
        let mut hash = leaf;
        let (mut left, mut level) = (self.size, 0);
        while left & 1 == 1 {
            // As many subtrees as bits of `size`, so there is one.
            let Some(before) = self.subtrees.pop() else { break };
            hash = node_hash(&before, &hash);
            left >>= 1;
            level += 1;
            completed(Node { level, index: left }, &hash);
        }
        self.subtrees.push(hash);
        self.size += 1;
    }

    /// The root of the tree so far.
    pub fn root(&self) -> Digest {
        let mut subtrees = self.subtrees.iter().rev();
        let Some(last) = subtrees.next() else { return empty_root() };
        subtrees.fold(*last, |right, left| node_hash(left, &right))
    }
}
