//! A sender takes back what nobody has opened.

use crate::access::Action;
use crate::api::DocumentState;
use crate::ids::DocumentId;
use crate::store;

use super::{Asker, Documents, Error, allow, commit, record};

impl Documents {
    /// Takes a document back: headers, grants and bytes go, a tombstone stays. Taking it back
    /// again changes nothing.
    pub async fn recall(&self, asker: Asker, id: DocumentId) -> Result<DocumentState, Error> {
        let mut tx = self.inner.store.write().await?;
        self.ready(&mut tx).await?;
        let seen = tx.seen_document(id, asker.member).await?;
        let row = &seen.document;
        if row.state == DocumentState::Recalled && seen.facts.is_sender {
            return Ok(row.state);
        }
        if !seen.facts.complete {
            return Err(Error::NotFound);
        }
        allow(asker, Action::Recall, &seen.facts)?;
        let objects = tx.recall_document(id).await.map_err(|error| match error {
            store::Error::Conflict => Error::WrongState,
            other => other.into(),
        })?;
        let event = asker
            .did("document.recall")
            .client(row.client)
            .object(id)
            .sealed_as(row.manifest, row.commitment);
        record(&mut tx, self.now(), event).await?;
        commit(tx).await?;
        self.discard_named(&objects).await;
        Ok(DocumentState::Recalled)
    }
}
