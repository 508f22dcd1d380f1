//! What the gateway does by itself, in the background: the sweep, telling notices, and the
//! audit log's sequence.
//!
//! Refuses to be in anybody's way: one thing at a time, failures are logged and tried again
//! at the next turn.

pub mod sequencer;

use std::future::Future;
use std::time::Duration;

use crate::documents::Documents;
use crate::notices::Outbox;

/// The first sweep comes so long after the start.
const FIRST: Duration = Duration::from_secs(60);
/// And each later one after the one before.
const EVERY: Duration = Duration::from_secs(3600);
/// Objects that no document refers to are left alone for a day.
const GRACE_SECONDS: i64 = 24 * 3600;

/// Works until `stop` is over; what is in progress is given up at once and harmless so.
pub async fn run(documents: Documents, outbox: Outbox, stop: impl Future<Output = ()>) {
    tokio::select! {
        () = stop => {}
        () = sweep(&documents) => {}
        () = tell(&outbox) => {}
    }
}

async fn sweep(documents: &Documents) {
    let mut pause = FIRST;
    loop {
        tokio::time::sleep(pause).await;
        pause = EVERY;
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
