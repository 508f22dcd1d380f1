//! The end of a server, told in two steps: drain, then stop.
//!
//! Invariant: a stop includes a drain; neither is ever taken back.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Shared by everything that has to end. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    drain: CancellationToken,
    stop: CancellationToken,
}

impl Shutdown {
    /// Nothing has been asked yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Drains on the first SIGTERM or SIGINT, stops on the second. Fails when the process
    /// may not install handlers.
    pub fn on_signals() -> io::Result<Self> {
        let this = Self::new();
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let told = this.clone();
        tokio::spawn(async move {
            for round in 0.. {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                if round == 0 {
                    tracing::info!("draining; a second signal stops at once");
                    told.drain();
                } else {
                    told.stop();
                    break;
                }
            }
        });
        Ok(this)
    }

    /// Asks for the drain: no new connections, requests in progress finish.
    pub fn drain(&self) {
        self.drain.cancel();
    }

    /// Asks for the end at once.
    pub fn stop(&self) {
        self.drain.cancel();
        self.stop.cancel();
    }

    /// Whether a drain or stop has been asked for.
    pub fn is_draining(&self) -> bool {
        self.drain.is_cancelled()
    }

    /// Waits for the drain.
    pub async fn draining(&self) {
        self.drain.cancelled().await;
    }

    /// Waits for the stop.
    pub async fn stopping(&self) {
        self.stop.cancelled().await;
    }
}
