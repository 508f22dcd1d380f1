//! A document of up to 1 MiB whole in one request: one object, one transaction.

use std::sync::Arc;

use bytes::Bytes;

use crate::api::DocumentState;
use crate::api::frames::Frames;
use crate::envelope::PieceHasher;
use crate::envelope::statement::{Manifest, Note, SealLevel};
use crate::store::{self, Document, Segment};
use crate::trust::Directory;

use super::check::{self, Checked, Facts, Finish};
use super::{Documents, Error, Sender, admission, commit};

impl Documents {
    /// Takes a whole document. Done again with the same manifest, it gives the same receipt.
    pub async fn take_whole(
        &self,
        sender: Sender,
        body: &Bytes,
    ) -> Result<(crate::ids::DocumentId, DocumentState, Note), Error> {
        let frames =
            Frames::parse(body).map_err(|_| Error::Malformed("the body is not four frames"))?;
        let note = std::str::from_utf8(frames.manifest)
            .ok()
            .and_then(|text| Note::parse(text).ok())
            .ok_or(Error::Malformed("the first frame is not a signed manifest"))?;
        let manifest: Manifest =
            note.decode().map_err(|_| Error::Malformed("the first frame is not a manifest"))?;
        let (_, strength) = admission::detached(frames.header)?;
        let length = frames.payload.len() as u64;
        admission::payload_length(length, crate::api::frames::MAX_PAYLOAD_BYTES as u64)?;
        admission::payload_beginning(&frames.payload[..16])?;
        self.room_for(length)?;
        let mut hasher = PieceHasher::new();
        hasher.update(frames.payload);
        let pieces = hasher.finish();
        let id = manifest.document;
        let _lock = self.inner.writers.hold(id).await?;

        let facts = Facts {
            document: id,
            client: manifest.client,
            direction: manifest.direction,
            period: manifest.period,
            category: manifest.category,
            nonce: frames.payload[..16].try_into().ok(),
            length,
            pieces: pieces.combined(),
            strength,
        };
        // Everything is checked before the disk is troubled, and again when it counts.
        let before = {
            let mut tx = self.inner.store.glance().await?;
            self.ready(&mut tx).await?;
            match self.done_before(&mut tx, sender, id, &note).await {
                Ok(Some((state, receipt))) => return Ok((id, state, receipt)),
                Ok(None) => return Err(Error::Exists),
                Err(Error::NotFound) => {}
                Err(error) => return Err(error),
            }
            let directory = self.inner.firm.directory(&mut tx, manifest.client).await?;
            let here = self.here(self.now());
            let checked =
                check::manifest(&mut tx, &directory, sender, &note, frames.sealed, &facts, here)
                    .await?;
            (directory, checked)
        };
        let key = self.inner.objects.put(body.slice_ref(frames.payload)).await?;
        let segment = Segment { start: 0, length, object: key.as_str().to_owned(), pieces };
        let done = self.file_whole(sender, &note, frames, &facts, &segment, before).await;
        if done.is_err() {
            self.discard(&[key]).await;
        }
        Ok((id, DocumentState::Received, done?))
    }

    async fn file_whole(
        &self,
        sender: Sender,
        note: &Note,
        frames: Frames<'_>,
        facts: &Facts,
        segment: &Segment,
        (before, checked): (Arc<Directory>, Checked),
    ) -> Result<Note, Error> {
        let now = self.now();
        let here = self.here(now);
        let mut tx = self.inner.store.write().await?;
        let directory = self.inner.firm.directory(&mut tx, facts.client).await?;
        // By the same statements the same signature is as good as it was.
        let checked = if Arc::ptr_eq(&directory, &before) {
            check::still(&mut tx, sender, &checked, here).await?;
            checked
        } else {
            check::manifest(&mut tx, &directory, sender, note, frames.sealed, facts, here).await?
        };
        let row = Document {
            id: facts.document,
            client: facts.client,
            direction: facts.direction,
            period: facts.period,
            category: facts.category,
            seal: SealLevel::EndToEnd,
            state: DocumentState::Uploading,
            sender: sender.member(),
            link: sender.link(),
            length: facts.length,
            durable: facts.length,
            nonce: Some(checked.manifest.nonce),
            pieces: None,
            commitment: None,
            manifest: None,
            adoption: None,
            listed_at: now,
            expires_at: None,
        };
        let reserved = sender.reserve(&mut tx, facts.length, here).await?;
        let header =
            tx.insert_whole(&row, reserved, segment, frames.header).await.map_err(|error| {
                match error {
                    store::Error::Conflict => Error::Exists,
                    other => other.into(),
                }
            })?;
        let finish = Finish {
            document: row.id,
            header,
            pieces: facts.pieces,
            sealed: frames.sealed,
            note,
            checked: &checked,
            sender: sender.member(),
            event: sender.did("document.complete"),
        };
        let receipt = self.finish(&mut tx, finish, now).await?;
        sender.tell_arrived(&mut tx, now).await?;
        commit(tx).await?;
        Ok(receipt)
    }
}
