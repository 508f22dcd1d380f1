//! Headers for the recovery key from readers who verified and opened a document.
//!
//! That the recovery key is among the recipients is the sender's claim: a stanza says to nobody
//! but its owner whom it is for. A reader of the firm who holds the file key cannot check it
//! either, and makes it true instead, by a header of their own. Refuses whoever could not
//! re-wrap the document; a document that has one keeps it.

use crate::access::Action;
use crate::api::{RecoveryHeader, RecoveryHeaders};
use crate::store::Tx;

use super::rewrap::not_weaker;
use super::{Asker, Documents, Error, admission, allow, commit, record};

impl Documents {
    /// Takes headers for the recovery key, all of them or none; how many documents were not
    /// proven recoverable before.
    pub async fn prove_recovery(
        &self,
        asker: Asker,
        headers: &[RecoveryHeader],
    ) -> Result<u64, Error> {
        if headers.is_empty() || headers.len() > RecoveryHeaders::MOST {
            return Err(Error::Malformed("send from 1 to 200 headers"));
        }
        let mut tx = self.inner.store.write().await?;
        self.ready(&mut tx).await?;
        let mut proven = 0;
        for header in headers {
            proven += u64::from(self.prove_one(&mut tx, asker, header).await?);
        }
        commit(tx).await?;
        Ok(proven)
    }

    async fn prove_one(
        &self,
        tx: &mut Tx,
        asker: Asker,
        new: &RecoveryHeader,
    ) -> Result<bool, Error> {
        let (id, now) = (new.document, self.now());
        let (header, strength) = admission::detached(&new.header.0)?;
        let seen = tx.seen_document(id, asker.member).await?;
        allow(asker, Action::Rewrap, &seen.facts)?;
        if seen.recovery_proven {
            return Ok(false);
        }
        let row = &seen.document;
        not_weaker(tx, id, strength).await?;
        let directory = self.inner.firm.directory(tx, row.client).await?;
        if header.stanza_count() != directory.recovery_cards().count() {
            return Err(Error::Recipients);
        }
        let header = tx.insert_header(id, &new.header.0, Some(asker.member), now).await?;
        tx.prove_recovery(id, header, asker.member, now).await?;
        let event = asker
            .did("document.prove_recovery")
            .client(row.client)
            .object(id)
            .sealed_as(row.manifest, row.commitment);
        record(tx, now, event).await?;
        Ok(true)
    }
}
