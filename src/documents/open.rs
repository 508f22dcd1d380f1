//! Opening: `header ‖ payload` as one ordinary age file. The opening is in the audit log
//! before the first byte leaves.

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};

use crate::access::Action;
use crate::envelope::Pieces;
use crate::envelope::statement::Hash;
use crate::ids::DocumentId;
use crate::objects::{self, ObjectKey, Span, read_spans};
use crate::store::{Document, Segment, Tx};

use super::periods::reason_for;
use super::{Asker, Documents, Error, allow, commit, record};

/// A document that the asker may read: its caller's header and where its payload lies.
#[derive(Debug)]
pub struct Readable {
    header: Bytes,
    segments: Vec<Segment>,
    length: u64,
    etag: String,
}

/// Bytes of a document as they are read.
pub type Opened = std::pin::Pin<Box<dyn Stream<Item = Result<Bytes, objects::Error>> + Send>>;

impl Readable {
    /// A document with the header that somebody was found to be entitled to.
    pub fn new(header: Vec<u8>, document: &Document, segments: Vec<Segment>) -> Self {
        let mut identity = header.clone();
        identity.extend_from_slice(&document.pieces.map_or([0; 32], |hash| hash.0));
        let etag = format!("\"{}\"", &Hash::of(&identity).to_string()[..32]);
        let length = header.len() as u64 + document.length;
        Self { header: header.into(), segments, length, etag }
    }

    /// Bytes of `header ‖ payload`.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// A strong ETag, its quotes included: over the header too, for another header makes
    /// other bytes.
    pub fn etag(&self) -> &str {
        &self.etag
    }
}

impl Documents {
    /// What `asker` may read of a document; nothing of it is opened.
    pub async fn readable(&self, asker: Asker, id: DocumentId) -> Result<Readable, Error> {
        let mut tx = self.inner.store.read().await?;
        Ok(self.readable_in(&mut tx, asker, id).await?.0)
    }

    /// Opens a document: that is an audit entry, and the document counts as opened unless its
    /// sender looks at it. Where its period is closed, the firm's people have said why before.
    /// `choose` looks at what is there and says what of it is wanted; when
    /// it refuses, nothing was opened.
    pub async fn open<T, E: From<Error>>(
        &self,
        asker: Asker,
        id: DocumentId,
        choose: impl FnOnce(&Readable) -> Result<T, E>,
    ) -> Result<(Readable, T), E> {
        let now = self.now();
        let mut tx = self.inner.store.write().await.map_err(Error::from)?;
        let (readable, document) = self.readable_in(&mut tx, asker, id).await?;
        let chosen = choose(&readable)?;
        let reason = reason_for(&mut tx, asker, &document, now).await?;
        if document.sender != Some(asker.member) {
            tx.mark_opened(id, now).await.map_err(Error::from)?;
        }
        let mut event = asker
            .did("document.open")
            .client(document.client)
            .object(id)
            .sealed_as(document.manifest, document.commitment);
        if let Some(reason) = reason {
            event = event.with("purpose", reason);
        }
        record(&mut tx, now, event).await?;
        commit(tx).await?;
        Ok((readable, chosen))
    }

    async fn readable_in(
        &self,
        tx: &mut Tx,
        asker: Asker,
        id: DocumentId,
    ) -> Result<(Readable, Document), Error> {
        self.ready(tx).await?;
        let seen = tx.seen_document(id, asker.member).await?;
        allow(asker, Action::ReadDocument, &seen.facts)?;
        let header = seen.header.ok_or(Error::NotFound)?;
        let segments = tx.segments(id).await?;
        let document = seen.document;
        Ok((Readable::new(header, &document, segments), document))
    }

    /// The bytes `first .. first + length` of a readable document, in constant memory.
    pub async fn read(
        &self,
        readable: &Readable,
        first: u64,
        length: u64,
    ) -> Result<Opened, Error> {
        let (end, header_len) = (first + length, readable.header.len() as u64);
        let clip = |at: u64| usize::try_from(at.min(header_len)).unwrap_or_default();
        let head = readable.header.slice(clip(first)..clip(end));
        let (from, to) = (first.saturating_sub(header_len), end.saturating_sub(header_len));
        let mut spans = Vec::new();
        for segment in &readable.segments {
            let (a, b) = (from.max(segment.start), to.min(segment.start + segment.length));
            if a < b {
                let key = ObjectKey::parse(&segment.object)
                    .map_err(|_| Error::Store(crate::store::Error::Corrupt("segments.object")))?;
                spans.push(Span { key, start: a - segment.start, length: b - a });
            }
        }
        let payload = read_spans(&self.inner.objects, spans).await?;
        let head = stream::iter((!head.is_empty()).then_some(Ok(head)));
        Ok(Box::pin(head.chain(payload)))
    }

    /// The hashes of a document's pieces, 32 bytes each, for whoever may read it.
    pub async fn piece_hashes(&self, asker: Asker, id: DocumentId) -> Result<Vec<u8>, Error> {
        let mut tx = self.inner.store.read().await?;
        self.ready(&mut tx).await?;
        let seen = tx.seen_document(id, asker.member).await?;
        allow(asker, Action::ReadDocument, &seen.facts)?;
        let segments = tx.segments(id).await?;
        let hashes = segments.into_iter().flat_map(|s| s.pieces.hashes).collect();
        Ok(Pieces { hashes }.to_bytes())
    }
}
