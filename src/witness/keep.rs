//! A witness: which logs it knows, how far it has seen each, and its key.
//!
//! Invariant: what it has cosigned is durable before the cosignature leaves, and never goes back.
//! One process at a time holds the folder. A folder whose record is gone cosigns nothing any
//! more: its key would vouch for a log that it does not remember.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::envelope::statement::{Hash, SigningKey};
use crate::merkle::{AddCheckpoint, Checkpoint, CosignerKey, VerifierKey, verify_consistency};
use crate::secrets::Secret;

const KEY: &str = "witness.key";
const SEEN: &str = "seen.json";
const LOCK: &str = "witness.lock";

/// Why a witness cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A file of its folder.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process is this witness.
    #[error("{}: another witness runs on this folder", .0.display())]
    Busy(PathBuf),
    /// A file that is not as this program writes it.
    #[error("{}: damaged", .0.display())]
    Damaged(PathBuf),
    /// There is a key but no record of what it cosigned.
    #[error(
        "{}: there is a key but no record of what it has cosigned. Put seen.json back from a copy, \
         or begin anew in an empty folder, with a new key that others have to take",
        .0.display()
    )]
    Forgotten(PathBuf),
    /// A name that cannot stand in a signed note.
    #[error("the name of a witness has no spaces and no \"+\"")]
    Name,
}

/// Why a checkpoint is not cosigned (tlog-witness, "add-checkpoint").
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Not a request, or one that speaks of a smaller log than before. 400.
    #[error("this is not a request")]
    Malformed,
    /// A log that this witness does not know. 404.
    #[error("this log is not known here")]
    UnknownLog,
    /// No key of the log's signed it. 403.
    #[error("no key of the log's signed this")]
    NotSigned,
    /// The witness saw the log at this size last, or another root over it. 409.
    #[error("the log was seen with {0} entries")]
    Seen(u64),
    /// The log did not grow into this. 422.
    #[error("the proof does not hold")]
    BadProof,
    /// It cannot be made durable. 500.
    #[error(transparent)]
    File(#[from] io::Error),
}

/// How far a log was seen.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Seen {
    size: u64,
    root: Hash,
    /// When it was cosigned last, in seconds since the epoch.
    at: u64,
}

/// A witness with its folder.
pub struct Keeper {
    folder: PathBuf,
    key: CosignerKey,
    sign: SigningKey,
    /// The keys of each log, by its origin.
    logs: BTreeMap<String, Vec<VerifierKey>>,
    clock: Clock,
    seen: Mutex<BTreeMap<String, Seen>>,
    _lock: File,
}

fn file(path: &Path) -> impl FnOnce(io::Error) -> SetupError {
    let path = path.to_owned();
    move |source| SetupError::File { path, source }
}

impl Keeper {
    /// The witness in `folder`, begun where there is none, under `name`, for the logs that
    /// these keys are of; a log's origin is its key's name.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn open(
        folder: &Path,
        name: &str,
        logs: &[VerifierKey],
        clock: Clock,
    ) -> Result<Self, SetupError> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(file(folder))?;
        let lock_path = folder.join(LOCK);
        let mut options = OpenOptions::new();
        let lock = options.write(true).create(true).truncate(false).mode(0o600).open(&lock_path);
        let lock = lock.map_err(file(&lock_path))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| SetupError::Busy(folder.to_owned()))?;
        let seen = read_seen(folder)?;
        let sign = SigningKey::from_seed(&read_key(&folder.join(KEY))?);
        let key = CosignerKey::new(name, sign.public().0).map_err(|_| SetupError::Name)?;
        let mut known: BTreeMap<String, Vec<VerifierKey>> = BTreeMap::new();
        for log in logs {
            known.entry(log.name().to_owned()).or_default().push(log.clone());
        }
        let (folder, seen) = (folder.to_owned(), Mutex::new(seen));
        Ok(Self { folder, key, sign, logs: known, clock, seen, _lock: lock })
    }

    /// Its public key, which others are to know.
    pub fn key(&self) -> &CosignerKey {
        &self.key
    }

    /// Cosigns the checkpoint of a request, when the log grew into it: the signature line.
    /// Blocks while the record is made durable.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn add(&self, body: &str) -> Result<String, Refusal> {
        let asked = AddCheckpoint::parse(body).map_err(|_| Refusal::Malformed)?;
        let note = &asked.checkpoint;
        let head = Checkpoint::from_text(note.text()).map_err(|_| Refusal::Malformed)?;
        let keys = self.logs.get(&head.origin).ok_or(Refusal::UnknownLog)?;
        if !keys.iter().any(|key| note.signed_by(key)) {
            return Err(Refusal::NotSigned);
        }
        if asked.old > head.size {
            return Err(Refusal::Malformed);
        }
        // Held until the record is durable: nobody is cosigned in between.
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let last = all.get(&head.origin).copied();
        let (size, at) = last.map_or((0, 0), |last| (last.size, last.at));
        if asked.old != size {
            return Err(Refusal::Seen(size));
        }
        match last {
            Some(last) if last.size == head.size && last.root.0 != head.root => {
                return Err(Refusal::Seen(size));
            }
            Some(last) if last.size > 0 => {
                let grew = verify_consistency(
                    last.size,
                    &last.root.0,
                    head.size,
                    &head.root,
                    &asked.proof,
                );
                if !grew {
                    return Err(Refusal::BadProof);
                }
            }
            _ if !asked.proof.is_empty() => return Err(Refusal::BadProof),
            _ => {}
        }
        let now = u64::try_from(self.clock.now().as_secs()).unwrap_or(0).max(at);
        let mut next = all.clone();
        let seen = Seen { size: head.size, root: Hash(head.root), at: now };
        next.insert(head.origin, seen);
        write_seen(&self.folder, &next)?;
        *all = next;
        Ok(self.key.cosign(note.text(), now, |message| self.sign.sign(message)))
    }
}

/// What was seen; written empty into a folder that has no key yet.
fn read_seen(folder: &Path) -> Result<BTreeMap<String, Seen>, SetupError> {
    let path = folder.join(SEEN);
    match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|_| SetupError::Damaged(path)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            if folder.join(KEY).exists() {
                return Err(SetupError::Forgotten(path));
            }
            let nothing = BTreeMap::new();
            write_seen(folder, &nothing).map_err(file(&path))?;
            Ok(nothing)
        }
        Err(e) => Err(file(&path)(e)),
    }
}

fn write_seen(folder: &Path, seen: &BTreeMap<String, Seen>) -> io::Result<()> {
    let json = serde_json::to_vec_pretty(seen).map_err(io::Error::other)?;
    let (path, beside) = (folder.join(SEEN), folder.join("seen.tmp"));
    let mut options = OpenOptions::new();
    let mut new = options.write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    new.write_all(&json)?;
    new.sync_all()?;
    fs::rename(&beside, &path)?;
    File::open(folder)?.sync_all()
}

/// The seed of the key, drawn where there is none.
fn read_key(path: &Path) -> Result<Secret<32>, SetupError> {
    match fs::read_to_string(path).map(Zeroizing::new) {
        Ok(text) => {
            Secret::from_base64url(text.trim()).ok_or_else(|| SetupError::Damaged(path.to_owned()))
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            let seed = Secret::random();
            let written = (|| {
                let mut options = OpenOptions::new();
                let mut new = options.write(true).create_new(true).mode(0o600).open(path)?;
                new.write_all(seed.to_base64url().as_bytes())?;
                new.sync_all()?;
                File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
            })();
            written.map_err(file(path))?;
            Ok(seed)
        }
        Err(e) => Err(file(path)(e)),
    }
}

#[cfg(test)]
mod tests;
