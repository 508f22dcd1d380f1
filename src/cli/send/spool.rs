//! Streams of unknown length, sealed into a spool file before anything is sent: plaintext never
//! touches the disk, and an upload that breaks goes on from the spool.

use std::fs::File;
use std::io::{BufWriter, Read, Write};

use sha2::{Digest, Sha256};

use crate::cli::error::{Error, file_error};
use crate::cli::profile::{Desk, beside, create_private};
use crate::cli::words::Word;
use crate::envelope::statement::Hash;
use crate::envelope::{DocumentSealer, PIECE_PLAINTEXT_BYTES};

const FOLDER: &str = "spool";

/// A stream that was read to its end.
pub(super) enum Stream {
    /// At most a piece long: still in memory.
    Short(zeroize::Zeroizing<Vec<u8>>),
    /// Longer: sealed.
    Spooled(Spooled),
}

/// A stream, sealed.
pub(super) struct Spooled {
    /// The payload. Its name is gone already, so that it goes when the command does.
    pub file: File,
    /// Bytes of the payload.
    pub length: u64,
    /// Bytes of the plaintext.
    pub size: u64,
    /// H of the plaintext.
    pub sha256: Hash,
    /// What sealed it.
    pub sealer: DocumentSealer,
}

/// Fills `piece` from `input` up to a whole piece.
fn read_piece(input: &mut impl Read, piece: &mut Vec<u8>) -> std::io::Result<()> {
    piece.clear();
    input.take(PIECE_PLAINTEXT_BYTES as u64).read_to_end(piece).map(drop)
}

/// Reads `input` to its end, beside the runtime.
///
/// # Errors
/// [`Word::CannotRead`], [`Word::CannotWrite`], [`Word::DiskFull`].
pub(super) fn read(desk: &Desk, mut input: impl Read) -> Result<Stream, Error> {
    let unreadable = |e: std::io::Error| Error::new(Word::CannotRead).about("-").because(e);
    // Whole from the beginning: a buffer that grows leaves copies behind that nobody clears.
    let buffer = || zeroize::Zeroizing::new(Vec::with_capacity(PIECE_PLAINTEXT_BYTES));
    let (mut piece, mut next) = (buffer(), buffer());
    read_piece(&mut input, &mut piece).map_err(unreadable)?;
    read_piece(&mut input, &mut next).map_err(unreadable)?;
    if next.is_empty() {
        return Ok(Stream::Short(piece));
    }
    let path = beside(&desk.folder(FOLDER)?.join("spool"));
    let unwritable = |e: std::io::Error| file_error(Word::CannotWrite, &path, &e);
    let file = create_private(&path).map_err(unwritable)?;
    std::fs::remove_file(&path).map_err(unwritable)?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    let mut sealer = DocumentSealer::new();
    let (mut sha256, mut size, mut length) = (Sha256::new(), 0, 0);
    let mut sealed = Vec::new();
    for index in 0.. {
        let last = next.is_empty();
        sealed.clear();
        sealer
            .seal_piece(index, &piece, last, &mut sealed)
            .map_err(|e| Error::new(Word::Internal).about("spool").because(e))?;
        out.write_all(&sealed).map_err(unwritable)?;
        sha256.update(&*piece);
        size += piece.len() as u64;
        length += sealed.len() as u64;
        if last {
            break;
        }
        std::mem::swap(&mut piece, &mut next);
        read_piece(&mut input, &mut next).map_err(unreadable)?;
    }
    let file = out.into_inner().map_err(|e| unwritable(e.into_error()))?;
    let sha256 = Hash(sha256.finalize().into());
    Ok(Stream::Spooled(Spooled { file, length, size, sha256, sealer }))
}
