//! Opens one document piece by piece, beside the runtime.
//!
//! Invariant: a piece's hash agrees before its plaintext is written, and the hash of the whole
//! before the file gets a name.

use std::path::PathBuf;

use indicatif::ProgressBar;
use tokio::sync::mpsc;

use super::writing::Writing;
use crate::cli::error::{Error, Exit};
use crate::cli::reading::{Part, envelope_error};
use crate::cli::words::Word;
use crate::envelope::DocumentOpener;
use crate::envelope::statement::Hash;
use crate::ids::DocumentId;

/// Opens a document beside the runtime, piece by piece.
pub(in crate::cli) struct Opening {
    /// Which.
    pub(in crate::cli) document: DocumentId,
    /// Checks and opens its pieces.
    pub(in crate::cli) opener: DocumentOpener,
    /// Where it goes.
    pub(in crate::cli) writing: Writing,
    /// Shows how far it is.
    pub(in crate::cli) bar: ProgressBar,
    /// Bytes of the file.
    pub(in crate::cli) size: u64,
    /// SHA-256 of the file.
    pub(in crate::cli) sha256: Hash,
    /// What it will be called.
    pub(in crate::cli) name: String,
}

impl Opening {
    /// Takes parts until they end, and keeps the file when all of it agrees; headers are passed
    /// over.
    ///
    /// # Errors
    /// What does not agree or ends too early; nothing is written then.
    pub(in crate::cli) fn run(self, received: mpsc::Receiver<Part>) -> Result<PathBuf, Error> {
        let document = self.document;
        let early = || Error::new(Word::Damaged).about(document).because("it ends early");
        self.advance(received)?.ok_or_else(early)
    }

    /// The same, but `None` when the parts end before the document: what was written stays where
    /// a later run can go on with it.
    ///
    /// # Errors
    /// What does not agree; nothing stays written then.
    pub(in crate::cli) fn advance(
        mut self,
        received: mpsc::Receiver<Part>,
    ) -> Result<Option<PathBuf>, Error> {
        let document = self.document;
        let whole = match self.take(received) {
            Ok(whole) => whole,
            Err(error) => {
                if error.exit() == Exit::Unverified {
                    self.writing.discard();
                }
                return Err(error);
            }
        };
        if !whole {
            return Ok(None);
        }
        if let Err(fault) = self.opener.finish(self.size, self.sha256) {
            self.writing.discard();
            return Err(envelope_error(fault, document));
        }
        self.writing.keep_as(&self.name).map(Some)
    }

    /// Takes parts until they end; whether that was all of them.
    fn take(&mut self, mut received: mpsc::Receiver<Part>) -> Result<bool, Error> {
        let document = self.document;
        let fault = |e| envelope_error(e, document);
        let (mut piece, mut plaintext) = (Vec::new(), Vec::new());
        let (mut index, count) = (self.opener.next_piece(), self.opener.piece_count());
        let mut wanted = self.length(index);
        while let Some(part) = received.blocking_recv() {
            let Part::Payload(bytes) = part else { continue };
            self.bar.inc(bytes.len() as u64);
            let mut bytes = &bytes[..];
            while !bytes.is_empty() {
                if index == count {
                    // More than was signed.
                    return Err(Error::new(Word::Damaged).about(document));
                }
                let (now, later) = bytes.split_at(bytes.len().min(wanted - piece.len()));
                piece.extend_from_slice(now);
                bytes = later;
                if piece.len() == wanted {
                    plaintext.clear();
                    self.opener.open_next_piece(&piece, &mut plaintext).map_err(fault)?;
                    self.writing.write(&plaintext)?;
                    piece.clear();
                    index += 1;
                    wanted = self.length(index);
                }
            }
        }
        Ok(index == count)
    }

    fn length(&self, index: u64) -> usize {
        let range = self.opener.piece_range(index);
        usize::try_from(range.end - range.start).unwrap_or(0)
    }
}
