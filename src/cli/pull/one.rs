//! One document from its signature to its file.

use http::Method;
use indicatif::ProgressBar;
use tokio::sync::mpsc;

use crate::api::DocumentInfo;
use crate::cli::error::Error;
use crate::cli::gateway::{Ask, read_body};
use crate::cli::reading::{Download, Said, Signed, envelope_error};
use crate::cli::signature::read_note;
use crate::cli::words::Word;
use crate::envelope::{DocumentOpener, Pieces, SealedPart};
use crate::ids::DocumentId;

use super::opening::Opening;
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
        let said = self.reading.verify(info).await?;
        let fault = match &said {
            Said::Signed(signed) if signed.sender_known => self.findings.fault(info, signed),
            Said::Signed(_) | Said::Raw => self.findings.unsigned_fault(info),
        };
        if let Some(word) = fault {
            return Err(Error::new(word).about(info.document));
        }
        let pulled = match said {
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
            from: signed.link.and_then(|_| read_note(&part.note).0).map(str::to_owned),
            request_link: signed.link,
            verified: signed.sender_known,
            reason: (!signed.sender_known).then_some("sender_unknown"),
            skipped,
        };
        let _turn = self.turn(folder.join(&name)).await;
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
        let arrived =
            Download::new(self.reading.session(), part.document, self.reason).run(parts).await;
        let opened =
            opened.await.map_err(|e| Error::new(Word::Internal).about("opening").because(e))?;
        match (arrived, opened) {
            // A connection that broke is why the document did not end.
            (Err(error), _) => Err(error),
            (Ok(()), opened) => opened,
        }
    }
}
