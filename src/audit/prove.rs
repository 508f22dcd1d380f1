//! Proofs from the stored tiles: that an entry is in the tree, and that a tree grew out of an
//! earlier one.

use crate::envelope::statement::Hash;
use crate::merkle::{
    Checkpoint, Digest, LoggedProof, Range, SignedNote, TileSet, consistency_ranges,
    inclusion_ranges, resolve,
};
use crate::store::{Error, Tx};

/// The log's newest checkpoint. `None` before the first entry was sequenced.
pub async fn head(tx: &mut Tx) -> Result<Option<(Checkpoint, SignedNote)>, Error> {
    let Some(stored) = tx.newest_checkpoint().await? else { return Ok(None) };
    let corrupt = Error::Corrupt("checkpoints.note");
    let Ok(note) = SignedNote::parse(&stored.note) else { return Err(corrupt) };
    let Ok(checkpoint) = Checkpoint::from_text(note.text()) else { return Err(corrupt) };
    Ok(Some((checkpoint, note)))
}

/// The proof that the entry with this leaf is in the tree of the newest checkpoint. `None`
/// while it is not; [`Error::NotFound`] for a leaf that no entry has.
pub async fn inclusion(tx: &mut Tx, leaf: &Hash) -> Result<Option<LoggedProof>, Error> {
    let position = tx.position_of(leaf).await?.ok_or(Error::NotFound)?;
    let (Some(index), Some((head, checkpoint))) = (position, head(tx).await?) else {
        return Ok(None);
    };
    let ranges = inclusion_ranges(index, head.size)
        .ok_or(Error::Corrupt("an entry stands beyond the newest checkpoint"))?;
    let hashes = hashes(tx, &ranges).await?;
    Ok(Some(LoggedProof { index, hashes, checkpoint }))
}

/// The proof that a tree of `old` entries is the beginning of one of `new`, both at most as
/// large as the newest checkpoint's. `None` where `old` is larger than `new`.
pub async fn consistency(tx: &mut Tx, old: u64, new: u64) -> Result<Option<Vec<Digest>>, Error> {
    let Some(ranges) = consistency_ranges(old, new) else { return Ok(None) };
    Ok(Some(hashes(tx, &ranges).await?))
}

async fn hashes(tx: &mut Tx, ranges: &[Range]) -> Result<Vec<Digest>, Error> {
    let mut tiles = TileSet::default();
    for (level, index) in TileSet::needed(ranges) {
        for (level, index, hashes) in tx.tiles(level, index, index).await? {
            tiles.insert(level, index, &hashes);
        }
    }
    resolve(ranges, |node| tiles.hash(node)).ok_or(Error::Corrupt("a tile is missing"))
}
