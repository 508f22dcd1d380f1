//! One file from its name to its receipt.

use std::path::{Path, PathBuf};

use crate::api::uploads::UploadMetadata;
use crate::cli::error::{Error, file_error};
use crate::cli::words::Word;
use crate::envelope::statement::{Hash, SealLevel};
use crate::envelope::{DocumentSealer, PIECE_PLAINTEXT_BYTES, SealedPart};
use crate::ids::DocumentId;

use super::Dispatch;
use super::complete::Sealed;
use super::journal::{Entry, Journal, Sending};
use super::report::Row;
use super::short::seal_whole;
use super::source::{FileSource, Source, media_type, sealed_name};
use super::spool::{self, Stream};

/// How often a file is begun anew because it changed, or because its upload is gone.
const ROUNDS: usize = 3;

/// A file that is durable on the gateway.
#[derive(Debug)]
pub(super) struct SentFile {
    pub(super) document: DocumentId,
    pub(super) name: String,
    pub(super) sha256: Hash,
    pub(super) size: u64,
    pub(super) receipt: PathBuf,
    pub(super) resumed: bool,
    /// Whether an earlier command sent it.
    pub(super) before: bool,
    /// What its journal is kept under; none for streams.
    pub(super) sending: Option<Sending>,
}

impl SentFile {
    /// Writes what is known into the report.
    pub(super) fn fill(self, row: &mut Row) {
        row.document = Some(self.document);
        row.name = Some(self.name);
        row.sha256 = Some(self.sha256);
        row.size = Some(self.size);
        row.seal = Some(SealLevel::EndToEnd);
        row.receipt = Some(self.receipt);
        row.resumed = self.resumed;
        row.sent_before = self.before;
    }
}

/// What is known of a document when all of it is sealed.
pub(super) struct Plain {
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) sha256: Hash,
}

impl Dispatch {
    /// Sends one file.
    ///
    /// # Errors
    /// Why it was not sent; [`Word::FileChanged`] when it went on changing.
    pub(super) async fn send_file(&self, path: &Path) -> Result<SentFile, Error> {
        let mut rounds = 1;
        loop {
            let sent = match Source::open(path)? {
                Source::Stream(stream) => return self.send_stream(path, stream).await,
                Source::File(source) => {
                    self.fits_link(&source)?;
                    self.send_regular(source).await
                }
            };
            match sent {
                Ok(Some(sent)) => return Ok(sent),
                Ok(None) if rounds < ROUNDS => {}
                Ok(None) => return Err(Error::new(Word::NotFound)),
                Err(error) if error.word() == Word::FileChanged && rounds < ROUNDS => {}
                Err(error) => return Err(error),
            }
            rounds += 1;
        }
    }

    /// Refuses a file that is larger than everything the link takes; what it took before, only
    /// the gateway knows.
    fn fits_link(&self, source: &FileSource) -> Result<(), Error> {
        match self.most_bytes {
            Some(most) if source.look.size > most => {
                Err(Error::new(Word::LinkTooSmall).about_path(&source.path).about(most))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn metadata(&self, document: DocumentId) -> UploadMetadata {
        UploadMetadata {
            document,
            client: self.place.client,
            direction: self.place.direction,
            period: self.place.period,
            category: self.place.category,
        }
    }

    fn seal_part(
        &self,
        document: DocumentId,
        sealer: &DocumentSealer,
        plain: &Plain,
    ) -> Result<Vec<u8>, Error> {
        let part = SealedPart {
            document,
            commit: sealer.commitment(),
            name: plain.name.clone(),
            media_type: media_type(&plain.name).to_owned(),
            size: plain.size,
            sha256: plain.sha256,
            note: self.place.note.clone(),
        };
        sealer.seal_part(&part).map_err(|_| Error::new(Word::NameTooLong).about(&plain.name))
    }

    pub(super) fn sealed(
        &self,
        document: DocumentId,
        sealer: &DocumentSealer,
        length: u64,
        plain: &Plain,
    ) -> Result<Sealed, Error> {
        Ok(Sealed {
            document,
            nonce: sealer.nonce(),
            length,
            pieces: sealer.pieces().combined(),
            commit: sealer.commitment(),
            part: self.seal_part(document, sealer, plain)?,
        })
    }

    pub(super) fn header(&self, sealer: &DocumentSealer) -> Result<Vec<u8>, Error> {
        let header = sealer
            .header(&self.recipients)
            .map_err(|e| Error::new(Word::BadDirectory).because(e))?;
        Ok(header.as_bytes().to_vec())
    }

    async fn send_stream(&self, path: &Path, input: std::fs::File) -> Result<SentFile, Error> {
        let name = sealed_name(path, self.place.name.as_deref());
        let desk = self.desk.clone();
        let stream = tokio::task::spawn_blocking(move || spool::read(&desk, input))
            .await
            .map_err(|e| Error::new(Word::Internal).about("spool").because(e))??;
        let document = DocumentId::random();
        match stream {
            Stream::Short(plaintext) => {
                let (sealer, payload) = seal_whole(&plaintext)?;
                let size = plaintext.len() as u64;
                let plain = Plain { name, size, sha256: Hash::of(&plaintext) };
                self.send_small(document, &sealer, &payload, plain).await
            }
            Stream::Spooled(spooled) => self.send_spooled(document, name, spooled).await,
        }
    }

    /// A regular file; `None` when its upload has gone and it must begin anew.
    async fn send_regular(&self, source: FileSource) -> Result<Option<SentFile>, Error> {
        let absolute = std::fs::canonicalize(&source.path)
            .map_err(|e| file_error(Word::CannotRead, &source.path, &e))?;
        let sending = Sending {
            path: absolute,
            name: sealed_name(&source.path, self.place.name.as_deref()),
            client: self.place.client,
            direction: self.place.direction,
            period: self.place.period,
            category: self.place.category,
            note: self.place.note.clone(),
        };
        let mut journal = Journal::take(&self.desk, &sending)?;
        let entry = journal.as_ref().and_then(Journal::entry).filter(|e| e.sending == sending);
        if let (Some(journal), Some(entry)) = (&mut journal, &entry)
            && let Some(sent) = self.sent_before(journal, entry, &source).await?
        {
            return Ok(Some(sent));
        }
        if source.look.size <= PIECE_PLAINTEXT_BYTES as u64 {
            return self.send_short_file(source, sending, journal, entry).await.map(Some);
        }
        self.send_long_file(source, sending, journal, entry).await
    }

    /// What an earlier command sent although it did not live to see the answer.
    async fn sent_before(
        &self,
        journal: &mut Journal,
        entry: &Entry,
        source: &FileSource,
    ) -> Result<Option<SentFile>, Error> {
        let (Some(sha256), true) = (entry.sha256, entry.look == source.look) else {
            return Ok(None);
        };
        let Some(receipt) = self.finished_before(entry.document, entry.commit).await? else {
            return Ok(None);
        };
        self.finished(Some(journal), entry)?;
        Ok(Some(SentFile {
            document: entry.document,
            name: entry.sending.name.clone(),
            sha256,
            size: entry.look.size,
            receipt,
            resumed: true,
            before: true,
            sending: Some(entry.sending.clone()),
        }))
    }

    /// Ends the journal of a finished document: at once, or with the whole command.
    pub(super) fn finished(
        &self,
        journal: Option<&mut Journal>,
        entry: &Entry,
    ) -> Result<(), Error> {
        match journal {
            Some(journal) if self.several => journal.settle(entry.clone()),
            Some(journal) => journal.discard(),
            None => Ok(()),
        }
    }

    pub(super) fn entry(
        &self,
        sending: Sending,
        source: &FileSource,
        document: DocumentId,
        sealer: &DocumentSealer,
    ) -> Entry {
        Entry {
            sending,
            look: source.look,
            document,
            nonce: sealer.nonce(),
            commit: sealer.commitment(),
            recipients: self.fingerprints.clone(),
            resume: None,
            sha256: None,
        }
    }
}
