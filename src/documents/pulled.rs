//! A reader says that a document has arrived whole on their device.

use crate::access::Action;
use crate::ids::DocumentId;

use super::{Asker, Documents, Error, allow, commit, record};

impl Documents {
    /// Notes that the asker has pulled a document. Saying it again changes nothing; a sender
    /// who looks at what they sent does not make it pulled.
    pub async fn pulled(&self, asker: Asker, id: DocumentId) -> Result<(), Error> {
        let now = self.now();
        let mut tx = self.inner.store.write().await?;
        self.ready(&mut tx).await?;
        let seen = tx.seen_document(id, asker.member).await?;
        allow(asker, Action::ReadDocument, &seen.facts)?;
        if tx.mark_grant_pulled(id, asker.member, now).await? {
            if seen.document.sender != Some(asker.member) {
                tx.mark_pulled(id).await?;
                tx.mark_opened(id, now).await?;
            }
            let event = asker.did("document.pulled").client(seen.document.client).object(id);
            record(&mut tx, now, event).await?;
        }
        commit(tx).await
    }
}
