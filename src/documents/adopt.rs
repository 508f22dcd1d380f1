//! Adoption: the first reader who opened a raw age file says what is in it, and seals it to
//! everybody it should have been sealed to.

use crate::access::Action;
use crate::api::DocumentInfo;
use crate::envelope::statement::{Adoption, Hash, Note, SealLevel};
use crate::envelope::{SealedPart, Strength};
use crate::ids::DocumentId;
use crate::store;
use crate::trust::{Demand, Reader};

use super::rewrap::Rewrapping;
use super::{Asker, Documents, Error, check, commit, record};

impl Documents {
    /// Adopts a raw age file. The same adoption again changes nothing; another one is
    /// [`Error::WrongState`].
    pub async fn adopt(
        &self,
        asker: Asker,
        id: DocumentId,
        note: &Note,
        sealed: &[u8],
        header: &[u8],
    ) -> Result<DocumentInfo, Error> {
        let now = self.now();
        let Rewrapping { mut tx, seen, strength } =
            self.rewrapping(asker, Action::Adopt, id, header).await?;
        let row = &seen.document;
        if let Some(known) = &seen.adoption {
            return if super::error::same(known, note) {
                self.info_in(&mut tx, asker, id).await
            } else {
                Err(Error::WrongState)
            };
        }
        let directory = self.inner.firm.directory(&mut tx, row.client).await?;
        let card = directory.card(asker.member).ok_or(Error::NotFound)?;
        if !directory.is_in_force(asker.member) {
            return Err(Error::Statement(crate::trust::Error::NotAuthorised));
        }
        let adoption: Adoption = note
            .verify(&card.sign)
            .map_err(|_| Error::Statement(crate::trust::Error::NotAuthorised))?;
        let demand =
            Demand { client: row.client, category: row.category, direction: row.direction };
        let readers = directory.readers(demand)?;
        let mut demanded: Vec<Hash> = readers.iter().map(Reader::fingerprint).collect();
        demanded.sort_unstable();
        let mut named = adoption.recipients.clone();
        named.sort_unstable();
        let kind = (strength == Strength::PostQuantum) == directory.is_post_quantum(row.client);
        if named != demanded || !kind {
            return Err(Error::Recipients);
        }
        let agrees = [
            ("seal", row.seal == SealLevel::RawAge),
            ("root", adoption.root == directory.root().key_id()),
            ("client", adoption.client == row.client),
            ("document", adoption.document == id),
            ("signer", adoption.signer == card.sign.key_id()),
            ("nonce", Some(adoption.nonce) == row.nonce),
            ("length", adoption.length == row.length),
            ("pieces", Some(adoption.pieces) == row.pieces),
            (
                "sealed",
                sealed.len() <= SealedPart::MAX_BYTES && adoption.sealed == Hash::of(sealed),
            ),
        ];
        if let Some((key, _)) = agrees.iter().find(|(_, holds)| !holds) {
            return Err(Error::Mismatch(key));
        }
        tx.insert_adoption(note, &adoption, now).await.map_err(|error| match error {
            store::Error::Conflict => Error::WrongState,
            other => other.into(),
        })?;
        tx.set_adopted(id, note.hash(), adoption.commit, sealed).await?;
        let header = tx.insert_header(id, header, Some(asker.member), now).await?;
        tx.grant(id, header, &check::grants(&readers, None), now, true).await?;
        tx.prove_recovery(id, header, asker.member, now).await?;
        let event = asker
            .did("document.adopt")
            .client(row.client)
            .object(id)
            .sealed_as(None, Some(adoption.commit));
        record(&mut tx, now, event).await?;
        let info = self.info_in(&mut tx, asker, id).await?;
        commit(tx).await?;
        Ok(info)
    }
}
