//! Ctrl-C and SIGTERM: long work stops in order and says what was done.

use tokio::signal::unix::{SignalKind, signal};

/// Resolves when the person or the system wants the command to stop. From the first call on
/// neither signal kills the process any more.
pub(super) async fn interrupted() {
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => {
            if pressed.is_err() {
                std::future::pending::<()>().await;
            }
        }
        () = terminate => {}
    }
}
