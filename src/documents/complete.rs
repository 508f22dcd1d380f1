//! Completion of a resumable upload.

use crate::api::DocumentState;
use crate::envelope::Pieces;
use crate::envelope::statement::Note;
use crate::ids::DocumentId;

use super::check::{self, Facts, Finish};
use super::{Documents, Error, Sender, admission, commit};

impl Documents {
    /// Completes an upload whose bytes are all durable. Done again with the same manifest, it
    /// gives the same receipt.
    pub async fn complete(
        &self,
        sender: Sender,
        id: DocumentId,
        note: &Note,
        sealed: &[u8],
    ) -> Result<(DocumentState, Note), Error> {
        let _lock = self.inner.writers.hold(id).await?;
        let now = self.now();
        let mut tx = self.inner.store.write().await?;
        self.ready(&mut tx).await?;
        let row = tx.document(id).await?;
        if !sender.owns(&row) {
            return Err(Error::NotFound);
        }
        if let Some(done) = self.done_before(&mut tx, sender, id, note).await? {
            return Ok(done);
        }
        if row.durable != row.length {
            return Err(Error::WrongState);
        }
        let segments = tx.segments(id).await?;
        let pieces =
            Pieces { hashes: segments.into_iter().flat_map(|s| s.pieces.hashes).collect() };
        let (header_id, header) = tx.first_header(id).await?;
        let facts = Facts {
            document: id,
            client: row.client,
            direction: row.direction,
            period: row.period,
            category: row.category,
            nonce: row.nonce.map(|nonce| nonce.0),
            length: row.length,
            pieces: pieces.combined(),
            strength: admission::detached(&header)?.1,
        };
        let directory = self.inner.firm.directory(&mut tx, row.client).await?;
        let here = self.here(now);
        let checked =
            check::manifest(&mut tx, &directory, sender, note, sealed, &facts, here).await?;
        let finish = Finish {
            document: id,
            header: header_id,
            pieces: facts.pieces,
            sealed,
            note,
            checked: &checked,
            sender: sender.member(),
            event: sender.did("document.complete"),
        };
        let receipt = self.finish(&mut tx, finish, now).await?;
        sender.tell_arrived(&mut tx, now).await?;
        commit(tx).await?;
        Ok((DocumentState::Received, receipt))
    }
}
