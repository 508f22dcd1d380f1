//! Documents of several pieces: a resumable upload, sealed while it is sent or sealed before.
//!
//! Invariant: what cannot go on exactly where it stood begins anew with a new key.

use crate::cli::error::Error;
use crate::cli::words::Word;
use crate::envelope::statement::Hash;
use crate::envelope::{DocumentSealer, payload_len, piece_count};
use crate::ids::DocumentId;

use super::Dispatch;
use super::complete::Delivery;
use super::feed::{Feed, Sealing};
use super::journal::{Entry, Journal, Resume, SEGMENT_PIECES, Sending};
use super::one::{Plain, SentFile};
use super::source::FileSource;
use super::spool::Spooled;
use super::tus::{self, Outcome, Patience, Upload};

impl Dispatch {
    pub(super) async fn send_spooled(
        &self,
        document: DocumentId,
        name: String,
        spooled: Spooled,
    ) -> Result<SentFile, Error> {
        let Spooled { file, length, size, sha256, sealer } = spooled;
        let header = self.header(&sealer)?;
        let plain = Plain { name, size, sha256 };
        let mut patience = Patience::new(self.retry_for, self.terminal);
        let total = header.len() as u64 + length;
        let bar = self.bars.add(&plain.name, total);
        let upload = Upload {
            line: &self.line,
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
        let (resumed, before, sending) = (false, false, None);
        Ok(SentFile { document, name, sha256, size, receipt, resumed, before, sending })
    }

    pub(super) async fn send_long_file(
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
        let mut patience = Patience::new(self.retry_for, self.terminal);
        let total = header.len() as u64 + length;
        let bar = self.bars.add(&entry.sending.name, total);
        let metadata = self.metadata(document);
        let upload = Upload { line: &self.line, metadata, header: &header, total, bar: &bar };
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
        self.finished(journal.as_mut(), &entry)?;
        let Plain { name, size, sha256 } = plain;
        let (resumed, before, sending) = (known.is_some(), false, Some(entry.sending));
        Ok(Some(SentFile { document, name, sha256, size, receipt, resumed, before, sending }))
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
        tus::cancel(&self.line, document).await;
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
            && let Some(at) = tus::offset(&self.line, entry.document).await?
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
