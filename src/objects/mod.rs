//! Object storage for payload segments: typed random names, writes that are durable when
//! they return, ranged reads, deletes that are durable too.
//!
//! Refuses to overwrite: a name is drawn at random and used once. Invariant: an object that
//! has its name is whole and on the disk with its directory entry; what is still arriving
//! lies apart in `incoming/` and is swept away when the gateway starts. Correctness never
//! rests on conditional puts; the database alone says which objects exist.
//!
//! Segments of a local folder are written through by our own writer, because they arrive
//! slowly and must not be held in memory; reading, listing and deleting go through
//! `object_store`.

mod buffers;
mod checkpoints;
mod key;
mod read;
mod write;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use object_store::local::LocalFileSystem;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::clock::Timestamp;
use crate::faults::Fault;

pub use buffers::Gather;
pub use key::{ObjectKey, ParseKeyError};
pub use read::{Object, READ_BYTES, Span, read_spans};
pub use write::SegmentWriter;

use buffers::Buffers;

/// Where whole objects lie.
const SEGMENTS: &str = "segments";
/// Where unfinished ones lie.
const INCOMING: &str = "incoming";
/// Held by the one gateway that writes here.
const LOCK: &str = "lock";

/// What a caller can do something about.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No space, quota or file size is left.
    #[error("the object store is full")]
    Full,
    /// There is no such object.
    #[error("the object is not there")]
    NotFound,
    /// Another gateway writes into this folder.
    #[error("another gateway is using this folder")]
    InUse,
    /// What was written was not read back: the store cannot be relied on.
    #[error("the object store does not give back what it was given")]
    Unreliable,
    /// The folder or the store behind it failed.
    #[error("the object store failed")]
    Failed(#[source] io::Error),
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::Full,
            io::ErrorKind::NotFound => Self::NotFound,
            _ => Self::Failed(error),
        }
    }
}

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::NotFound,
            other => Self::Failed(io::Error::other(other)),
        }
    }
}

/// A stored object, as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub key: ObjectKey,
    /// Bytes.
    pub size: u64,
    /// When it was written.
    pub written_at: Timestamp,
}

/// The store of payload segments. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Objects {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    store: LocalFileSystem,
    buffers: Buffers,
    /// Keeps other gateways out for as long as it is open.
    _lock: Option<File>,
}

impl Objects {
    /// Opens the store in `folder`, which is made when missing, for reading and checking.
    /// Blocks; for starting up.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        Self::build(folder, None)
    }

    /// Opens the store for the one gateway that serves from it, and removes what earlier
    /// runs left unfinished. Blocks; for starting up.
    pub fn open_to_serve(folder: &Path) -> Result<Self, Error> {
        fs::create_dir_all(folder)?;
        let lock = File::options().create(true).append(true).open(folder.join(LOCK))?;
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| Error::InUse)?;
        let objects = Self::build(folder, Some(lock))?;
        for entry in fs::read_dir(folder.join(INCOMING))? {
            fs::remove_file(entry?.path())?;
        }
        Ok(objects)
    }

    fn build(folder: &Path, lock: Option<File>) -> Result<Self, Error> {
        let segments = folder.join(SEGMENTS);
        fs::create_dir_all(&segments)?;
        fs::create_dir_all(folder.join(INCOMING))?;
        // Made beforehand, so that a write never waits for the entry of a new directory.
        for first in 0..=u8::MAX {
            let shard = segments.join(hex::encode([first]));
            if !shard.is_dir() {
                fs::create_dir(&shard)?;
            }
        }
        for made in [segments.as_path(), folder] {
            sync_dir(made)?;
        }
        let store = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
        let inner = Inner { folder: folder.into(), store, buffers: Buffers::new(), _lock: lock };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Begins an object. Blocks, as everything of [`SegmentWriter`] does.
    pub fn begin(&self) -> Result<SegmentWriter, Error> {
        SegmentWriter::create(self.inner.clone())
    }

    /// A buffer to gather parts of an object in.
    pub fn gather(&self) -> Gather {
        Gather::new(&self.inner.buffers)
    }

    /// Writes a whole object; durable when it returns.
    pub async fn put(&self, bytes: Bytes) -> Result<ObjectKey, Error> {
        let inner = self.inner.clone();
        run_blocking(move || {
            let mut writer = SegmentWriter::create(inner)?;
            writer.write(&[bytes])?;
            writer.publish()
        })
        .await
    }

    /// Opens an object for reading.
    pub async fn object(&self, key: &ObjectKey) -> Result<Object, Error> {
        Object::open(self.inner.clone(), key).await
    }

    /// Removes objects; durable when it returns. What is not there any more is no error.
    pub async fn delete(&self, keys: &[ObjectKey]) -> Result<(), Error> {
        if keys.is_empty() {
            return Ok(());
        }
        for key in keys {
            match self.inner.store.delete(&key.path()).await.map_err(Error::from) {
                Ok(()) | Err(Error::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        let mut shards: Vec<PathBuf> = keys.iter().map(|key| self.inner.shard(key)).collect();
        shards.sort_unstable();
        shards.dedup();
        run_blocking(move || shards.iter().try_for_each(|shard| Ok(sync_dir(shard)?))).await
    }

    /// Every object there is, in no order. Names that are not ours are left out and never
    /// touched.
    pub fn list(&self) -> impl Stream<Item = Result<Listed, Error>> + Send + 'static {
        let prefix = object_store::path::Path::from(SEGMENTS);
        self.inner.store.list(Some(&prefix)).filter_map(|entry| async move {
            match entry {
                Err(error) => Some(Err(error.into())),
                Ok(meta) => Some(Ok(Listed {
                    key: ObjectKey::parse(meta.location.as_ref()).ok()?,
                    size: meta.size,
                    written_at: Timestamp::from_ms(meta.last_modified.timestamp_millis()),
                })),
            }
        })
    }

    /// Bytes that are still free for us. Blocks, but briefly.
    pub fn free_bytes(&self) -> Result<u64, Error> {
        if Fault::DiskFull.is_on() {
            return Ok(0);
        }
        let stat = rustix::fs::statvfs(&self.inner.folder).map_err(io::Error::from)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    /// Writes an object, reads it back and removes it; for the start and for `doctor`.
    pub async fn probe(&self) -> Result<(), Error> {
        let bytes = Bytes::copy_from_slice(&crate::secrets::random_bytes::<64>());
        let key = self.put(bytes.clone()).await?;
        let read = self.object(&key).await?.read(0, 128).await?;
        self.delete(std::slice::from_ref(&key)).await?;
        let gone = matches!(self.object(&key).await, Err(Error::NotFound));
        if read == bytes && gone { Ok(()) } else { Err(Error::Unreliable) }
    }
}

impl Inner {
    fn shard(&self, key: &ObjectKey) -> PathBuf {
        self.folder.join(SEGMENTS).join(key.shard())
    }

    fn file(&self, key: &ObjectKey) -> PathBuf {
        self.folder.join(key.as_str())
    }

    fn incoming(&self, key: &ObjectKey) -> PathBuf {
        self.folder.join(INCOMING).join(key.name())
    }
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    if Fault::SkipFsync.is_on() { Ok(()) } else { File::open(dir)?.sync_all() }
}

/// Runs `work` where it may block.
async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::Failed(io::Error::other(error)))?
}

#[cfg(test)]
mod tests;
