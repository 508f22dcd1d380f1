//! Writes what was opened to a file without a name, and gives it one when all of it agreed. Or
//! to a hidden one that a later run goes on with, after it has checked again what stands there.

use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::cli::error::{Error, file_error};
use crate::cli::new_file::NewFile;
use crate::cli::profile::beside;
use crate::cli::words::Word;
use crate::envelope::statement::Hash;
use crate::envelope::{DocumentOpener, PIECE_PLAINTEXT_BYTES};

use super::names::candidates;

const BUFFER_BYTES: usize = 1 << 20;

/// A file in the making, in its folder.
pub(in crate::cli) struct Writing {
    out: BufWriter<FileOf>,
    folder: PathBuf,
}

/// The file of a [`NewFile`], for a buffer in front of it.
struct FileOf(NewFile);

impl Write for FileOf {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.file().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Writing {
    /// Begins a file in `folder`.
    pub(in crate::cli) fn begin(folder: &Path) -> Result<Self, Error> {
        let file = NewFile::create(&beside(&folder.join("x")), false)
            .map_err(|e| file_error(Word::CannotWrite, folder, &e))?;
        let out = BufWriter::with_capacity(BUFFER_BYTES, FileOf(file));
        Ok(Self { out, folder: folder.to_owned() })
    }

    /// Goes on with what an earlier run left in the hidden file `part`, as far as `opener` finds
    /// it right; what stands behind that is cut off. `None` while somebody else goes on with it.
    pub(in crate::cli) fn resume(
        part: &Path,
        opener: &mut DocumentOpener,
    ) -> Result<Option<Self>, Error> {
        let fault = |e: &std::io::Error| file_error(Word::CannotWrite, part, e);
        let Some(file) = NewFile::resume(part).map_err(|e| fault(&e))? else { return Ok(None) };
        take_up(file.file(), opener).map_err(|e| fault(&e))?;
        let folder = part.parent().unwrap_or(Path::new(".")).to_owned();
        let out = BufWriter::with_capacity(BUFFER_BYTES, FileOf(file));
        Ok(Some(Self { out, folder }))
    }

    /// Leaves nothing of the file, also where a later run could have gone on with it.
    pub(in crate::cli) fn discard(self) {
        let (file, _) = self.out.into_parts();
        file.0.discard();
    }

    /// Writes opened bytes.
    pub(in crate::cli) fn write(&mut self, plaintext: &[u8]) -> Result<(), Error> {
        self.out.write_all(plaintext).map_err(|e| file_error(Word::CannotWrite, &self.folder, &e))
    }

    /// Makes the file durable under `name`, or the first free `name (2)` …
    pub(in crate::cli) fn keep_as(self, name: &str) -> Result<PathBuf, Error> {
        let Self { out, folder } = self;
        let fault = |e: &std::io::Error| file_error(Word::CannotWrite, &folder, e);
        let file = out.into_inner().map_err(|e| fault(e.error()))?;
        file.0.commit_free(candidates(&folder, name)).map_err(|e| fault(&e))
    }
}

/// Reads back the pieces at the beginning of `file` that are right, and stands behind them.
fn take_up(mut file: &std::fs::File, opener: &mut DocumentOpener) -> std::io::Result<()> {
    let mut piece = Vec::with_capacity(PIECE_PLAINTEXT_BYTES);
    let mut kept = 0;
    while opener.next_piece() < opener.piece_count() {
        piece.clear();
        file.take(PIECE_PLAINTEXT_BYTES as u64).read_to_end(&mut piece)?;
        if piece.is_empty() || opener.take_up(&piece).is_err() {
            break;
        }
        kept += piece.len() as u64;
    }
    file.set_len(kept)?;
    file.seek(SeekFrom::Start(kept))?;
    Ok(())
}

/// A file in `folder` under `name` or one of its copies that holds these very bytes.
pub(in crate::cli) fn already_there(
    folder: &Path,
    name: &str,
    size: u64,
    sha256: Hash,
) -> Option<PathBuf> {
    for path in candidates(folder, name) {
        let Ok(meta) = std::fs::symlink_metadata(&path) else { return None };
        if meta.is_file() && meta.len() == size && hash_file(&path) == Some(sha256) {
            return Some(path);
        }
    }
    None
}

fn hash_file(path: &Path) -> Option<Hash> {
    let mut file = std::fs::File::open(path).ok()?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Some(Hash(hash.finalize().into())),
            Ok(read) => hash.update(&buffer[..read]),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_overwritten_and_the_same_bytes_are_found_again() {
        let dir = tempfile::tempdir().expect("a folder");
        let keep = |bytes: &[u8]| {
            let mut writing = Writing::begin(dir.path()).expect("begun");
            writing.write(bytes).expect("written");
            writing.keep_as("对账单.pdf").expect("kept")
        };
        let there = |bytes: &[u8]| {
            already_there(dir.path(), "对账单.pdf", bytes.len() as u64, Hash::of(bytes))
        };
        assert_eq!(there(b"one"), None);
        let first = keep(b"one");
        let second = keep(b"two");
        assert_eq!(second, dir.path().join("对账单 (2).pdf"));
        assert_eq!(there(b"one"), Some(first.clone()));
        assert_eq!(there(b"two"), Some(second));
        assert_eq!(there(b"six"), None);
        assert_eq!(std::fs::read(first).expect("there"), b"one");
        drop(Writing::begin(dir.path()).expect("begun"));
        assert_eq!(std::fs::read_dir(dir.path()).expect("listed").count(), 2);
    }
}
