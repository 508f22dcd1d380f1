//! The database: all SQL lives below this folder. Repositories are methods of [`Tx`], a file
//! per noun; they take and return ids and plain records and never a pool.
//!
//! Invariant: a change and its audit entry are committed in one transaction, durably
//! (`synchronous=FULL`), before anybody is told of it.

mod engine;
mod entries;

pub use engine::{Error, Store, Tx};
pub use entries::StoredEntry;
