//! Merkle trees over a log (RFC 6962, section 2.1; RFC 9162, section 2.1), in the forms of
//! C2SP: tiles (tlog-tiles), checkpoints (tlog-checkpoint) as signed notes, and proofs
//! (tlog-proof).
//!
//! Pure: bytes in, bytes out; knows no database, no clock and no private key. Refuses proofs
//! that are longer or shorter than their tree demands, and texts that are not in the one form
//! in which they are written.

mod checkpoint;
mod cosign;
mod edge;
mod note;
mod proof;
mod tile;
mod tree;

use sha2::{Digest as _, Sha256};

pub use checkpoint::{Checkpoint, LoggedProof};
pub use cosign::{AddCheckpoint, COSIGNED_SECONDS, CosignerKey};
pub use edge::Edge;
pub use note::{SignedNote, VerifierKey};
pub use proof::{
    Node, Range, consistency_ranges, inclusion_ranges, resolve, verify_consistency,
    verify_inclusion,
};
pub use tile::{TILE_HASHES, Tile, TileSet, bundle_entry};
pub use tree::Frontier;

/// A SHA-256 hash of a leaf or of a node.
pub type Digest = [u8; 32];

/// Why a text or a path is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not in the form in which it is written.
    #[error("this is not well-formed")]
    Malformed,
}

/// H(0x00 ‖ entry) (RFC 6962, section 2.1).
pub fn leaf_hash(entry: &[u8]) -> Digest {
    let mut hash = Sha256::new();
    hash.update([0]);
    hash.update(entry);
    hash.finalize().into()
}

/// H(0x01 ‖ left ‖ right) (RFC 6962, section 2.1).
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let mut hash = Sha256::new();
    hash.update([1]);
    hash.update(left);
    hash.update(right);
    hash.finalize().into()
}

/// The root of the empty tree: H() (RFC 6962, section 2.1).
pub fn empty_root() -> Digest {
    Sha256::digest([]).into()
}

#[cfg(test)]
mod tests;
