//! Sealing on arrival, for senders with nothing but `curl`; and raw age files, kept as sent.
//!
//! The stream is sealed chunk by chunk while it arrives, in constant memory; no plaintext is
//! written anywhere, and the key is forgotten with the request. Refuses everything that the
//! client's own policy does not allow, with the answer for what is unknown. Never called
//! end-to-end.

use bytes::Bytes;
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

use crate::api::DocumentState;
use crate::audit::Event;
use crate::envelope::statement::{
    Category, Direction, Hash, Manifest, Nonce, Note, Period, Role, SealLevel,
};
use crate::envelope::{
    FileKey, Header, PayloadSealer, Pieces, Recipient, SealedPart, payload_len, plaintext_len,
};
use crate::ids::{DocumentId, LinkId};
use crate::store::{self, Completion, Document, GrantReason, LinkKind, LinkRow, Tx};
use crate::trust::{Demand, Directory, Reader};

use super::check::{Checked, Finish};
use super::intake::{Incoming, preceded};
use super::upload::Beginning;
use super::writing::Sink;
use super::{Documents, Error, admission, commit, record};

/// What a binary age file begins with.
const AGE: &[u8] = b"age-encryption.org/v1\n";
/// What an armored one begins with.
const ARMOR: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";
/// Plaintext that is sealed at once, in bytes.
const BATCH_BYTES: usize = 1024 * 1024;

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

/// An open address: whose it is, and who will read.
struct Door {
    link: LinkRow,
    readers: Vec<Reader>,
}

impl Documents {
    /// Recipients of the accountants behind an open address, for its page.
    pub async fn arrival_recipients(&self, token: Hash) -> Result<Vec<String>, Error> {
        let mut tx = self.inner.store.read().await?;
        let door = self.door(&mut tx, token, Category::Other).await?;
        let accountants = door.readers.iter().filter(|r| r.role == Role::Accountant);
        Ok(accountants.map(|r| r.recipient.to_string()).collect())
    }

    async fn door(&self, tx: &mut Tx, token: Hash, category: Category) -> Result<Door, Error> {
        let link = tx.open_link(LinkKind::Arrival, token, self.now()).await?;
        self.ready(tx).await?;
        let directory = self.inner.firm.directory(tx, link.client).await?;
        if !directory.may_seal_on_arrival(link.client) {
            return Err(Error::NotOnArrival);
        }
        let demand = Demand { client: link.client, category, direction: Direction::In };
        let readers = directory.readers(demand)?;
        Ok(Door { link, readers })
    }

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
        self.room_for(wish.declared.unwrap_or_default())?;
        let (beginning, body) = first_bytes(body).await?;
        if beginning.trim_ascii_start().starts_with(ARMOR) {
            return Err(admission::NotSealed::Armored.into());
        }
        let raw = beginning.starts_with(AGE);
        let body = preceded(beginning, body);
        let document = DocumentId::random();
        let taken = if raw {
            self.keep_raw(&door, &wish, document, most, body).await
        } else {
            self.seal(&door, &wish, document, most, body).await
        };
        if taken.is_err() {
            self.forget(document).await;
        }
        taken
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
            expires_at: Some(self.expiry(now)),
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

    async fn seal(
        &self,
        door: &Door,
        wish: &Wish,
        document: DocumentId,
        most: u64,
        mut body: Incoming,
    ) -> Result<Arrived, Error> {
        let (key, nonce) = (FileKey::random(), Nonce::random());
        let recipients: Vec<Recipient> = door
            .readers
            .iter()
            .map(|reader| reader.recipient.to_string().parse())
            .collect::<Result<_, _>>()?;
        let header = Header::seal(&key, &recipients)?;
        let (row, header) =
            self.begin_arrival(door, wish, document, SealLevel::OnArrival, &header).await?;
        let mut sink = Sink::new(self.inner.objects.clone(), 0)?;
        let mut sealing = Sealing::new(&key, &nonce);
        let (mut batch, mut batch_bytes) = (Vec::new(), 0);
        loop {
            let part = body.next().await.transpose().map_err(|_| Error::Broken)?;
            let ended = part.is_none();
            if let Some(part) = part {
                batch_bytes += part.len();
                batch.push(part);
            }
            let plaintext = sealing.size + batch_bytes as u64;
            if payload_len(plaintext).is_none_or(|length| length > most) {
                return Err(Error::TooLarge(most));
            }
            if batch_bytes >= BATCH_BYTES || (ended && batch_bytes > 0) {
                let parts = std::mem::take(&mut batch);
                batch_bytes = 0;
                let (next, sealed) = sealing.take(parts).await?;
                sealing = next;
                self.pour(&row, &mut sink, sealed, nonce).await?;
            }
            if ended {
                break;
            }
        }
        let (sealed, size, sha256) = sealing.finish();
        self.pour(&row, &mut sink, sealed, nonce).await?;
        if let Some(segment) = sink.finish().await? {
            self.keep(&row, &segment, Some(nonce)).await?;
        }
        let pins = Pins { nonce, length: sink.at(), commit: key.commitment(&nonce) };
        let part = SealedPart {
            document,
            commit: pins.commit,
            name: (*wish.name).clone(),
            media_type: wish.media_type.clone(),
            size,
            sha256,
            note: String::new(),
        };
        let part = part.seal(&key)?;
        let receipt = self.complete_sealed(door, &row, header, &pins, &part).await?;
        Ok(Arrived {
            document,
            sha256: Some(sha256),
            size: Some(size),
            seal: SealLevel::OnArrival,
            receipt,
        })
    }

    /// Writes sealed bytes; full segments are noted.
    async fn pour(
        &self,
        row: &Document,
        sink: &mut Sink,
        mut sealed: Bytes,
        nonce: Nonce,
    ) -> Result<(), Error> {
        while !sealed.is_empty() {
            if let Some(segment) = sink.push(&mut sealed).await? {
                self.keep(row, &segment, Some(nonce)).await?;
            }
        }
        Ok(())
    }

    async fn complete_sealed(
        &self,
        door: &Door,
        row: &Document,
        header: i64,
        pins: &Pins,
        part: &[u8],
    ) -> Result<Note, Error> {
        let now = self.now();
        let key = &self.inner.keys.arrival;
        let mut tx = self.inner.store.write().await?;
        let pieces = pieces_of(&mut tx, row.id).await?;
        let head = tx.manifest_head(key.key_id(), row.client).await?;
        let mut recipients: Vec<Hash> = door.readers.iter().map(Reader::fingerprint).collect();
        recipients.sort_unstable();
        let manifest = Manifest {
            root: self.inner.keys.root,
            client: row.client,
            document: row.id,
            signer: key.key_id(),
            seq: head.as_ref().map_or(1, |head| head.seq + 1),
            prev: head.map(|head| head.note.hash()),
            seal: SealLevel::OnArrival,
            direction: Direction::In,
            period: row.period,
            category: row.category,
            nonce: pins.nonce,
            length: pins.length,
            pieces: pieces.combined(),
            commit: pins.commit,
            sealed: Hash::of(part),
            recipients,
            time: now,
        };
        let note = Note::sign(&manifest, &[key]);
        // Readers will ask the same: a gateway key that the root did not vouch for seals nothing.
        let directory = self.unchanged(&mut tx, door, row.category).await?;
        directory.verify_manifest(&note)?;
        self.charge(&mut tx, door.link.id, pins.length).await?;
        tx.set_length(row.id, pins.length).await?;
        let checked = Checked { manifest, readers: door.readers.clone() };
        let finish = Finish {
            document: row.id,
            header,
            pieces: pieces.combined(),
            sealed: part,
            note: &note,
            checked: &checked,
            sender: None,
            event: Event::new("document.arrive").with("link", door.link.id.to_string()),
        };
        let receipt = self.finish(&mut tx, finish, now).await?;
        commit(tx).await?;
        Ok(receipt)
    }

    /// The directory as it stands now. Refuses where, while the body came, the policy was
    /// withdrawn or other readers were named than it was sealed to.
    async fn unchanged(
        &self,
        tx: &mut Tx,
        door: &Door,
        category: Category,
    ) -> Result<std::sync::Arc<Directory>, Error> {
        let client = door.link.client;
        let directory = self.inner.firm.directory(tx, client).await?;
        let demand = Demand { client, category, direction: Direction::In };
        if !directory.may_seal_on_arrival(client) {
            return Err(Error::NotOnArrival);
        }
        if directory.readers(demand)? != door.readers {
            return Err(Error::Recipients);
        }
        Ok(directory)
    }

    async fn charge(&self, tx: &mut Tx, link: LinkId, bytes: u64) -> Result<(), Error> {
        if tx.charge_link(link, bytes, self.now()).await? { Ok(()) } else { Err(Error::NotFound) }
    }

    async fn keep_raw(
        &self,
        door: &Door,
        wish: &Wish,
        document: DocumentId,
        most: u64,
        body: Incoming,
    ) -> Result<Arrived, Error> {
        let (header, rest, body) = self.header_of(body).await?;
        let mut body = preceded(rest, body);
        let (row, header) =
            self.begin_arrival(door, wish, document, SealLevel::RawAge, &header).await?;
        let mut sink = Sink::new(self.inner.objects.clone(), 0)?;
        let mut beginning = Beginning::default();
        while let Some(part) = body.next().await {
            let mut part = part.map_err(|_| Error::Broken)?;
            if sink.at() + part.len() as u64 > most {
                return Err(Error::TooLarge(most));
            }
            beginning.see(&part)?;
            while !part.is_empty() {
                if let Some(segment) = sink.push(&mut part).await? {
                    self.keep(&row, &segment, beginning.nonce()).await?;
                }
            }
        }
        let length = sink.at();
        plaintext_len(length).ok_or(Error::ImpossibleLength)?;
        if let Some(segment) = sink.finish().await? {
            self.keep(&row, &segment, beginning.nonce()).await?;
        }
        let receipt = self.complete_raw(door, &row, header, length).await?;
        Ok(Arrived { document, sha256: None, size: None, seal: SealLevel::RawAge, receipt })
    }

    async fn complete_raw(
        &self,
        door: &Door,
        row: &Document,
        header: i64,
        length: u64,
    ) -> Result<Note, Error> {
        let now = self.now();
        let mut tx = self.inner.store.write().await?;
        self.unchanged(&mut tx, door, row.category).await?;
        self.charge(&mut tx, door.link.id, length).await?;
        tx.set_length(row.id, length).await?;
        let pieces = pieces_of(&mut tx, row.id).await?.combined();
        // Only an accountant can adopt it; until then nobody knows to whom it was sealed.
        let accountants: Vec<_> = door
            .readers
            .iter()
            .filter(|reader| reader.role == Role::Accountant)
            .map(|reader| (reader.member, GrantReason::Assigned))
            .collect();
        tx.grant(row.id, header, &accountants, now, false).await?;
        let event = Event::new("document.arrive")
            .client(row.client)
            .object(row.id)
            .with("link", door.link.id.to_string())
            .with("seal", SealLevel::RawAge.as_str());
        let entry = record(&mut tx, now, event).await?;
        let receipt = self.receipt(row.id, None, pieces, None, Vec::new(), entry, now);
        let completion = Completion {
            pieces,
            commitment: None,
            manifest: None,
            sealed: &[],
            receipt: &receipt,
            at: now,
        };
        tx.complete_document(row.id, &completion).await?;
        commit(tx).await?;
        Ok(receipt)
    }
}

/// What a manifest pins of a payload that the gateway sealed.
struct Pins {
    nonce: Nonce,
    length: u64,
    commit: Hash,
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

/// The sealing of one stream, which wanders between threads.
struct Sealing {
    sealer: PayloadSealer,
    sha256: Sha256,
    size: u64,
}

impl Sealing {
    fn new(key: &FileKey, nonce: &Nonce) -> Self {
        Self { sealer: PayloadSealer::new(key, nonce), sha256: Sha256::new(), size: 0 }
    }

    async fn take(mut self, parts: Vec<Bytes>) -> Result<(Self, Bytes), Error> {
        let sealed = spawn_blocking(move || {
            let mut out = Vec::with_capacity(BATCH_BYTES + BATCH_BYTES / 8);
            for part in &parts {
                self.sha256.update(part);
                self.size += part.len() as u64;
                self.sealer.push(part, &mut out);
            }
            (self, Bytes::from(out))
        });
        sealed
            .await
            .map_err(|e| Error::Objects(crate::objects::Error::Failed(std::io::Error::other(e))))
    }

    fn finish(self) -> (Bytes, u64, Hash) {
        let mut out = Vec::new();
        self.sealer.finish(&mut out);
        (out.into(), self.size, Hash(self.sha256.finalize().into()))
    }
}
