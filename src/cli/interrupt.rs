//! Ctrl-C and SIGTERM: long work stops in order and says what was done. And the signal of a file
//! that may grow no further, which is an error like any other.

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

/// SIGXFSZ, on Linux and the BSDs alike (signal(7)).
const FILE_LIMIT: i32 = 25;

/// From here on a file that reaches the limit on its size (`ulimit -f`) fails to be written, as
/// it does on a full disk; by default the system kills whoever writes it.
pub fn outlive_file_limits() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    if let Ok(runtime) = runtime {
        let _inside = runtime.enter();
        // Once listened to it stays so; where it cannot be, things are as they were.
        let _ = signal(SignalKind::from_raw(FILE_LIMIT));
    }
}
