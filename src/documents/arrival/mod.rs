//! Sealing on arrival, for senders with nothing but `curl`; and raw age files, kept as sent.
//!
//! The stream is sealed chunk by chunk while it arrives, in constant memory; no plaintext is
//! written anywhere, and the key is forgotten with the request. Refuses everything that the
//! client's own policy does not allow, with the answer for what is unknown. Never called
//! end-to-end.

mod door;
mod raw;
mod seal;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use zeroize::Zeroizing;

use crate::api::DocumentState;
use crate::envelope::statement::{Category, Direction, Hash, Note, Period, SealLevel};
use crate::envelope::{Header, Pieces, payload_len};
use crate::ids::DocumentId;
use crate::store::{self, Document, Tx};

use super::check::{Checked, Finish};
use super::intake::{Broken, Incoming, preceded};
use super::receiving::Receiving;
use super::writers::WriteLock;
use super::writing::SEGMENT_BYTES;
use super::{Documents, Error, admission, commit, record};

use door::Door;

/// What a binary age file begins with.
const AGE: &[u8] = b"age-encryption.org/v1\n";
/// What an armored one begins with.
const ARMOR: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";

/// What arrives lives as long as its connection; this is for a gateway that was killed. A body
/// moves far more than a segment in this time, in seconds.
pub(super) const LIFETIME_SECONDS: i64 = 3600;

/// What the sender says of a document.
pub struct Wish {
    /// Accounting period.
    pub period: Period,
    /// Category.
    pub category: Category,
    /// The file's name; goes into the sealed part and nowhere else.
    pub name: Zeroizing<String>,
    /// Its media type, or nothing.
    pub media_type: String,
    /// Bytes of the body, where it says so.
    pub declared: Option<u64>,
}

/// A document that has arrived.
#[derive(Debug)]
pub struct Arrived {
    /// The document.
    pub document: DocumentId,
    /// SHA-256 of what was sent; none for a raw age file.
    pub sha256: Option<Hash>,
    /// Bytes that were sent; none for a raw age file.
    pub size: Option<u64>,
    /// Where it was sealed.
    pub seal: SealLevel,
    /// The gateway's receipt.
    pub receipt: Note,
}

impl Documents {
    /// Takes a document at an open address.
    pub async fn arrive(&self, token: Hash, wish: Wish, body: Incoming) -> Result<Arrived, Error> {
        let door = {
            let mut tx = self.inner.store.read().await?;
            self.door(&mut tx, token, wish.category).await?
        };
        let most = door.link.bytes_left.min(self.settings().max_document_bytes);
        // What is counted is what is stored, and sealing adds a little.
        let stored = wish.declared.map(payload_len);
        if stored.is_some_and(|length| length.is_none_or(|length| length > most)) {
            return Err(Error::TooLarge(most));
        }
        self.room_for(wish.declared.unwrap_or(SEGMENT_BYTES))?;
        let document = DocumentId::random();
        let lock = Arc::new(self.inner.writers.hold(document).await?);
        let body = self.watched(door.link.id, lock.clone(), body);
        let (beginning, body) = first_bytes(body).await?;
        if beginning.trim_ascii_start().starts_with(ARMOR) {
            return Err(admission::NotSealed::Armored.into());
        }
        let raw = beginning.starts_with(AGE);
        let body = preceded(beginning, body);
        let taken = if raw {
            self.keep_raw(&door, &wish, document, most, body).await
        } else {
            self.seal(&door, &wish, document, most, body).await
        };
        if taken.is_err() {
            self.forget(document).await;
        }
        match taken {
            // It was not the sender who went away.
            Err(Error::Broken) if !self.is_open(door.link.id).await => Err(Error::NotFound),
            taken => taken,
        }
    }

    /// Begins the row of a document that arrives; nobody sees it before it is complete.
    async fn begin_arrival(
        &self,
        door: &Door,
        wish: &Wish,
        document: DocumentId,
        seal: SealLevel,
        header: &Header,
    ) -> Result<(Document, i64), Error> {
        let now = self.now();
        let row = Document {
            id: document,
            client: door.link.client,
            direction: Direction::In,
            period: wish.period,
            category: wish.category,
            seal,
            state: DocumentState::Uploading,
            sender: None,
            link: Some(door.link.id),
            length: 0,
            durable: 0,
            nonce: None,
            pieces: None,
            commitment: None,
            manifest: None,
            adoption: None,
            listed_at: now,
            expires_at: Some(self.expiry_of(seal, now)),
        };
        let mut tx = self.inner.store.write().await?;
        tx.insert_document(&row, 0).await?;
        let header = tx.insert_header(document, header.as_bytes(), None, now).await?;
        tx.commit().await?;
        Ok((row, header))
    }

    /// Removes what a broken arrival left.
    async fn forget(&self, document: DocumentId) {
        let removed = async {
            let mut tx = self.inner.store.write().await?;
            let objects = tx.delete_upload(document).await?;
            tx.commit().await?;
            Ok::<_, store::Error>(objects)
        };
        match removed.await {
            Ok(objects) => self.discard_named(&objects).await,
            Err(store::Error::NotFound) => {}
            Err(error) => tracing::warn!(%error, "a broken arrival is left to the sweep"),
        }
    }
}

async fn pieces_of(tx: &mut Tx, document: DocumentId) -> Result<Pieces, Error> {
    let segments = tx.segments(document).await?;
    Ok(Pieces { hashes: segments.into_iter().flat_map(|s| s.pieces.hashes).collect() })
}

/// Enough of a body to tell what it is.
async fn first_bytes(mut body: Incoming) -> Result<(Bytes, Incoming), Error> {
    let mut first = Vec::new();
    while first.len() < 64 {
        match body.next().await {
            Some(Ok(part)) if first.is_empty() && part.len() >= 64 => return Ok((part, body)),
            Some(Ok(part)) => first.extend_from_slice(&part),
            Some(Err(_)) => return Err(Error::Broken),
            None => break,
        }
    }
    Ok((first.into(), body))
}
