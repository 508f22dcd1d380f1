//! A sender takes back what nobody has opened.
//!
//! Refuses what its sender has not signed: everybody else's device believes in nothing less.

use crate::access::Action;
use crate::api::{DocumentInfo, DocumentState};
use crate::envelope::statement::{Manifest, Note};
use crate::ids::DocumentId;
use crate::store::{self, Seen, Tx};
use crate::trust;

use super::{Asker, Documents, Error, allow, commit, record};

impl Documents {
    /// Takes a document back by the sender's signed `note`: headers, grants and bytes go, a
    /// tombstone with the note stays. Taking it back again changes nothing, unless no note of it
    /// is on file yet.
    pub async fn recall(
        &self,
        asker: Asker,
        id: DocumentId,
        note: &Note,
    ) -> Result<DocumentInfo, Error> {
        let mut tx = self.inner.store.write().await?;
        self.ready(&mut tx).await?;
        let seen = tx.seen_document(id, asker.member).await?;
        let taken_back = seen.document.state == DocumentState::Recalled && seen.facts.is_sender;
        if !taken_back {
            if !seen.facts.complete {
                return Err(Error::NotFound);
            }
            allow(asker, Action::Recall, &seen.facts)?;
        }
        self.believe_recall(&mut tx, asker, &seen, note).await?;
        if seen.recall.is_some() {
            return self.info_in(&mut tx, asker, id).await;
        }
        let (row, now) = (&seen.document, self.now());
        let mut objects = Vec::new();
        if !taken_back {
            objects = tx.recall_document(id).await.map_err(|error| match error {
                store::Error::Conflict => Error::WrongState,
                other => other.into(),
            })?;
        }
        tx.insert_recall(note, id, row.client, now).await?;
        let event = asker
            .did("document.recall")
            .client(row.client)
            .object(id)
            .sealed_as(row.manifest, row.commitment)
            .with("statement", note.hash().to_string());
        record(&mut tx, now, event).await?;
        let info = self.info_in(&mut tx, asker, id).await?;
        commit(tx).await?;
        self.discard_named(&objects).await;
        Ok(info)
    }

    /// The asker, who signed the document's manifest, says now that it is taken back.
    async fn believe_recall(
        &self,
        tx: &mut Tx,
        asker: Asker,
        seen: &Seen,
        note: &Note,
    ) -> Result<(), Error> {
        let manifest: Manifest = seen
            .manifest
            .as_ref()
            .ok_or(Error::WrongState)?
            .decode()
            .map_err(|_| store::Error::Corrupt("statements.note"))?;
        let directory = self.inner.firm.directory(tx, seen.document.client).await?;
        let (document, said) = directory.verify_recall(note, manifest.signer)?;
        let holds = document == seen.document.id
            && directory.signs_now(asker.member, note)
            && said.time.is_plausible_at(self.now());
        if holds { Ok(()) } else { Err(Error::Statement(trust::Error::NotAuthorised)) }
    }
}
