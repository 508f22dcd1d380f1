//! Documents of one piece: sealed in memory and sent in one request. Never resumed: sent again
//! they are sealed anew, under another key.

use zeroize::Zeroizing;

use crate::cli::error::{Error, file_error};
use crate::cli::words::Word;
use crate::envelope::statement::Hash;
use crate::envelope::{DocumentSealer, PIECE_PLAINTEXT_BYTES, Pieces};
use crate::ids::DocumentId;

use super::Dispatch;
use super::complete::Delivery;
use super::journal::{Entry, Journal, Sending};
use super::one::{Plain, SentFile};
use super::source::FileSource;
use super::tus::{self, Patience};

impl Dispatch {
    /// A document of one piece, sealed in memory and sent in one request.
    pub(super) async fn send_small(
        &self,
        document: DocumentId,
        sealer: &DocumentSealer,
        payload: &[u8],
        plain: Plain,
    ) -> Result<SentFile, Error> {
        let header = self.header(sealer)?;
        let sealed = self.sealed(document, sealer, payload.len() as u64, &plain)?;
        let mut patience = Patience::new(self.retry_for, self.terminal);
        let delivery = Delivery::Whole { header: &header, payload };
        let receipt = self.complete(&sealed, delivery, &mut patience).await?;
        let Plain { name, size, sha256 } = plain;
        let (resumed, before, sending) = (false, false, None);
        Ok(SentFile { document, name, sha256, size, receipt, resumed, before, sending })
    }

    pub(super) async fn send_short_file(
        &self,
        source: FileSource,
        sending: Sending,
        mut journal: Option<Journal>,
        before: Option<Entry>,
    ) -> Result<SentFile, Error> {
        if let Some(before) = before {
            tus::cancel(&self.line, before.document).await;
        }
        let plaintext = read_whole(&source)?;
        let plain = Plain {
            name: sending.name.clone(),
            size: plaintext.len() as u64,
            sha256: Hash::of(&plaintext),
        };
        let (sealer, payload) = seal_whole(&plaintext)?;
        let document = DocumentId::random();
        let mut entry = self.entry(sending, &source, document, &sealer);
        entry.sha256 = Some(plain.sha256);
        if let Some(journal) = &mut journal {
            journal.begin(&entry)?;
        }
        let mut sent = self.send_small(document, &sealer, &payload, plain).await?;
        self.finished(journal.as_mut(), &entry)?;
        sent.sending = Some(entry.sending);
        Ok(sent)
    }
}

pub(super) fn seal_whole(plaintext: &[u8]) -> Result<(DocumentSealer, Vec<u8>), Error> {
    let mut sealer = DocumentSealer::new();
    let mut payload = Vec::with_capacity(plaintext.len() + 512);
    sealer
        .seal_piece(0, plaintext, true, &mut payload)
        .map_err(|e| Error::new(Word::Internal).about("seal").because(e))?;
    debug_assert_eq!(Pieces { hashes: vec![Hash::of(&payload)] }, sealer.pieces());
    Ok((sealer, payload))
}

/// The whole of a short file, when it is as long as it looked and nobody wrote to it.
fn read_whole(source: &FileSource) -> Result<Zeroizing<Vec<u8>>, Error> {
    use std::io::Read;
    let limit = PIECE_PLAINTEXT_BYTES as u64 + 1;
    // As long as it may get: a buffer that grows leaves copies behind that nobody clears.
    let mut plaintext = Zeroizing::new(Vec::with_capacity(PIECE_PLAINTEXT_BYTES + 1));
    (&source.file)
        .take(limit)
        .read_to_end(&mut plaintext)
        .map_err(|e| file_error(Word::CannotRead, &source.path, &e))?;
    if plaintext.len() as u64 != source.look.size || !source.is_unchanged() {
        return Err(source.changed());
    }
    Ok(plaintext)
}
