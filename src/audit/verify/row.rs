//! One entry by itself: canonical text, leaf, client, side data.

use std::thread;

use crate::envelope::statement::{Entry, Statement};
use crate::merkle::{Digest, leaf_hash};
use crate::store::LogRow;

use super::fault::{Fault, Place};

/// Checks what an entry says of itself; returns its leaf.
pub fn check(row: &LogRow) -> Result<Digest, Fault> {
    let place = place(row);
    let entry = Entry::from_text(&row.text).map_err(|_| Fault::Text(place))?;
    let leaf = leaf_hash(row.text.as_bytes());
    if row.leaf != leaf {
        return Err(Fault::Leaf(place));
    }
    let client = entry.client.map(|client| client.to_string()).unwrap_or_default();
    if row.client != client {
        return Err(Fault::Client(place));
    }
    if let Some((salt, data)) = &row.data {
        let salt: &[u8; 32] = salt.as_slice().try_into().map_err(|_| Fault::Data(place))?;
        if Entry::mac(salt, data) != entry.data {
            return Err(Fault::Data(place));
        }
    }
    Ok(leaf)
}

/// Where an entry is.
pub(super) fn place(row: &LogRow) -> Place {
    row.position.map_or(Place::Unsequenced(row.id), Place::Entry)
}

/// [`check`] of each, on all cores. Blocks.
pub(super) fn check_all(rows: &[LogRow]) -> Vec<Result<Digest, Fault>> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let share = rows.len().div_ceil(cores).max(256);
    thread::scope(|scope| {
        let parts: Vec<_> = rows
            .chunks(share)
            .map(|part| scope.spawn(|| part.iter().map(check).collect::<Vec<_>>()))
            .collect();
        parts
            .into_iter()
            .flat_map(|part| part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}
