//! The sweep: unfinished uploads whose time is over, what was arriving when an earlier gateway
//! ended, and objects that no document refers to.
//!
//! Removes these and nothing else. Where an unlikely share of all objects would go, the
//! database is more probably the wrong one than the objects are: it stops, removes none of
//! them and says so.

use std::pin::pin;

use futures_util::TryStreamExt;

use crate::audit::Event;
use crate::clock::Timestamp;
use crate::envelope::statement::SealLevel;
use crate::ids::DocumentId;
use crate::objects::{Listed, ObjectKey};
use crate::store;

use super::{Documents, Error, commit, record};

/// Uploads given up in one sweep at most; the next one goes on.
const UPLOADS: u16 = 1000;
/// Objects asked for at once.
const BATCH: usize = 500;
/// So many unreferenced objects are never unlikely.
const FEW: usize = 20;
/// More than this share of all objects, in percent, is.
const UNLIKELY_PERCENT: usize = 5;

/// What a sweep found and did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Unfinished uploads that were given up.
    pub expired_uploads: u64,
    /// Objects there are.
    pub objects: u64,
    /// Objects that no document refers to and that are old enough.
    pub unreferenced: u64,
    /// Of these, how many were removed.
    pub removed: u64,
    /// Whether it stopped because an unlikely share would have gone.
    pub stopped: bool,
}

impl Documents {
    /// Sweeps once. Objects younger than `grace_seconds` are left alone: the row that names
    /// them may be on its way.
    pub async fn sweep(&self, grace_seconds: i64) -> Result<Swept, Error> {
        let mut swept = Swept { expired_uploads: self.expire_uploads().await?, ..Swept::default() };
        let before = self.now().plus_secs(-grace_seconds);
        let unreferenced = self.unreferenced(before, &mut swept).await?;
        let unlikely = unreferenced.len() * 100
            > UNLIKELY_PERCENT * usize::try_from(swept.objects).unwrap_or(usize::MAX);
        if unreferenced.len() > FEW && unlikely {
            swept.stopped = true;
            tracing::error!(
                objects = swept.objects,
                unreferenced = swept.unreferenced,
                "the sweep stopped: an unlikely share of all objects would have been removed; \
                 see whether database and storage folder belong together"
            );
            return Ok(swept);
        }
        for batch in unreferenced.chunks(BATCH) {
            // Asked again: what became referenced meanwhile stays.
            let gone = self.without_row(batch).await?;
            self.inner.objects.delete(&gone).await?;
            swept.removed += gone.len() as u64;
        }
        Ok(swept)
    }

    async fn expire_uploads(&self) -> Result<u64, Error> {
        let now = self.now();
        let expired = self
            .inner
            .store
            .read()
            .await?
            .expired_uploads(now, self.inner.started, UPLOADS)
            .await?;
        let mut count = 0;
        for upload in expired {
            match self.expire(upload.id, now).await {
                Ok(()) => count += 1,
                // Somebody writes it just now, or was faster.
                Err(Error::Locked | Error::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(count)
    }

    async fn expire(&self, id: DocumentId, now: Timestamp) -> Result<(), Error> {
        let _lock = self.inner.writers.hold(id).await?;
        let mut tx = self.inner.store.write().await?;
        let row = tx.document(id).await?;
        let left_behind = row.seal != SealLevel::EndToEnd && row.listed_at < self.inner.started;
        if row.expires_at.is_none_or(|at| at >= now && !left_behind) {
            return Err(Error::NotFound);
        }
        let objects = tx.delete_upload(id).await?;
        let event = Event::new("document.expire").client(row.client).object(id);
        record(&mut tx, now, event).await?;
        commit(tx).await?;
        self.discard_named(&objects).await;
        Ok(())
    }

    /// Objects written before `before` that no row names.
    async fn unreferenced(
        &self,
        before: Timestamp,
        swept: &mut Swept,
    ) -> Result<Vec<ObjectKey>, Error> {
        let mut found = Vec::new();
        let mut batch = Vec::with_capacity(BATCH);
        let mut listed = pin!(self.inner.objects.list());
        while let Some(Listed { key, written_at, .. }) = listed.try_next().await? {
            swept.objects += 1;
            if written_at < before {
                batch.push(key);
            }
            if batch.len() == BATCH {
                found.extend(self.without_row(&batch).await?);
                batch.clear();
            }
        }
        found.extend(self.without_row(&batch).await?);
        swept.unreferenced = found.len() as u64;
        Ok(found)
    }

    async fn without_row(&self, keys: &[ObjectKey]) -> Result<Vec<ObjectKey>, store::Error> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<String> = keys.iter().map(|key| key.as_str().to_owned()).collect();
        let known = self.inner.store.read().await?.referenced_objects(&names).await?;
        Ok(keys.iter().filter(|key| !known.contains(key.as_str())).cloned().collect())
    }
}
