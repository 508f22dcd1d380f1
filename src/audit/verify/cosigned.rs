//! How far a witness vouches for a log that was walked from end to end.
//!
//! Invariant: only a checkpoint that the walk met counts. The walk meets every one that is filed
//! and refuses a log with any other, so what is read here, in the walk's own transaction, is one
//! of this very log, under its own size.

use crate::clock::Timestamp;
use crate::envelope::statement::{Entry, Statement};
use crate::merkle::{Checkpoint, CosignerKey, SignedNote};
use crate::store::{self, LogRow, Tx};

use super::PAGE;

/// The newest checkpoint of the log that a witness cosigned, and what it does not cover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigned {
    /// Entries that it covers.
    pub size: u64,
    /// When it was cosigned.
    pub at: Timestamp,
    /// Entries that it does not cover.
    pub behind: u64,
    /// The earliest time of one of these.
    pub since: Option<Timestamp>,
}

/// What `witness` cosigned last, of the checkpoints that were walked over and the one that is
/// `held`. `None` where it cosigned none of them.
pub(super) async fn newest(
    tx: &mut Tx,
    witness: &CosignerKey,
    held: Option<&SignedNote>,
) -> Result<Option<Cosigned>, store::Error> {
    let filed = crate::audit::cosigned(tx, witness.name()).await?.map(|(_, note)| note);
    let newest = [filed.as_ref(), held].into_iter().flatten().filter_map(|note| {
        let seconds = i64::try_from(note.cosigned_by(witness)?).ok()?;
        let size = Checkpoint::from_text(note.text()).ok()?.size;
        Some((size, Timestamp::EPOCH.plus_secs(seconds)))
    });
    let Some((size, at)) = newest.max() else { return Ok(None) };
    let mut after = After::default();
    let mut first = size;
    loop {
        let rows = tx.log_from(first, PAGE as i64).await?;
        let Some(last) = rows.last().and_then(|row| row.position) else { break };
        first = last + 1;
        after.count(&rows);
    }
    let mut id = 0;
    loop {
        let rows = tx.log_tail(id, PAGE as i64).await?;
        let Some(last) = rows.last() else { break };
        id = last.id;
        after.count(&rows);
    }
    Ok(Some(Cosigned { size, at, behind: after.entries, since: after.earliest }))
}

/// Entries behind a checkpoint.
#[derive(Default)]
struct After {
    entries: u64,
    earliest: Option<Timestamp>,
}

impl After {
    fn count(&mut self, rows: &[LogRow]) {
        self.entries += rows.len() as u64;
        let times = rows.iter().filter_map(|row| Some(Entry::from_text(&row.text).ok()?.time));
        self.earliest = self.earliest.into_iter().chain(times).min();
    }
}
