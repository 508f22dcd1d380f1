//! Proofs from the stored tiles: that an entry is in the tree, and that a tree grew out of an
//! earlier one.

use crate::envelope::statement::Hash;
use crate::merkle::{
    Checkpoint, Digest, LoggedProof, Range, SignedNote, TileSet, consistency_ranges,
    inclusion_ranges, resolve,
};
use crate::store::{Error, StoredCheckpoint, Tx};

/// The log's newest checkpoint, with what witnesses have cosigned of it. `None` before the
/// first entry was sequenced.
pub async fn head(tx: &mut Tx) -> Result<Option<(Checkpoint, SignedNote)>, Error> {
    let Some(stored) = tx.newest_checkpoint().await? else { return Ok(None) };
    let lines = tx.cosignatures(stored.size).await?;
    read(&stored, &lines).map(Some)
}

/// The newest checkpoint that the witness called so cosigned.
pub async fn cosigned(
    tx: &mut Tx,
    witness: &str,
) -> Result<Option<(Checkpoint, SignedNote)>, Error> {
    let Some((stored, _)) = tx.newest_cosigned(witness).await? else { return Ok(None) };
    let lines = tx.cosignatures(stored.size).await?;
    read(&stored, &lines).map(Some)
}

fn read(stored: &StoredCheckpoint, lines: &str) -> Result<(Checkpoint, SignedNote), Error> {
    let corrupt = || Error::Corrupt("checkpoints.note");
    let note = SignedNote::parse(&stored.note).map_err(|_| corrupt())?;
    let checkpoint = Checkpoint::from_text(note.text()).map_err(|_| corrupt())?;
    let note = note.with_lines(lines).map_err(|_| Error::Corrupt("cosignatures.line"))?;
    Ok((checkpoint, note))
}

/// The proof that the entry with this leaf is in the tree of `head`, the newest checkpoint or an
/// earlier one. `None` while it is not; [`Error::NotFound`] for a leaf that no entry has.
pub async fn inclusion(
    tx: &mut Tx,
    leaf: &Hash,
    head: Option<(Checkpoint, SignedNote)>,
) -> Result<Option<LoggedProof>, Error> {
    let position = tx.position_of(leaf).await?.ok_or(Error::NotFound)?;
    let (Some(index), Some((head, checkpoint))) = (position, head) else {
        return Ok(None);
    };
    let Some(ranges) = inclusion_ranges(index, head.size) else { return Ok(None) };
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
