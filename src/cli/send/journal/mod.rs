//! The sender's journal: what an unfinished document needs to be finished, and nothing else.
//!
//! One entry a file, at the desk (0600): ids, file key, nonce, header, and beside it the hash
//! of every piece, made durable before the piece is sent. Invariant (no two-time pad): what is
//! sealed again under a journalled key and nonce must come out with the journalled hash; a file
//! that looks or reads otherwise begins a new document with a new key and nonce. Documents of
//! one segment keep no key: they are only ever sent again as new ones.
//!
//! Of a command with several files the entries of finished documents stay, without key and
//! pieces, until all are finished: the same command again sends what is missing and nothing twice.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::api::Base64;
use crate::envelope::statement::{Category, Direction, Hash, Period};
use crate::envelope::{DocumentSealer, FileKey, Nonce, Pieces};
use crate::ids::{ClientId, DocumentId};

use super::source::{FileSource, Look};
use crate::cli::error::{Error, file_error};
use crate::cli::profile::{Desk, Lock, read_json, sync_parent, write_json};
use crate::cli::words::Word;

const FOLDER: &str = "journals";

/// Pieces of one segment; documents of no more are not resumed.
pub(super) const SEGMENT_PIECES: u64 = 8;

/// What makes two commands the same: the same file sent to the same place in the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sending {
    /// The file, from the root of the file system.
    pub path: PathBuf,
    /// The name it is sealed under.
    pub name: String,
    /// Whose document it becomes.
    pub client: ClientId,
    /// To the firm or to the client.
    pub direction: Direction,
    /// Accounting period.
    pub period: Period,
    /// Category.
    pub category: Category,
    /// The note to the reader.
    pub note: String,
}

impl Sending {
    /// The name of its journal; says nothing of the file to whoever lists the folder.
    fn key(&self) -> String {
        let text = serde_json::to_vec(self).unwrap_or_default();
        Hash::of(&text).to_string()[..32].to_owned()
    }
}

/// One entry.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// What is sent where.
    pub sending: Sending,
    /// What the file looked like.
    pub look: Look,
    /// The document it becomes.
    pub document: DocumentId,
    /// The payload's nonce.
    pub nonce: Nonce,
    /// The commitment.
    pub commit: Hash,
    /// Fingerprints of the recipients of the header.
    pub recipients: Vec<Hash>,
    /// Key and header, where the document can be resumed.
    pub resume: Option<Resume>,
    /// Hash of the plaintext, once all of it was read.
    pub sha256: Option<Hash>,
}

/// What sealing needs to go on.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Resume {
    /// The file key, in hex.
    file_key: String,
    /// The header that the gateway has.
    pub header: Base64,
}

impl Resume {
    /// For this key and header.
    pub(super) fn new(key: &FileKey, header: &[u8]) -> Self {
        Self { file_key: hex::encode(key.expose()), header: Base64(header.to_vec()) }
    }

    fn key(&self) -> Option<FileKey> {
        crate::ids::parse_hex(&self.file_key).ok().map(FileKey::from_bytes)
    }
}

impl Drop for Resume {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.file_key);
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("document", &self.document).finish_non_exhaustive()
    }
}

/// The journal of one file, held by one command at a time.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    pieces: Option<File>,
    _lock: Lock,
}

impl Journal {
    /// Takes the journal of `sending`; `None` when another command has it: that one is sending
    /// the same file, and what this one sends is its own document.
    ///
    /// # Errors
    /// [`Word::CannotWrite`].
    pub(super) fn take(desk: &Desk, sending: &Sending) -> Result<Option<Self>, Error> {
        let base = desk.folder(FOLDER)?.join(sending.key());
        let lock = base.with_extension("lock");
        let taken = Lock::take(&lock).map_err(|e| file_error(Word::CannotWrite, &lock, &e))?;
        Ok(taken.map(|lock| Self { path: base.with_extension("json"), pieces: None, _lock: lock }))
    }

    fn pieces_path(&self) -> PathBuf {
        self.path.with_extension("pieces")
    }

    /// The entry, if there is one that can be read; a torn one is as good as none.
    pub(super) fn entry(&self) -> Option<Entry> {
        read_json(&self.path).ok().flatten()
    }

    /// Writes a new entry and empties the list of pieces.
    ///
    /// # Errors
    /// [`Word::CannotWrite`], [`Word::DiskFull`].
    pub(super) fn begin(&mut self, entry: &Entry) -> Result<(), Error> {
        self.discard()?;
        if entry.resume.is_some() {
            let path = self.pieces_path();
            let file = open_pieces(&path).map_err(|e| file_error(Word::CannotWrite, &path, &e))?;
            self.pieces = Some(file);
        }
        write_json(&self.path, entry)
    }

    /// Rewrites the entry, e.g. with the hash of what was read.
    ///
    /// # Errors
    /// [`Word::CannotWrite`], [`Word::DiskFull`].
    pub(super) fn update(&self, entry: &Entry) -> Result<(), Error> {
        write_json(&self.path, entry)
    }

    /// The document is finished: leaves what says so, and nothing that could seal again.
    ///
    /// # Errors
    /// [`Word::CannotWrite`], [`Word::DiskFull`].
    pub(super) fn settle(&mut self, mut entry: Entry) -> Result<(), Error> {
        entry.resume = None;
        self.begin(&entry)
    }

    /// A sealer that goes on with `entry`, when its file still looks the same and the header is
    /// for exactly these recipients.
    pub(super) fn resume(
        &mut self,
        entry: &Entry,
        source: &FileSource,
        recipients: &[Hash],
    ) -> Option<DocumentSealer> {
        if entry.look != source.look || entry.recipients != recipients {
            return None;
        }
        let key = entry.resume.as_ref()?.key()?;
        if key.commitment(&entry.nonce) != entry.commit {
            return None;
        }
        let path = self.pieces_path();
        let mut bytes = Vec::new();
        let mut file = open_pieces(&path).ok()?;
        file.read_to_end(&mut bytes).ok()?;
        // A torn hash at the end was not durable, so its piece was never sent.
        bytes.truncate(bytes.len() / 32 * 32);
        file.set_len(bytes.len() as u64).ok()?;
        self.pieces = Some(file);
        let hashes = Pieces::from_bytes(&bytes).ok()?.hashes;
        Some(DocumentSealer::resume(key, entry.nonce, hashes))
    }

    /// The file that piece hashes are appended to, for the thread that seals.
    pub(super) fn piece_list(&self) -> Result<Option<PieceList>, Error> {
        let path = self.pieces_path();
        let clone = |file: &File| file.try_clone();
        let file = self
            .pieces
            .as_ref()
            .map(clone)
            .transpose()
            .map_err(|e| file_error(Word::CannotWrite, &path, &e))?;
        Ok(file.map(|file| PieceList { file, path }))
    }

    /// Removes the entry and everything that goes with it.
    ///
    /// # Errors
    /// [`Word::CannotWrite`].
    pub(super) fn discard(&mut self) -> Result<(), Error> {
        self.pieces = None;
        for path in [self.path.clone(), self.pieces_path()] {
            match std::fs::remove_file(&path) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(file_error(Word::CannotWrite, &path, &e));
                }
                _ => {}
            }
        }
        // The key must be gone before anything says that the document is done.
        sync_parent(&self.path).map_err(|e| file_error(Word::CannotWrite, &self.path, &e))
    }
}

fn open_pieces(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)
}

/// The hashes of the pieces that may have been sent.
#[derive(Debug)]
pub(super) struct PieceList {
    file: File,
    path: PathBuf,
}

impl PieceList {
    /// Appends hashes, durably. Only then may their pieces leave the machine.
    ///
    /// # Errors
    /// [`Word::CannotWrite`], [`Word::DiskFull`].
    pub(super) fn append(&mut self, hashes: &[Hash]) -> Result<(), Error> {
        let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.0).collect();
        self.file
            .write_all(&bytes)
            .and_then(|()| self.file.sync_data())
            .map_err(|e| file_error(Word::CannotWrite, &self.path, &e))
    }
}

#[cfg(test)]
mod tests;
