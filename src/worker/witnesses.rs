//! Asking witnesses to cosign the newest checkpoint.

use std::time::Duration;

use crate::clock::Clock;
use crate::store::Store;
use crate::witness::{Asked, Asker, Failed};

/// After a failure it is tried again so much later at least.
const AFTER_FAILURE: Duration = Duration::from_secs(10);

/// Asks every witness again and again, each at its own pace; ends with the caller.
pub async fn run(store: Store, clock: Clock, askers: Vec<Asker>, every: Duration) {
    let asking = askers.into_iter().map(|asker| ask(store.clone(), clock.clone(), asker, every));
    futures_util::future::join_all(asking).await;
}

async fn ask(store: Store, clock: Clock, mut asker: Asker, every: Duration) {
    loop {
        let pause = match asker.ask(&store, &clock).await {
            Ok(asked) => {
                if let Asked::Cosigned(size) = asked {
                    tracing::debug!(size, "a checkpoint was cosigned");
                }
                every
            }
            Err(error @ (Failed::RolledBack { .. } | Failed::Forked)) => {
                tracing::error!(%error, "a witness does not cosign this audit log any more");
                every.max(AFTER_FAILURE)
            }
            Err(error) => {
                tracing::warn!(%error, "a checkpoint was not cosigned; it is tried again");
                every.max(AFTER_FAILURE)
            }
        };
        tokio::time::sleep(pause).await;
    }
}
