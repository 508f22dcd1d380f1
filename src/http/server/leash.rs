//! An answer that is ended from elsewhere: what is being read may be withdrawn while its reader
//! takes none of it, and then nobody asks the body for more.
//!
//! Invariant: once a leash has ended, its answer breaks off, and where the reader does not even
//! notice that, so does the connection, with what waits unsent thrown away.

use std::sync::{Arc, OnceLock};

use tokio::time::Instant;

/// Put into an answer's extensions; its holder may end the answer.
#[derive(Clone, Debug, Default)]
pub struct Leash(Arc<OnceLock<Instant>>);

impl Leash {
    /// Ends the answer; again changes nothing.
    pub fn end(&self) {
        self.0.get_or_init(Instant::now);
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.0.get().is_some()
    }

    /// When it ended.
    pub(super) fn ended_at(&self) -> Option<Instant> {
        self.0.get().copied()
    }

    /// Whether both are of one answer.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
