//! One file from its name to its receipt.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::api::uploads::UploadMetadata;
use crate::cli::error::{Error, file_error};
use crate::cli::words::Word;
use crate::envelope::statement::{Hash, SealLevel};
use crate::envelope::{
    DocumentSealer, PIECE_PLAINTEXT_BYTES, Pieces, SealedPart, payload_len, piece_count,
};
use crate::ids::DocumentId;

use super::complete::{Delivery, Sealed};
use super::feed::{Feed, Sealing};
use super::journal::{Entry, Journal, Resume, SEGMENT_PIECES, Sending};
use super::source::{FileSource, Source, media_type, sealed_name};
use super::spool::{self, Spooled, Stream};
use super::tus::{self, Outcome, Patience, Upload};
use super::{Dispatch, Row};

/// How often a file is begun anew because it changed, or because its upload is gone.
const ROUNDS: usize = 3;

/// A file that is durable on the gateway.
#[derive(Debug)]
pub(super) struct SentFile {
    document: DocumentId,
    name: String,
    sha256: Hash,
    size: u64,
    receipt: PathBuf,
    resumed: bool,
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
    }
}

/// What is known of a document when all of it is sealed.
struct Plain {
    name: String,
    size: u64,
    sha256: Hash,
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
                Source::File(source) => self.send_regular(source).await,
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

    fn metadata(&self, document: DocumentId) -> UploadMetadata {
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

    fn sealed(
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

    fn header(&self, sealer: &DocumentSealer) -> Result<Vec<u8>, Error> {
        let header = sealer
            .header(&self.recipients)
            .map_err(|e| Error::new(Word::BadDirectory).because(e))?;
        Ok(header.as_bytes().to_vec())
    }

    /// A document of one piece, sealed in memory and sent in one request.
    async fn send_small(
        &self,
        document: DocumentId,
        sealer: &DocumentSealer,
        payload: &[u8],
        plain: Plain,
    ) -> Result<SentFile, Error> {
        let header = self.header(sealer)?;
        let sealed = self.sealed(document, sealer, payload.len() as u64, &plain)?;
        let mut patience = Patience::new(self.retry_for);
        let delivery = Delivery::Whole { header: &header, payload };
        let receipt = self.complete(&sealed, delivery, &mut patience).await?;
        let Plain { name, size, sha256 } = plain;
        Ok(SentFile { document, name, sha256, size, receipt, resumed: false })
    }

    async fn send_stream(&self, path: &Path, input: std::fs::File) -> Result<SentFile, Error> {
        let name = sealed_name(path, self.place.name.as_deref());
        let profile = self.session.profile().clone();
        let stream = tokio::task::spawn_blocking(move || spool::read(&profile, input))
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

    async fn send_spooled(
        &self,
        document: DocumentId,
        name: String,
        spooled: Spooled,
    ) -> Result<SentFile, Error> {
        let Spooled { file, length, size, sha256, sealer } = spooled;
        let header = self.header(&sealer)?;
        let plain = Plain { name, size, sha256 };
        let mut patience = Patience::new(self.retry_for);
        let total = header.len() as u64 + length;
        let bar = self.bar(&plain.name, total);
        let upload = Upload {
            session: &self.session,
            metadata: self.metadata(document),
            header: &header,
            total,
            bar: &bar,
        };
        let sent = upload.run(Feed::Spool(file), None, &mut patience).await;
        bar.finish_and_clear();
        if sent?.1 == Outcome::Gone {
            return Err(Error::new(Word::NotFound));
        }
        let sealed = self.sealed(document, &sealer, length, &plain)?;
        let receipt = self.complete(&sealed, Delivery::Uploaded, &mut patience).await?;
        let Plain { name, size, sha256 } = plain;
        Ok(SentFile { document, name, sha256, size, receipt, resumed: false })
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
        let mut journal = Journal::take(self.session.profile(), &sending)?;
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
        journal.discard()?;
        Ok(Some(SentFile {
            document: entry.document,
            name: entry.sending.name.clone(),
            sha256,
            size: entry.look.size,
            receipt,
            resumed: true,
        }))
    }

    fn entry(
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

    async fn send_short_file(
        &self,
        source: FileSource,
        sending: Sending,
        mut journal: Option<Journal>,
        before: Option<Entry>,
    ) -> Result<SentFile, Error> {
        if let Some(before) = before {
            tus::cancel(&self.session, before.document).await;
        }
        let plaintext = read_whole(&source)?;
        let plain = Plain {
            name: sending.name.clone(),
            size: plaintext.len() as u64,
            sha256: Hash::of(&plaintext),
        };
        let (sealer, payload) = seal_whole(&plaintext)?;
        let document = DocumentId::random();
        if let Some(journal) = &mut journal {
            let mut entry = self.entry(sending, &source, document, &sealer);
            entry.sha256 = Some(plain.sha256);
            journal.begin(&entry)?;
        }
        let sent = self.send_small(document, &sealer, &payload, plain).await?;
        if let Some(journal) = &mut journal {
            journal.discard()?;
        }
        Ok(sent)
    }

    async fn send_long_file(
        &self,
        source: FileSource,
        sending: Sending,
        mut journal: Option<Journal>,
        before: Option<Entry>,
    ) -> Result<Option<SentFile>, Error> {
        let size = source.look.size;
        let length = payload_len(size)
            .ok_or_else(|| Error::new(Word::TooLargeHere).about_path(&source.path))?;
        let resumed = self.resume(&source, journal.as_mut(), before).await?;
        let known = resumed.as_ref().map(|resumed| resumed.at);
        let (mut entry, sealer, header) = match resumed {
            Some(Resumed { entry, sealer, header, .. }) => (entry, sealer, header),
            None => {
                let sealer = DocumentSealer::new();
                let header = self.header(&sealer)?;
                let mut entry = self.entry(sending, &source, DocumentId::random(), &sealer);
                if piece_count(length) > SEGMENT_PIECES {
                    entry.resume = Some(Resume::new(sealer.file_key(), &header));
                }
                if let Some(journal) = &mut journal {
                    journal.begin(&entry)?;
                }
                (entry, sealer, header)
            }
        };
        let document = entry.document;
        let list = journal.as_ref().map(Journal::piece_list).transpose()?.flatten();
        let feed = Feed::Sealing(Box::new(Sealing::new(source, sealer, list)));
        let mut patience = Patience::new(self.retry_for);
        let total = header.len() as u64 + length;
        let bar = self.bar(&entry.sending.name, total);
        let metadata = self.metadata(document);
        let upload = Upload { session: &self.session, metadata, header: &header, total, bar: &bar };
        let uploaded = upload.run(feed, known, &mut patience).await;
        bar.finish_and_clear();
        let sealing = match uploaded {
            Ok((Feed::Sealing(sealing), Outcome::Whole)) => sealing,
            Ok(_) => return self.begin_anew(journal.as_mut(), document).await.map(|()| None),
            Err(error) if error.word() == Word::FileChanged => {
                self.begin_anew(journal.as_mut(), document).await?;
                return Err(error);
            }
            Err(error) => return Err(error),
        };
        let (sealing, sha256) = match read_to_the_end(sealing).await {
            (sealing, Ok(sha256)) => (sealing, sha256),
            (_, Err(error)) => {
                self.begin_anew(journal.as_mut(), document).await?;
                return Err(error);
            }
        };
        let plain = Plain { name: entry.sending.name.clone(), size, sha256 };
        let sealed = self.sealed(document, sealing.sealer(), length, &plain)?;
        entry.sha256 = Some(sha256);
        if let Some(journal) = &journal {
            journal.update(&entry)?;
        }
        let receipt = self.complete(&sealed, Delivery::Uploaded, &mut patience).await?;
        if let Some(journal) = &mut journal {
            journal.discard()?;
        }
        let Plain { name, size, sha256 } = plain;
        let resumed = known.is_some();
        Ok(Some(SentFile { document, name, sha256, size, receipt, resumed }))
    }

    /// Forgets a document that will not be finished: its key is never used again.
    async fn begin_anew(
        &self,
        journal: Option<&mut Journal>,
        document: DocumentId,
    ) -> Result<(), Error> {
        if let Some(journal) = journal {
            journal.discard()?;
        }
        tus::cancel(&self.session, document).await;
        Ok(())
    }

    /// What a journal lets go on; everything else in it is forgotten.
    async fn resume(
        &self,
        source: &FileSource,
        journal: Option<&mut Journal>,
        entry: Option<Entry>,
    ) -> Result<Option<Resumed>, Error> {
        let (Some(journal), Some(entry)) = (journal, entry) else { return Ok(None) };
        let sealer = journal.resume(&entry, source, &self.fingerprints);
        if let (Some(sealer), Some(resume)) = (sealer, &entry.resume)
            && let Some(at) = tus::offset(&self.session, entry.document).await?
        {
            let header = resume.header.0.clone();
            return Ok(Some(Resumed { sealer, header, at, entry }));
        }
        self.begin_anew(Some(journal), entry.document).await?;
        Ok(None)
    }
}

struct Resumed {
    entry: Entry,
    sealer: DocumentSealer,
    header: Vec<u8>,
    at: u64,
}

fn seal_whole(plaintext: &[u8]) -> Result<(DocumentSealer, Vec<u8>), Error> {
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
    let mut plaintext = Zeroizing::new(Vec::new());
    (&source.file)
        .take(limit)
        .read_to_end(&mut plaintext)
        .map_err(|e| file_error(Word::CannotRead, &source.path, &e))?;
    if plaintext.len() as u64 != source.look.size || !source.is_unchanged() {
        return Err(source.changed());
    }
    Ok(plaintext)
}

/// After an upload: the hash of the plaintext. Where an earlier command had sent everything,
/// nothing was read yet, so it is read and compared now.
async fn read_to_the_end(mut sealing: Box<Sealing>) -> (Box<Sealing>, Result<Hash, Error>) {
    let done = tokio::task::spawn_blocking(move || {
        let hash = sealing.read_rest().and_then(|()| sealing.finish());
        (sealing, hash)
    })
    .await;
    match done {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
