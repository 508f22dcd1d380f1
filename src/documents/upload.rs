//! Resumable uploads: begun with the header, continued where the durable bytes end, given up
//! or expired. Nothing of them is listed for others.

use bytes::Bytes;
use futures_util::StreamExt;

use crate::api::DocumentState;
use crate::api::uploads::UploadMetadata;
use crate::clock::Timestamp;
use crate::envelope::statement::SealLevel;
use crate::ids::DocumentId;
use crate::store::{self, Document};

use super::admission::{self, HeaderIntake};
use super::intake::{Incoming, preceded};
use super::receiving::Receiving;
use super::writers::WriteLock;
use super::{Documents, Error, Sender, commit, record};

/// What a creation asks for.
#[derive(Clone, Copy, Debug)]
pub struct Creation {
    /// What it says of the document.
    pub metadata: UploadMetadata,
    /// Bytes of `header ‖ payload`.
    pub length: u64,
}

/// Where an upload stands; all in bytes of `header ‖ payload`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that survive a crash.
    pub offset: u64,
    /// Bytes in all.
    pub length: u64,
    /// When it is given up.
    pub expires_at: Timestamp,
}

impl Documents {
    /// Begins an upload with a body that holds its header and may hold the first payload
    /// bytes. The header is durable before any of them is taken.
    pub async fn create(
        &self,
        sender: Sender,
        creation: Creation,
        body: Incoming,
    ) -> Result<Progress, Error> {
        let (header, rest, body) = self.header_of(body).await?;
        let length = header.as_bytes().len() as u64;
        let payload = creation.length.checked_sub(length).ok_or(Error::ImpossibleLength)?;
        admission::payload_length(payload, self.settings().max_document_bytes)?;
        self.room_for(payload)?;
        let now = self.now();
        let UploadMetadata { document, client, direction, period, category } = creation.metadata;
        let row = Document {
            id: document,
            client,
            direction,
            period,
            category,
            seal: SealLevel::EndToEnd,
            state: DocumentState::Uploading,
            sender: sender.member(),
            link: sender.link(),
            length: payload,
            durable: 0,
            nonce: None,
            pieces: None,
            commitment: None,
            manifest: None,
            adoption: None,
            listed_at: now,
            expires_at: Some(self.expiry(now)),
        };
        let lock = self.inner.writers.hold(document).await?;
        let mut tx = self.inner.store.write().await?;
        self.ready(&mut tx).await?;
        sender.may_send(&mut tx, client, category, direction, self.here(now)).await?;
        if let Some(member) = sender.member()
            && tx.unfinished_uploads(member).await? >= self.settings().max_unfinished_uploads
        {
            return Err(Error::TooManyUploads);
        }
        let reserved = sender.reserve(&mut tx, payload, self.here(now)).await?;
        tx.insert_document(&row, reserved).await.map_err(|error| match error {
            store::Error::Conflict => Error::Exists,
            other => other.into(),
        })?;
        tx.insert_header(document, header.as_bytes(), sender.member(), now).await?;
        record(&mut tx, now, sender.did("document.begin").client(client).object(document)).await?;
        commit(tx).await?;
        Ok(self.receive(&lock, &row, length, preceded(rest, body)).await?.0)
    }

    /// Continues an upload at `offset`, which must be where it stands.
    pub async fn append(
        &self,
        sender: Sender,
        id: DocumentId,
        offset: u64,
        body: Incoming,
    ) -> Result<Progress, Error> {
        let lock = self.inner.writers.hold(id).await?;
        let (row, header) = self.unfinished(sender, id).await?;
        if offset != header + row.durable {
            return Err(Error::OffsetMismatch(header + row.durable));
        }
        self.room_for(row.length - row.durable)?;
        let (progress, arrived) = self.receive(&lock, &row, header, body).await?;
        if arrived > 0 && progress.offset == offset {
            // Sent again and again like this, the upload would never advance.
            return Err(Error::Malformed("send at least a whole piece of 1,048,832 bytes at once"));
        }
        Ok(progress)
    }

    /// Where an upload stands.
    pub async fn progress(&self, sender: Sender, id: DocumentId) -> Result<Progress, Error> {
        let (row, header) = self.unfinished(sender, id).await?;
        Ok(self.standing(&row, header, row.durable))
    }

    /// Gives an upload up.
    pub async fn terminate(&self, sender: Sender, id: DocumentId) -> Result<(), Error> {
        self.unfinished(sender, id).await?;
        let _lock = self.inner.writers.take_over(id).await?;
        let mut tx = self.inner.store.write().await?;
        let row = tx.document(id).await?;
        let objects = tx.delete_upload(id).await?;
        let event = sender.did("document.give_up").client(row.client).object(id);
        record(&mut tx, self.now(), event).await?;
        commit(tx).await?;
        self.discard_named(&objects).await;
        Ok(())
    }

    /// An unfinished upload of the sender's, and the length of its header.
    async fn unfinished(&self, sender: Sender, id: DocumentId) -> Result<(Document, u64), Error> {
        let mut tx = self.inner.store.read().await?;
        let row = tx.document(id).await?;
        let own = sender.owns(&row) && row.state == DocumentState::Uploading;
        if !own || row.expires_at.is_some_and(|at| at <= self.now()) {
            return Err(Error::NotFound);
        }
        // Whoever lost the right to send meanwhile cannot go on either.
        let here = self.here(self.now());
        sender.may_send(&mut tx, row.client, row.category, row.direction, here).await?;
        let header = tx.first_header(id).await?.1.len() as u64;
        Ok((row, header))
    }

    fn standing(&self, row: &Document, header: u64, durable: u64) -> Progress {
        Progress {
            offset: header + durable,
            length: header + row.length,
            expires_at: row.expires_at.unwrap_or_else(|| self.expiry(self.now())),
        }
    }

    /// The header at the beginning of a body, the payload bytes behind it, the rest.
    pub(super) async fn header_of(
        &self,
        mut body: Incoming,
    ) -> Result<(crate::envelope::Header, Bytes, Incoming), Error> {
        let mut intake = HeaderIntake::default();
        while let Some(bytes) = body.next().await {
            let bytes = bytes.map_err(|_| Error::Broken)?;
            if let Some((header, rest)) = intake.push(&bytes)? {
                return Ok((header, rest, body));
            }
        }
        Err(intake.ended().into())
    }

    /// Takes payload bytes; full segments are made durable and noted while the next arrive.
    /// What broke off keeps its whole pieces.
    async fn receive(
        &self,
        lock: &WriteLock,
        row: &Document,
        header: u64,
        mut body: Incoming,
    ) -> Result<(Progress, u64), Error> {
        let mut receiving = Receiving::new(self, row)?;
        let stop = lock.stop();
        let taken = loop {
            let bytes = tokio::select! {
                bytes = body.next() => bytes,
                () = stop.cancelled() => Some(Err(super::Broken)),
            };
            let bytes = match bytes {
                None => break Ok(()),
                Some(Ok(bytes)) => bytes,
                Some(Err(_)) => break Err(Error::Broken),
            };
            lock.moved();
            if bytes.len() as u64 > row.length - receiving.at() {
                break Err(Error::Malformed("more bytes than Upload-Length said"));
            }
            if let Err(error) = receiving.take(bytes).await {
                break Err(error);
            }
        };
        let ended = match taken {
            Ok(()) if receiving.at() == row.length => receiving.finish().await,
            _ => receiving.cut().await,
        };
        // The first fault says why.
        taken?;
        Ok((self.standing(row, header, ended?), receiving.at() - row.durable))
    }
}
