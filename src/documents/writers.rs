//! One writer at a time for each upload of this process. The guarded UPDATE of the store
//! decides between processes; this keeps the losers from writing for nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::ids::DocumentId;

use super::Error;

/// A writer from whom nothing came for so long gives way to the next: its connection is
/// probably gone without a word.
const STALLED: Duration = Duration::from_secs(5);

/// How long the next one waits for it to put its things in order.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
struct Holder {
    stop: CancellationToken,
    gone: CancellationToken,
    moved_at: Mutex<Instant>,
}

/// Who writes what just now.
#[derive(Clone, Debug, Default)]
pub(super) struct Writers {
    held: Arc<Mutex<HashMap<DocumentId, Arc<Holder>>>>,
}

/// The right to write; given back when dropped.
#[derive(Debug)]
pub(super) struct WriteLock {
    writers: Writers,
    document: DocumentId,
    holder: Arc<Holder>,
}

impl Writers {
    fn try_hold(&self, document: DocumentId) -> Result<WriteLock, Arc<Holder>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(holder) = held.get(&document) {
            return Err(holder.clone());
        }
        let holder = Arc::new(Holder {
            stop: CancellationToken::new(),
            gone: CancellationToken::new(),
            moved_at: Mutex::new(Instant::now()),
        });
        held.insert(document, holder.clone());
        Ok(WriteLock { writers: self.clone(), document, holder })
    }

    /// The right to write, unless somebody is writing; who has stalled gives way.
    pub(super) async fn hold(&self, document: DocumentId) -> Result<WriteLock, Error> {
        self.wait(document, |holder| {
            holder.moved_at.lock().unwrap_or_else(PoisonError::into_inner).elapsed() >= STALLED
        })
        .await
    }

    /// The right to write, whoever is writing.
    pub(super) async fn take_over(&self, document: DocumentId) -> Result<WriteLock, Error> {
        self.wait(document, |_| true).await
    }

    async fn wait(
        &self,
        document: DocumentId,
        gives_way: impl Fn(&Holder) -> bool,
    ) -> Result<WriteLock, Error> {
        let holder = match self.try_hold(document) {
            Ok(lock) => return Ok(lock),
            Err(holder) => holder,
        };
        if !gives_way(&holder) {
            return Err(Error::Locked);
        }
        holder.stop.cancel();
        tokio::time::timeout(PATIENCE, holder.gone.cancelled()).await.map_err(|_| Error::Locked)?;
        self.try_hold(document).map_err(|_| Error::Locked)
    }
}

impl WriteLock {
    /// Something arrived.
    pub(super) fn moved(&self) {
        *self.holder.moved_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Says when to make room for somebody else.
    pub(super) fn stop(&self) -> CancellationToken {
        self.holder.stop.clone()
    }
}

impl Drop for WriteLock {
    fn drop(&mut self) {
        self.writers.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.document);
        self.holder.gone.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_writes_and_who_stalls_gives_way() {
        let (writers, document) = (Writers::default(), DocumentId::random());
        let lock = writers.hold(document).await.expect("free");
        assert!(matches!(writers.hold(document).await, Err(Error::Locked)));
        assert!(writers.hold(DocumentId::random()).await.is_ok(), "another upload");
        tokio::time::advance(STALLED - Duration::from_millis(1)).await;
        lock.moved();
        tokio::time::advance(STALLED - Duration::from_millis(1)).await;
        assert!(matches!(writers.hold(document).await, Err(Error::Locked)), "still moving");
        tokio::time::advance(Duration::from_millis(1)).await;
        let stop = lock.stop();
        tokio::spawn(async move {
            stop.cancelled().await;
            drop(lock);
        });
        let next = writers.hold(document).await.expect("gave way");
        let deaf = writers.take_over(document).await;
        assert!(matches!(deaf, Err(Error::Locked)), "who does not answer keeps it");
        drop(next);
        assert!(writers.hold(document).await.is_ok(), "free again");
    }
}
