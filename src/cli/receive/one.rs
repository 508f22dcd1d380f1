//! One shared document, from its header to its file.

use std::path::{Path, PathBuf};

use http::{HeaderName, HeaderValue};
use tokio::sync::mpsc;

use super::link::ShareLink;
use crate::api::LEASE_HEADER;
use crate::cli::bars::Bars;
use crate::cli::error::{Error, Exit};
use crate::cli::gateway::{Ask, Gateway, read_body};
use crate::cli::pull::names;
use crate::cli::pull::opening::Opening;
use crate::cli::pull::writing::{Writing, already_there};
use crate::cli::reading::{Download, Part, envelope_error};
use crate::cli::words::Word;
use crate::envelope::{DocumentOpener, Identity, Pieces};
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
    pub(super) skipped: bool,
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
            return Ok(Received { path, skipped: true });
        }
        let pieces = self.pieces(listed).await?;
        let writing = Writing::begin(self.to)?;
        let bar = self.bars.add(&name, pins.length);
        let (parts, mut received) = mpsc::channel(QUEUE);
        let identities: Vec<Identity> = self.link.secrets.keys.identities();
        let shown = bar.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let Some(Part::Header(header)) = received.blocking_recv() else {
                return Err(Error::new(Word::Unreachable).because("no header"));
            };
            let key = header
                .open(&identities)
                .map_err(|e| Error::new(Word::ShareUnverified).about("header").because(e))?;
            let opener =
                DocumentOpener::new(key, pins, pieces).map_err(|e| envelope_error(e, document))?;
            if opener.plaintext_len() != size {
                return Err(Error::new(Word::ShareUnverified).about("size"));
            }
            Opening { document, opener, writing, bar: shown, size, sha256, name }.run(received)
        });
        let path = format!("/shares/{}/{document}/age", self.link.id);
        let download = Download::leased(self.gateway, path, self.proof.clone(), document);
        let arrived = download.run(parts).await;
        let opened =
            opened.await.map_err(|e| Error::new(Word::Internal).about("opening").because(e))?;
        bar.finish_and_clear();
        let path = match (arrived, opened) {
            // What does not verify is told before a connection that broke.
            (_, Err(error)) if error.exit() == Exit::Unverified => Err(error),
            (Err(error), _) => Err(ended(error)),
            (Ok(()), opened) => opened,
        }?;
        Ok(Received { path, skipped: false })
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

/// What is not found under a lease has ended.
pub(super) fn ended(error: Error) -> Error {
    if error.word() == Word::NotFound { Error::new(Word::ShareNotOpen) } else { error }
}
