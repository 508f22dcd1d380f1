//! What is remembered in the folder between two runs of `receive`: the lease, so that going on
//! after a break takes no second slot, and the share that was seen, so that the gateway cannot
//! put another in its place. Mode 0600; holds no secret of the link.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cli::error::{Error, file_error};
use crate::cli::profile;
use crate::cli::words::Word;
use crate::clock::Timestamp;
use crate::envelope::statement::{Hash, Share, Statement};
use crate::ids::{LeaseId, ShareId};

/// A journal of one share in one folder.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    kept: Kept,
    /// Whether this run began it.
    fresh: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    lease: LeaseId,
    lease_expires_at: Option<Timestamp>,
    statement: Option<Hash>,
    time: Option<Timestamp>,
}

impl Journal {
    /// The journal of `share` in `dir`, with a lease that has not ended; begun where there is
    /// none.
    ///
    /// # Errors
    /// [`Word::CannotRead`], [`Word::CannotWrite`].
    pub(super) fn open(dir: &Path, share: ShareId, now: Timestamp) -> Result<Self, Error> {
        let path = dir.join(format!(".strongroom-receive-{share}.json"));
        let kept = profile::read(&path)?.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let fresh = kept.is_none();
        let mut kept = kept.unwrap_or_else(|| Kept {
            lease: LeaseId::random(),
            lease_expires_at: None,
            statement: None,
            time: None,
        });
        if kept.lease_expires_at.is_some_and(|at| at <= now) {
            kept.lease = LeaseId::random();
            kept.lease_expires_at = None;
        }
        let journal = Self { path, kept, fresh };
        // Before the gateway is asked: a retry must bring the same lease.
        journal.store()?;
        Ok(journal)
    }

    /// Takes back what this run began, after the gateway has refused: no slot was taken, so
    /// there is nothing to go on with.
    pub(super) fn forget(self) {
        if self.fresh {
            // What stays behind is an empty lease that the next run takes up.
            let _ = std::fs::remove_file(&self.path);
        }
    }

    /// The lease.
    pub(super) fn lease(&self) -> LeaseId {
        self.kept.lease
    }

    /// Whether `share` is the one that was seen before, or the first.
    pub(super) fn agrees(&self, share: &Share) -> bool {
        self.kept.statement.is_none_or(|seen| seen == share.hash())
            && self.kept.time.is_none_or(|seen| seen <= share.time)
    }

    /// Remembers what was verified.
    ///
    /// # Errors
    /// [`Word::CannotWrite`].
    pub(super) fn note(&mut self, share: &Share, until: Timestamp) -> Result<(), Error> {
        self.kept.statement = Some(share.hash());
        self.kept.time = Some(share.time);
        self.kept.lease_expires_at = Some(until);
        self.store()
    }

    fn store(&self) -> Result<(), Error> {
        let json = serde_json::to_vec(&self.kept)
            .map_err(|e| Error::new(Word::Internal).about("journal").because(e))?;
        profile::replace_private(&self.path, &json)
            .map_err(|e| file_error(Word::CannotWrite, &self.path, &e))
    }
}
