//! One shared document, from its header to its file. What was fetched of a long one before the
//! program ended stands in a hidden file of the folder, opened piece by piece; every piece is
//! sealed again and compared with the pinned hash before it counts.

use std::path::{Path, PathBuf};

use http::{HeaderName, HeaderValue};
use indicatif::ProgressBar;
use tokio::sync::mpsc;
use tokio::task::JoinError;

use super::link::ShareLink;
use crate::api::LEASE_HEADER;
use crate::cli::bars::Bars;
use crate::cli::error::Error;
use crate::cli::gateway::{Ask, Gateway, read_body};
use crate::cli::pull::names;
use crate::cli::pull::opening::Opening;
use crate::cli::pull::writing::{Writing, already_there};
use crate::cli::reading::{Download, Part, envelope_error};
use crate::cli::words::Word;
use crate::envelope::statement::Hash;
use crate::envelope::{DocumentOpener, DocumentPins, Header, Identity, Pieces};
use crate::ids::DocumentId;
use crate::trust::share::ListedDocument;

/// Parts that wait to be opened.
const QUEUE: usize = 16;

/// Fetches in the name of one lease.
pub(super) struct Receiving<'a> {
    pub(super) gateway: &'a Gateway,
    pub(super) link: &'a ShareLink,
    pub(super) proof: HeaderValue,
    pub(super) to: &'a Path,
    pub(super) bars: Bars,
}

/// A document on this disk.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) path: PathBuf,
    /// It was there already.
    pub(super) skipped: bool,
    /// An earlier run had fetched a part of it.
    pub(super) resumed: bool,
}

/// What the sharer listed of a document, and how it will be called here.
struct Wanted {
    pins: DocumentPins,
    pieces: Pieces,
    size: u64,
    sha256: Hash,
    name: String,
}

impl Wanted {
    /// Opens the pieces, when `header` is for the share and its key is the one that was listed.
    fn opener(&self, header: &Header, identities: &[Identity]) -> Result<DocumentOpener, Error> {
        let unverified = || Error::new(Word::ShareUnverified);
        let key = header.open(identities).map_err(|e| unverified().about("header").because(e))?;
        let document = self.pins.document;
        let opener = DocumentOpener::new(key, self.pins.clone(), self.pieces.clone())
            .map_err(|e| envelope_error(e, document))?;
        if opener.plaintext_len() == self.size {
            Ok(opener)
        } else {
            Err(unverified().about("size"))
        }
    }

    fn opening(self, opener: DocumentOpener, writing: Writing, bar: ProgressBar) -> Opening {
        let Self { pins, size, sha256, name, .. } = self;
        Opening { document: pins.document, opener, writing, bar, size, sha256, name }
    }
}

impl Receiving<'_> {
    /// Fetches one document, unless it is there already.
    ///
    /// # Errors
    /// [`Word::ShareUnverified`] when it is not what the sharer listed; nothing is written then.
    pub(super) async fn one(&self, listed: &ListedDocument) -> Result<Received, Error> {
        let document = listed.document;
        let bad = |what: &str| Error::new(Word::ShareUnverified).about(what);
        let pins = listed.pins().ok_or_else(|| bad("size"))?;
        let name = names::safe(&listed.name, &document.to_string());
        let (folder, named) = (self.to.to_owned(), name.clone());
        let (size, sha256) = (listed.size, listed.sha256);
        let there =
            tokio::task::spawn_blocking(move || already_there(&folder, &named, size, sha256)).await;
        if let Ok(Some(path)) = there {
            return Ok(Received { path, skipped: true, resumed: false });
        }
        let pieces = self.pieces(listed).await?;
        let bar = self.bars.add(&name, pins.length);
        let path = format!("/shares/{}/{document}/age", self.link.id);
        let download = Download::leased(self.gateway, path, self.proof.clone(), document);
        let wanted = Wanted { pins, pieces, size, sha256, name };
        let received = if wanted.pieces.hashes.len() > 1 {
            self.long(wanted, download, &bar).await
        } else {
            self.short(wanted, download, &bar).await
        };
        bar.finish_and_clear();
        received
    }

    /// One piece: fetched in one go, or again from its beginning.
    async fn short(
        &self,
        wanted: Wanted,
        download: Download<'_>,
        bar: &ProgressBar,
    ) -> Result<Received, Error> {
        let document = wanted.pins.document;
        let writing = Writing::begin(self.to)?;
        let (parts, mut received) = mpsc::channel(QUEUE);
        let (identities, bar) = (self.link.secrets.keys.identities(), bar.clone());
        let opened = tokio::task::spawn_blocking(move || {
            let Some(Part::Header(header)) = received.blocking_recv() else { return Ok(None) };
            let opener = wanted.opener(&header, &identities)?;
            wanted.opening(opener, writing, bar).advance(received)
        });
        let path = finished(document, download.run(parts).await, opened.await)?;
        Ok(Received { path, skipped: false, resumed: false })
    }

    /// Many pieces: those that an earlier run left here are checked again and not fetched again.
    async fn long(
        &self,
        wanted: Wanted,
        mut download: Download<'_>,
        bar: &ProgressBar,
    ) -> Result<Received, Error> {
        let document = wanted.pins.document;
        let header = download.header().await.map_err(ended)?;
        let mut opener = wanted.opener(&header, &self.link.secrets.keys.identities())?;
        let part = format!(".strongroom-receive-{}-{document}.part", self.link.id);
        let (folder, part) = (self.to.to_owned(), self.to.join(part));
        let begun = tokio::task::spawn_blocking(move || {
            let writing = match Writing::resume(&part, &mut opener)? {
                Some(writing) => writing,
                // Another command is at it: this one fetches for itself.
                None => Writing::begin(&folder)?,
            };
            Ok((opener, writing))
        });
        let (opener, writing) = begun.await.map_err(stopped)??;
        let (next, count) = (opener.next_piece(), opener.piece_count());
        let offset = opener.piece_range(next).start;
        bar.inc(offset);
        let (parts, received) = mpsc::channel(QUEUE);
        let opening = wanted.opening(opener, writing, bar.clone());
        let opened = tokio::task::spawn_blocking(move || opening.advance(received));
        let arrived = if next == count {
            drop(parts);
            Ok(())
        } else {
            download.starting_at(offset).run(parts).await
        };
        let path = finished(document, arrived, opened.await)?;
        Ok(Received { path, skipped: false, resumed: next > 0 })
    }

    async fn pieces(&self, listed: &ListedDocument) -> Result<Pieces, Error> {
        let path = format!("/shares/{}/{}/pieces", self.link.id, listed.document);
        let name = HeaderName::from_static(LEASE_HEADER);
        let ask = Ask::get(path).with(name, self.proof.clone());
        let answer = self.gateway.answer(&ask, None).await.map_err(ended)?;
        let bytes = read_body(answer).await?;
        Pieces::from_bytes(&bytes)
            .map_err(|e| Error::new(Word::ShareUnverified).about("pieces").because(e))
    }
}

/// A task beside the runtime that did not end as it should.
fn stopped(error: JoinError) -> Error {
    Error::new(Word::Internal).about("opening").because(error)
}

/// How it went, when one side fetched and the other opened.
fn finished(
    document: DocumentId,
    arrived: Result<(), Error>,
    opened: Result<Result<Option<PathBuf>, Error>, JoinError>,
) -> Result<PathBuf, Error> {
    match (arrived, opened.map_err(stopped)?) {
        // What does not verify is told before a connection that broke.
        (_, Err(error)) => Err(error),
        (_, Ok(Some(path))) => Ok(path),
        (Err(error), Ok(None)) => Err(ended(error)),
        (Ok(()), Ok(None)) => {
            Err(Error::new(Word::Damaged).about(document).because("it ends early"))
        }
    }
}

/// What is not found under a lease has ended.
pub(super) fn ended(error: Error) -> Error {
    if error.word() == Word::NotFound { Error::new(Word::ShareNotOpen) } else { error }
}
