//! Raw age files, kept as they were sent: sender unknown for ever, adopted by who opens them
//! first.

use futures_util::StreamExt;

use crate::audit::Event;
use crate::envelope::plaintext_len;
use crate::envelope::statement::{Note, Role, SealLevel};
use crate::ids::DocumentId;
use crate::store::{Completion, Document, GrantReason};

use super::super::sender::tell_arrived;
use super::door::Door;
use super::{
    Arrived, Documents, Error, Incoming, Receiving, Wish, commit, pieces_of, preceded, record,
};

impl Documents {
    pub(super) async fn keep_raw(
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
        let mut receiving = Receiving::new(self, &row)?;
        while let Some(part) = body.next().await {
            let part = part.map_err(|_| Error::Broken)?;
            if receiving.at() + part.len() as u64 > most {
                return Err(Error::TooLarge(most));
            }
            receiving.take(part).await?;
        }
        plaintext_len(receiving.at()).ok_or(Error::ImpossibleLength)?;
        let length = receiving.finish().await?;
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
        tell_arrived(&mut tx, door.link.id, door.link.client, now).await?;
        commit(tx).await?;
        Ok(receipt)
    }
}
