//! What the gateway does by itself, in the background: the sweep, telling notices, noting how
//! much time has passed, the audit log's sequence, and asking for cosignatures of it.
//!
//! Refuses to be in anybody's way: one thing at a time, failures are logged and tried again
//! at the next turn.

pub mod sequencer;
pub mod witnesses;

use std::future::Future;
use std::time::Duration;

use crate::clock::Clock;
use crate::documents::Documents;
use crate::notices::Outbox;
use crate::store::{self, Store};

/// The first sweep comes so long after the start.
const FIRST: Duration = Duration::from_secs(60);
/// And each later one after the one before.
const EVERY: Duration = Duration::from_secs(3600);
/// How much time may be forgotten by a power cut.
const NOTE_TIME_EVERY: Duration = Duration::from_secs(20);
/// Objects that no document refers to are left alone for a day.
const GRACE_SECONDS: i64 = 24 * 3600;

/// Works until `stop` is over; what is in progress is given up at once and harmless so.
pub async fn run(
    documents: Documents,
    outbox: Outbox,
    (store, clock): (Store, Clock),
    stop: impl Future<Output = ()>,
) {
    tokio::select! {
        () = stop => {}
        () = sweep(&documents, &clock) => {}
        () = tell(&outbox) => {}
        () = keep_time(&store, &clock) => {}
    }
}

/// Notes how much time has passed.
async fn keep_time(store: &Store, clock: &Clock) {
    loop {
        if let Err(error) = note_time(store, clock).await {
            tracing::warn!(%error, "the time was not noted; it is noted later");
        }
        tokio::time::sleep(NOTE_TIME_EVERY).await;
    }
}

async fn note_time(store: &Store, clock: &Clock) -> Result<(), store::Error> {
    let mut tx = store.write().await?;
    tx.note_time(clock.passed()).await?;
    tx.commit().await
}

async fn sweep(documents: &Documents, clock: &Clock) {
    let mut pause = FIRST;
    loop {
        tokio::time::sleep(pause).await;
        pause = EVERY;
        if clock.is_doubtful() {
            tracing::warn!(
                "nothing is swept: this machine's clock is far ahead of the time that was noted \
                 last; unless it is set back that is believed a day after it was seen"
            );
            continue;
        }
        match documents.sweep(GRACE_SECONDS).await {
            Ok(swept) => tracing::info!(
                expired_uploads = swept.expired_uploads,
                objects = swept.objects,
                unreferenced = swept.unreferenced,
                removed = swept.removed,
                stopped = swept.stopped,
                "swept"
            ),
            Err(error) => tracing::warn!(%error, "the sweep failed; it is tried again later"),
        }
    }
}

async fn tell(outbox: &Outbox) {
    loop {
        tokio::time::sleep(outbox.every()).await;
        if let Err(error) = outbox.turn().await {
            tracing::warn!(%error, "notices were not told; they are told later");
        }
    }
}
