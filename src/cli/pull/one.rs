//! One document from its signature to its file.

use http::Method;
use indicatif::ProgressBar;
use tokio::sync::mpsc;

use crate::api::DocumentInfo;
use crate::cli::error::Error;
use crate::cli::gateway::{Ask, read_body};
use crate::cli::reading::{Download, Part, Said, Signed, envelope_error};
use crate::cli::words::Word;
use crate::envelope::statement::Hash;
use crate::envelope::{DocumentOpener, Pieces, SealedPart};
use crate::ids::DocumentId;

use super::writing::{Writing, already_there};
use super::{Pulled, Pulling, names};

/// Parts that wait to be opened.
const QUEUE: usize = 16;

impl Pulling<'_> {
    /// Pulls one document.
    ///
    /// # Errors
    /// What does not verify or cannot be opened; nothing is written then.
    pub(super) async fn one(&self, info: &DocumentInfo) -> Result<Pulled, Error> {
        let pulled = match self.reading.verify(info).await? {
            Said::Signed(signed) => self.signed(info, &signed).await?,
            Said::Raw => self.raw(info).await?,
        };
        let ask = Ask::new(Method::POST, format!("/documents/{}/pulled", info.document));
        self.reading.session().answer(&ask).await?;
        Ok(pulled)
    }

    async fn signed(&self, info: &DocumentInfo, signed: &Signed) -> Result<Pulled, Error> {
        let document = info.document;
        let fault = |e| envelope_error(e, document);
        let (key, header) = self.reading.file_key(info)?;
        let strength = header.strength().map_err(fault)?;
        let pieces = self.pieces(document).await?;
        let opener = DocumentOpener::new(key, signed.pins.clone(), pieces).map_err(fault)?;
        let sealed =
            info.sealed.as_ref().ok_or_else(|| Error::new(Word::SealedPartBad).about(document))?;
        let part = opener.open_sealed_part(&sealed.0, signed.sealed).map_err(fault)?;
        if part.size != opener.plaintext_len() {
            return Err(Error::new(Word::SealedPartBad).about(document));
        }
        let folder = self.folder(info.client, signed.period, signed.category)?;
        let name = names::safe(&part.name, &document.to_string());
        let pulled = |path, skipped| Pulled {
            path,
            name: part.name.clone(),
            size: part.size,
            sha256: part.sha256,
            period: signed.period,
            category: signed.category,
            sender: signed.sender,
            verified: signed.sender_known,
            reason: (!signed.sender_known).then_some("sender_unknown"),
            skipped,
        };
        let (in_folder, named) = (folder.clone(), name.clone());
        let (size, sha256) = (part.size, part.sha256);
        let there =
            tokio::task::spawn_blocking(move || already_there(&in_folder, &named, size, sha256))
                .await;
        // The commitment holds, so this is the key that was signed.
        let recovery = self.recovery_header(info, opener.file_key(), strength).await?;
        if let Ok(Some(path)) = there {
            self.unproven.lock().await.extend(recovery);
            return Ok(pulled(path, true));
        }
        let writing = Writing::begin(&folder)?;
        let bar = self.bars.add(&name, info.length);
        let path = self.download(opener, &part, writing, &name, &bar).await;
        bar.finish_and_clear();
        let path = path?;
        self.unproven.lock().await.extend(recovery);
        Ok(pulled(path, false))
    }

    async fn pieces(&self, document: DocumentId) -> Result<Pieces, Error> {
        let ask = Ask::get(format!("/documents/{document}/pieces"));
        let bytes = read_body(self.reading.session().answer(&ask).await?).await?;
        Pieces::from_bytes(&bytes).map_err(|e| envelope_error(e, document))
    }

    async fn download(
        &self,
        opener: DocumentOpener,
        part: &SealedPart,
        writing: Writing,
        name: &str,
        bar: &ProgressBar,
    ) -> Result<std::path::PathBuf, Error> {
        let (parts, received) = mpsc::channel(QUEUE);
        let opening = Opening {
            document: part.document,
            opener,
            writing,
            bar: bar.clone(),
            size: part.size,
            sha256: part.sha256,
            name: name.to_owned(),
        };
        let opened = tokio::task::spawn_blocking(move || opening.run(received));
        let arrived = Download::new(self.reading.session(), part.document).run(parts).await;
        let opened =
            opened.await.map_err(|e| Error::new(Word::Internal).about("opening").because(e))?;
        match (arrived, opened) {
            // A connection that broke is why the document did not end.
            (Err(error), _) => Err(error),
            (Ok(()), opened) => opened,
        }
    }
}

/// Opens a document beside the runtime, piece by piece.
struct Opening {
    document: DocumentId,
    opener: DocumentOpener,
    writing: Writing,
    bar: ProgressBar,
    size: u64,
    sha256: Hash,
    name: String,
}

impl Opening {
    fn run(mut self, mut received: mpsc::Receiver<Part>) -> Result<std::path::PathBuf, Error> {
        let document = self.document;
        let fault = |e| envelope_error(e, document);
        let (mut piece, mut plaintext) = (Vec::new(), Vec::new());
        let (mut index, count) = (0, self.opener.piece_count());
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
        self.opener.finish(self.size, self.sha256).map_err(fault)?;
        self.writing.keep_as(&self.name)
    }

    fn length(&self, index: u64) -> usize {
        let range = self.opener.piece_range(index);
        usize::try_from(range.end - range.start).unwrap_or(0)
    }
}
