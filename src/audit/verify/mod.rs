//! Checking the whole log off line: every entry's text, leaf and side data, every tile, every
//! checkpoint and its signature, and what somebody held back.
//!
//! Reads in one transaction, so a gateway may go on writing meanwhile. Refuses to guess: the
//! first fault ends the walk and is told with its place. What cannot be known from the log
//! alone, whether its end was cut off, is left open unless an older checkpoint is given.

mod cosigned;
mod fault;
mod row;
mod walk;

use std::collections::BTreeMap;

use crate::envelope::statement::{PublicKey, Role, RootKnown};
use crate::merkle::{Checkpoint, CosignerKey, SignedNote, VerifierKey};
use crate::store::{self, LogRow, Store, StoredCheckpoint, Tx};
use crate::trust::Directory;

use super::log_verifier;

pub use cosigned::Cosigned;
pub use fault::{Fault, Place};
pub use row::check as check_row;
pub use walk::{Page, Stray, Walk, check_signatures};

/// Entries of one page.
pub const PAGE: u64 = 8192;

/// Checkpoints that are read at once.
const CHECKPOINTS: i64 = 4096;

/// What was found where nothing is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Every entry there is.
    pub entries: u64,
    /// Of these, entries that no checkpoint covers yet.
    pub unsequenced: u64,
    /// Entries whose side data has been erased.
    pub erased: u64,
    /// Checkpoints.
    pub checkpoints: u64,
    /// The root over the sequenced entries.
    pub root: [u8; 32],
    /// The firm's root key, which vouches for the log's key.
    pub firm: PublicKey,
    /// Whether the held checkpoint is one of this log's; `None` where none was given.
    pub covers_checkpoint: Option<bool>,
    /// How far each witness that was asked about vouches for this log; `None` for one that
    /// cosigned none of its checkpoints.
    pub cosigned: Vec<Option<Cosigned>>,
}

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The first thing that is wrong.
    #[error("{0}")]
    Fault(#[from] Fault),
    /// The database cannot be read.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A check did not come to its end.
    #[error("a check did not come to its end")]
    Interrupted,
}

/// Walks the whole log of `store`. `held` is a checkpoint that somebody kept; `root` the firm's
/// root key, where it is known from elsewhere; `witnesses` those whose cosignatures are looked for.
pub async fn run(
    store: &Store,
    held: Option<&SignedNote>,
    root: Option<RootKnown>,
    witnesses: &[CosignerKey],
) -> Result<Report, Error> {
    let mut tx = store.read().await?;
    let firm = tx.firm().await?.root;
    if root.is_some_and(|root| !root.is(firm)) {
        return Err(Fault::ForeignRoot.into());
    }
    let statements = tx.directory_statements(None).await?;
    let directory = Directory::verify(firm, &statements).map_err(Fault::Statements)?;
    let keys: Vec<VerifierKey> = directory
        .cards()
        .filter(|card| card.role == Role::GatewayLog)
        .map(|card| log_verifier(&card.sign))
        .collect();
    let kept = held.map(|note| held_checkpoint(note, &keys)).transpose()?;
    let sequenced = tx.sequenced().await?;
    let mut walk = Walk::new(sequenced, kept);
    let mut ahead = Ahead::new(keys);
    let mut at = 0;
    let mut next = page(&mut tx, at, sequenced, &mut ahead).await?;
    while let Some(current) = next.take() {
        at = current.rows.last().and_then(|row| row.position).map_or(sequenced, |p| p + 1);
        let checking = tokio::task::spawn_blocking(move || {
            let checked = row::check_all(&current.rows);
            let signatures = check_signatures(&current);
            (current, checked, signatures)
        });
        next = page(&mut tx, at, sequenced, &mut ahead).await?;
        let (current, checked, signatures) = checking.await.map_err(|_| Error::Interrupted)?;
        walk.page(&current, &checked, &signatures)?;
    }
    let mut tail = 0;
    loop {
        let rows = tx.log_tail(tail, PAGE as i64).await?;
        let Some(last) = rows.last() else { break };
        tail = last.id;
        let checked = row::check_all(&rows);
        walk.tail(&rows, &checked)?;
    }
    let stray = ahead.stray(&mut tx).await?;
    let mut report = walk.finish(tx.count_tile_hashes().await?, stray, firm)?;
    for witness in witnesses {
        report.cosigned.push(cosigned::newest(&mut tx, witness, held).await?);
    }
    Ok(report)
}

/// A held checkpoint counts when a key signed it that the firm's root vouches for.
fn held_checkpoint(note: &SignedNote, keys: &[VerifierKey]) -> Result<Checkpoint, Fault> {
    let held = Checkpoint::from_text(note.text()).map_err(|_| Fault::HeldUnsigned)?;
    // One over nothing is met nowhere; no log of ours signs it.
    let signed = held.size > 0 && signed_by_origin(note, &held, keys);
    if signed { Ok(held) } else { Err(Fault::HeldUnsigned) }
}

/// Whether the key that a checkpoint is named after signed it.
pub(super) fn signed_by_origin(
    note: &SignedNote,
    checkpoint: &Checkpoint,
    keys: &[VerifierKey],
) -> bool {
    keys.iter().any(|key| key.name() == checkpoint.origin && note.signed_by(key))
}

/// Checkpoints that were read ahead of the entries they cover.
struct Ahead {
    keys: Vec<VerifierKey>,
    waiting: BTreeMap<u64, StoredCheckpoint>,
    read_up_to: u64,
    all_read: bool,
}

impl Ahead {
    fn new(keys: Vec<VerifierKey>) -> Self {
        Self { keys, waiting: BTreeMap::new(), read_up_to: 0, all_read: false }
    }

    /// The checkpoints of up to `size` entries that were not taken yet.
    async fn up_to(
        &mut self,
        tx: &mut Tx,
        size: u64,
    ) -> Result<BTreeMap<u64, StoredCheckpoint>, store::Error> {
        while !self.all_read && self.read_up_to < size {
            let more = tx.checkpoints_above(self.read_up_to, CHECKPOINTS).await?;
            self.all_read = (more.len() as i64) < CHECKPOINTS;
            self.read_up_to = more.last().map_or(u64::MAX, |last| last.size);
            self.waiting.extend(more.into_iter().map(|c| (c.size, c)));
        }
        let later = self.waiting.split_off(&(size + 1));
        Ok(std::mem::replace(&mut self.waiting, later))
    }

    /// The first checkpoint that the walk over all entries did not meet.
    async fn stray(mut self, tx: &mut Tx) -> Result<Option<Stray>, store::Error> {
        if let Some(size) = tx.impossible_checkpoint().await? {
            return Ok(Some(Stray::Misfiled(size)));
        }
        if self.waiting.is_empty() && !self.all_read {
            let more = tx.checkpoints_above(self.read_up_to, 1).await?;
            self.waiting.extend(more.into_iter().map(|c| (c.size, c)));
        }
        Ok(self.waiting.into_values().next().map(|beyond| {
            let note = SignedNote::parse(&beyond.note).ok();
            let said = note.and_then(|note| Checkpoint::from_text(note.text()).ok());
            if said.is_some_and(|said| said.size == beyond.size) {
                Stray::Beyond(beyond.size)
            } else {
                Stray::Misfiled(i64::try_from(beyond.size).unwrap_or(i64::MAX))
            }
        }))
    }
}

/// The entries from position `first` on with the tiles and checkpoints they must agree with.
async fn page(
    tx: &mut Tx,
    first: u64,
    sequenced: u64,
    ahead: &mut Ahead,
) -> Result<Option<Page>, store::Error> {
    if first >= sequenced {
        return Ok(None);
    }
    let rows: Vec<LogRow> = tx.log_from(first, PAGE as i64).await?;
    let Some(last) = rows.last().and_then(|row| row.position) else { return Ok(None) };
    let mut tiles = BTreeMap::new();
    for level in 0..8_u8 {
        // A tile of the highest level would hold all of 2^64 entries: there is one at most.
        let tile = |entry: u64| entry.checked_shr(8 * (u32::from(level) + 1)).unwrap_or(0);
        let (from, to) = (tile(first), tile(last));
        // One before: what a page completes may stand at the end of the tile before.
        for (level, index, hashes) in tx.tiles(level, from.saturating_sub(1), to).await? {
            tiles.insert((level, index), hashes);
        }
    }
    let checkpoints = ahead.up_to(tx, last + 1).await?;
    Ok(Some(Page { rows, tiles, checkpoints, keys: ahead.keys.clone() }))
}

#[cfg(test)]
mod tests;
