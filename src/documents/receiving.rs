//! A payload on its way in: while one segment is made durable and noted, the next arrives.
//!
//! Refuses bytes that begin like a known file. Invariant: segments are noted in order, each
//! only when it is durable, and never more than one is on its way while another arrives.

use bytes::Bytes;
use tokio::task::JoinHandle;

use crate::envelope::statement::{Nonce, SealLevel};
use crate::ids::DocumentId;
use crate::store::{self, Document, Segment};

use super::writing::{Closing, SEGMENT_BYTES, Sink, failed};
use super::{Documents, Error, admission};

/// The receiving end of one payload.
pub(super) struct Receiving {
    documents: Documents,
    document: DocumentId,
    seal: SealLevel,
    /// Nobody has said how long it is: the floor is looked at before every segment.
    unmeasured: bool,
    sink: Sink,
    beginning: Beginning,
    durable: u64,
    noting: Option<JoinHandle<Result<u64, Error>>>,
    /// Something could not be noted: what came after it is given up.
    broken: bool,
}

impl Receiving {
    /// Goes on where the payload of `row` is durable.
    pub(super) fn new(documents: &Documents, row: &Document) -> Result<Self, Error> {
        Ok(Self {
            documents: documents.clone(),
            document: row.id,
            seal: row.seal,
            unmeasured: row.length == 0,
            sink: Sink::new(documents.inner.objects.clone(), row.durable)?,
            beginning: Beginning { bytes: Vec::new(), known: row.durable > 0 },
            durable: row.durable,
            noting: None,
            broken: false,
        })
    }

    /// The same for a payload that is sealed here, with this nonce.
    pub(super) fn sealed_here(
        documents: &Documents,
        row: &Document,
        nonce: Nonce,
    ) -> Result<Self, Error> {
        let beginning = Beginning { bytes: nonce.0.to_vec(), known: true };
        Ok(Self { beginning, ..Self::new(documents, row)? })
    }

    /// Payload offset of the next byte.
    pub(super) fn at(&self) -> u64 {
        self.sink.at()
    }

    /// Takes the next bytes.
    pub(super) async fn take(&mut self, mut bytes: Bytes) -> Result<(), Error> {
        self.beginning.see(&bytes)?;
        while !bytes.is_empty() {
            if let Some(closing) = self.sink.push(&mut bytes).await? {
                self.note(closing).await?;
                if self.unmeasured {
                    self.documents.room_for(SEGMENT_BYTES)?;
                }
            }
        }
        Ok(())
    }

    /// The payload is whole. Returns where it ends when all of it is durable and noted.
    pub(super) async fn finish(&mut self) -> Result<u64, Error> {
        let closing = self.sink.finish();
        self.end(closing).await
    }

    /// The body broke off: whole pieces are kept. Returns where the durable ones end.
    pub(super) async fn cut(&mut self) -> Result<u64, Error> {
        if self.broken {
            return Ok(self.durable);
        }
        let closing = self.sink.cut();
        self.end(closing).await
    }

    async fn end(&mut self, closing: Option<Closing>) -> Result<u64, Error> {
        if let Some(closing) = closing {
            self.note(closing).await?;
        }
        self.settle().await?;
        Ok(self.durable)
    }

    /// Has a segment noted as soon as it is durable, after the one before.
    async fn note(&mut self, closing: Closing) -> Result<(), Error> {
        self.settle().await?;
        let (documents, document, seal) = (self.documents.clone(), self.document, self.seal);
        let nonce = self.beginning.nonce();
        self.noting = Some(tokio::spawn(async move {
            let segment = closing.await?;
            documents.keep(document, seal, &segment, nonce).await
        }));
        Ok(())
    }

    async fn settle(&mut self) -> Result<(), Error> {
        if let Some(noting) = self.noting.take() {
            let noted = noting.await.map_err(failed).and_then(|noted| noted);
            self.broken = noted.is_err();
            self.durable = noted?;
        }
        Ok(())
    }
}

impl Documents {
    /// Notes a durable segment; returns where the payload ends now.
    async fn keep(
        &self,
        document: DocumentId,
        seal: SealLevel,
        segment: &Segment,
        nonce: Option<Nonce>,
    ) -> Result<u64, Error> {
        let mut tx = self.inner.store.write().await?;
        let expires_at = self.expiry_of(seal, self.now());
        let kept = tx.append_segment(document, segment, nonce, expires_at).await;
        if let Err(error) = kept {
            drop(tx);
            self.discard_named(std::slice::from_ref(&segment.object)).await;
            return Err(match error {
                store::Error::Conflict => Error::Locked,
                other => other.into(),
            });
        }
        tx.commit().await?;
        Ok(segment.start + segment.length)
    }
}

/// The first bytes of a payload: its nonce, which must not look like a file.
#[derive(Debug)]
struct Beginning {
    bytes: Vec<u8>,
    known: bool,
}

impl Beginning {
    fn see(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.known {
            return Ok(());
        }
        let more = bytes.len().min(16 - self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..more]);
        if self.bytes.len() == 16 {
            admission::payload_beginning(&self.bytes)?;
            self.known = true;
        }
        Ok(())
    }

    fn nonce(&self) -> Option<Nonce> {
        self.bytes.as_slice().try_into().ok().map(Nonce)
    }
}
