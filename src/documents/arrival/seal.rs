//! The gateway seals: chunk by chunk while the stream arrives, in constant memory, and forgets
//! the key when it ends.

use bytes::Bytes;
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;

use crate::audit::Event;
use crate::envelope::statement::{Direction, Hash, Manifest, Nonce, Note, SealLevel};
use crate::envelope::{FileKey, Header, PayloadSealer, Recipient, SealedPart, payload_len};
use crate::ids::DocumentId;
use crate::store::Document;
use crate::trust::Reader;

use super::super::sender::tell_arrived;
use super::door::Door;
use super::{
    Arrived, Checked, Documents, Error, Finish, Incoming, Receiving, Wish, commit, pieces_of,
};

/// Plaintext that is sealed at once, in bytes.
const BATCH_BYTES: usize = 1024 * 1024;

impl Documents {
    pub(super) async fn seal(
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
        let mut receiving = Receiving::sealed_here(self, &row, nonce)?;
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
                receiving.take(sealed).await?;
            }
            if ended {
                break;
            }
        }
        let (sealed, size, sha256) = sealing.finish();
        receiving.take(sealed).await?;
        let length = receiving.finish().await?;
        let pins = Pins { nonce, length, commit: key.commitment(&nonce) };
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
        tell_arrived(&mut tx, door.link.id, door.link.client, now).await?;
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
