//! Where the bytes of an upload come from: a file that is sealed while it is sent, or a spool
//! of bytes that are sealed already. Runs beside the runtime, in constant memory, one thread
//! reading and hashing, one sealing.
//!
//! Invariant: the hash of a piece is in the journal, durably, before its bytes are handed out;
//! a piece that was sealed before comes out the same or nothing is handed out.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::cli::error::{Error, file_error};
use crate::cli::words::Word;
use crate::envelope::statement::Hash;
use crate::envelope::{DocumentSealer, PIECE_BYTES, PIECE_PLAINTEXT_BYTES, piece_range};

use super::journal::PieceList;
use super::source::FileSource;

/// Pieces that are made durable in the journal together.
const BATCH: usize = 4;

const SPOOL_READ_BYTES: usize = 256 * 1024;

/// Where handed-out bytes go, and whether somebody still wants them.
pub(super) struct Outlet {
    /// Takes the bytes.
    pub parts: mpsc::Sender<Bytes>,
    /// Set when nobody does.
    pub stop: CancellationToken,
    /// For waiting outside the runtime.
    pub runtime: Handle,
}

impl Outlet {
    /// Hands out `part`; false when nobody wants it any more.
    fn give(&self, part: Bytes) -> bool {
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => false,
                sent = self.parts.send(part) => sent.is_ok(),
            }
        })
    }
}

/// The bytes of one upload; can be asked again from any offset.
pub(super) enum Feed {
    /// Sealed while they are sent.
    Sealing(Box<Sealing>),
    /// Sealed before, in a file.
    Spool(File),
}

impl Feed {
    /// Hands out the payload from `offset` to its end, as far as somebody wants it.
    ///
    /// # Errors
    /// [`Word::FileChanged`], [`Word::CannotRead`], [`Word::DiskFull`].
    pub(super) fn pump(&mut self, offset: u64, outlet: &Outlet) -> Result<(), Error> {
        match self {
            Self::Sealing(sealing) => sealing.pump(offset, outlet),
            Self::Spool(file) => pump_spool(file, offset, outlet),
        }
    }
}

fn pump_spool(file: &File, mut offset: u64, outlet: &Outlet) -> Result<(), Error> {
    loop {
        let mut part = vec![0; SPOOL_READ_BYTES];
        let read = match file.read_at(&mut part, offset) {
            Ok(read) => read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(Error::new(Word::CannotRead).about("-").because(e)),
        };
        part.truncate(read);
        if read == 0 || !outlet.give(part.into()) {
            return Ok(());
        }
        offset += read as u64;
    }
}

/// A file in the course of being sealed.
pub(super) struct Sealing {
    source: FileSource,
    sealer: DocumentSealer,
    list: Option<PieceList>,
    /// How many pieces are in the journal, durably.
    recorded: usize,
    /// The state of the plaintext's hash before each piece, to go on from any of them.
    states: Vec<Sha256>,
}

struct PlainPiece {
    index: u64,
    plaintext: Zeroizing<Vec<u8>>,
}

impl Sealing {
    /// Seals `source` with `sealer`, recording pieces in `list`.
    pub(super) fn new(source: FileSource, sealer: DocumentSealer, list: Option<PieceList>) -> Self {
        let recorded = sealer.pieces().hashes.len();
        Self { source, sealer, list, recorded, states: vec![Sha256::new()] }
    }

    /// How many pieces there are.
    fn count(&self) -> u64 {
        self.source.look.size.div_ceil(PIECE_PLAINTEXT_BYTES as u64).max(1)
    }

    /// The sealer.
    pub(super) fn sealer(&self) -> &DocumentSealer {
        &self.sealer
    }

    /// H of the plaintext once all of it was read and nobody wrote to it meanwhile.
    ///
    /// # Errors
    /// [`Word::FileChanged`].
    pub(super) fn finish(&self) -> Result<Hash, Error> {
        let all = usize::try_from(self.count()).unwrap_or(usize::MAX);
        match self.states.get(all) {
            Some(state) if self.source.is_unchanged() => Ok(Hash(state.clone().finalize().into())),
            _ => Err(self.source.changed()),
        }
    }

    /// Reads and compares what this run has not read yet, and hands out nothing.
    ///
    /// # Errors
    /// [`Word::FileChanged`], [`Word::CannotRead`].
    pub(super) fn read_rest(&mut self) -> Result<(), Error> {
        if self.states.len() as u64 > self.count() {
            return Ok(());
        }
        self.feed(u64::MAX, None)
    }

    fn pump(&mut self, offset: u64, outlet: &Outlet) -> Result<(), Error> {
        self.feed(offset, Some(outlet))
    }

    fn feed(&mut self, offset: u64, outlet: Option<&Outlet>) -> Result<(), Error> {
        let wanted = first_piece(offset);
        // Pieces that a journal knows but this run has not read are read and compared, so that
        // the hash of the whole is of the bytes that were sent.
        let known = self.sealer.pieces().hashes.len().min(self.states.len() - 1);
        let start = wanted.min(known as u64);
        self.states.truncate(usize::try_from(start).unwrap_or(0) + 1);
        let (to_seal, read) = sync_channel(2);
        let count = self.count();
        let Self { source, sealer, list, recorded, states } = self;
        let reader = Reader { source, states, count };
        std::thread::scope(|scope| {
            scope.spawn(move || reader.run(start, &to_seal));
            let mut press = Press { source, sealer, list, recorded, offset, outlet };
            press.run(read, count)
        })
    }
}

/// The piece that holds payload byte `offset`.
fn first_piece(offset: u64) -> u64 {
    // Piece 0 is longer by the nonce.
    offset.saturating_sub(16) / PIECE_BYTES
}

struct Reader<'a> {
    source: &'a FileSource,
    states: &'a mut Vec<Sha256>,
    count: u64,
}

impl Reader<'_> {
    /// Reads and hashes from piece `start` on until the end, a fault, or nobody listens.
    fn run(self, start: u64, to_seal: &SyncSender<io::Result<PlainPiece>>) {
        let mut hash = self.states.last().cloned().unwrap_or_default();
        for index in start..self.count {
            let from = index * PIECE_PLAINTEXT_BYTES as u64;
            let len = (self.source.look.size - from).min(PIECE_PLAINTEXT_BYTES as u64);
            let mut plaintext = Zeroizing::new(vec![0; usize::try_from(len).unwrap_or(0)]);
            if let Err(e) = self.source.file.read_exact_at(&mut plaintext, from) {
                let _ = to_seal.send(Err(e));
                return;
            }
            hash.update(&plaintext);
            self.states.push(hash.clone());
            if to_seal.send(Ok(PlainPiece { index, plaintext })).is_err() {
                // The piece was not sealed; whoever goes on starts from what was.
                return;
            }
        }
    }
}

struct Press<'a> {
    source: &'a FileSource,
    sealer: &'a mut DocumentSealer,
    list: &'a mut Option<PieceList>,
    recorded: &'a mut usize,
    offset: u64,
    outlet: Option<&'a Outlet>,
}

impl Press<'_> {
    fn run(&mut self, read: Receiver<io::Result<PlainPiece>>, count: u64) -> Result<(), Error> {
        let mut batch = Vec::with_capacity(BATCH);
        let mut fresh = Vec::with_capacity(BATCH);
        // Owned here: when this ends early, the reader must find nobody listening.
        while let Ok(piece) = read.recv() {
            let PlainPiece { index, plaintext } = piece.map_err(|e| self.read_fault(&e))?;
            let last = index + 1 == count;
            if last && !self.source.is_unchanged() {
                return Err(self.source.changed());
            }
            let mut sealed = Vec::with_capacity(plaintext.len() + 512);
            let hash = self
                .sealer
                .seal_piece(index, &plaintext, last, &mut sealed)
                .map_err(|_| self.source.changed())?;
            if index >= *self.recorded as u64 {
                fresh.push(hash);
            }
            if let Some(part) = self.part(index, sealed) {
                batch.push(part);
            }
            if (last || batch.len() == BATCH) && !self.flush(&mut batch, &mut fresh)? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// What of piece `index` is to be handed out.
    fn part(&self, index: u64, sealed: Vec<u8>) -> Option<Bytes> {
        let start = piece_range(index, u64::MAX).start;
        let skip = usize::try_from(self.offset.saturating_sub(start)).unwrap_or(usize::MAX);
        let part = Bytes::from(sealed);
        (skip < part.len()).then(|| part.slice(skip..))
    }

    /// Records what was sealed, then hands it out; false when nobody wants it.
    fn flush(&mut self, batch: &mut Vec<Bytes>, fresh: &mut Vec<Hash>) -> Result<bool, Error> {
        if let Some(list) = self.list
            && !fresh.is_empty()
        {
            list.append(fresh)?;
        }
        *self.recorded += fresh.len();
        fresh.clear();
        Ok(batch.drain(..).all(|part| self.outlet.is_some_and(|outlet| outlet.give(part))))
    }

    fn read_fault(&self, error: &io::Error) -> Error {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => self.source.changed(),
            _ => file_error(Word::CannotRead, &self.source.path, error),
        }
    }
}

#[cfg(test)]
mod tests;
