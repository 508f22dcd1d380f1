//! Files that only their owner may read: whole or not at all. A file is written beside its
//! place, made durable, renamed over it, and the folder made durable too.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::secrets::random_bytes;

/// Makes `dir` and what is missing above it, for their owner alone.
pub fn make_private_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// A name beside `path` that nobody uses.
pub fn beside(path: &Path) -> PathBuf {
    let suffix: [u8; 8] = random_bytes();
    path.with_file_name(format!(".strongroom-{}.tmp", hex::encode(suffix)))
}

/// A new file at `path` for its owner alone; fails when something is there.
pub fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

/// Makes the entries of the folder of `path` durable.
pub fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}

/// Replaces `path` by `bytes`, durably and as a whole.
pub fn replace_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = beside(path);
    let written = (|| {
        let mut file = create_private(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        sync_parent(path)
    })();
    if written.is_err() {
        // The rename may have happened; what is left over otherwise is of no use.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Writes a file that must not be there yet, durably.
pub fn write_new_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = create_private(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written?;
    sync_parent(path)
}

/// Holds a lock file until dropped, so that commands that run at once on one profile do one
/// thing after the other.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    fn file(path: &Path) -> io::Result<File> {
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)
    }

    /// Waits for the lock.
    pub fn wait(path: &Path) -> io::Result<Self> {
        let file = Self::file(path)?;
        loop {
            match flock(&file, FlockOperation::LockExclusive) {
                Ok(()) => return Ok(Self { _file: file }),
                Err(rustix::io::Errno::INTR) => {}
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// Waits for the lock without holding up the runtime.
    pub async fn wait_async(path: PathBuf) -> io::Result<Self> {
        tokio::task::spawn_blocking(move || Self::wait(&path)).await.map_err(io::Error::other)?
    }

    /// Takes the lock if nobody has it.
    pub fn take(path: &Path) -> io::Result<Option<Self>> {
        let file = Self::file(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_kept_from_others() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a").join("b");
        make_private_dir(path.parent().expect("a parent")).expect("made");
        for text in [&b"one"[..], b"another one"] {
            replace_private(&path, text).expect("written");
            assert_eq!(fs::read(&path).expect("read"), text);
        }
        let mode = |p: &Path| fs::metadata(p).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().expect("a parent")), 0o700);
        assert_eq!(fs::read_dir(path.parent().expect("a parent")).expect("listed").count(), 1);
        assert!(write_new_private(&path, b"x").is_err(), "never over something");
    }

    #[test]
    fn one_holds_a_lock_at_a_time() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("lock");
        let held = Lock::take(&path).expect("taken");
        assert!(held.is_some() && Lock::take(&path).expect("asked").is_none());
        drop(held);
        assert!(Lock::take(&path).expect("taken").is_some());
    }
}
