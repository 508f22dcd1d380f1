//! Re-wrapping: headers for readers who have none yet, made on the device of somebody who can
//! open the document. The payload is not touched.

use std::collections::BTreeMap;

use crate::access::Action;
use crate::api::{DocumentInfo, Rewrap, Rewraps};
use crate::envelope::Strength;
use crate::envelope::statement::{Category, Direction, Role};
use crate::ids::{ClientId, DocumentId, MemberId};
use crate::store::{GrantReason, Seen, Tx, Unwrapped};
use crate::trust::Demand;

use super::{Asker, Documents, Error, admission, allow, commit, record};

/// A document that was sealed post-quantum takes no weaker header: the weakest decides.
pub(super) async fn not_weaker(
    tx: &mut Tx,
    id: DocumentId,
    strength: Strength,
) -> Result<(), Error> {
    let first = admission::detached(&tx.first_header(id).await?.1)?.1;
    let weaker = first == Strength::PostQuantum && strength != Strength::PostQuantum;
    if weaker { Err(Error::Recipients) } else { Ok(()) }
}

/// A document that is to get another header.
pub(super) struct Rewrapping {
    pub(super) tx: Tx,
    pub(super) seen: Seen,
    pub(super) strength: Strength,
}

/// Documents of one answer.
const PAGE: usize = 200;

impl Documents {
    /// Documents of the asker's clients that somebody who should cannot open.
    pub async fn rewraps(&self, asker: Asker, client: Option<ClientId>) -> Result<Rewraps, Error> {
        let mut tx = self.inner.store.read().await?;
        let found = self.unwrapped_of(&mut tx, asker, client).await?;
        if found.documents.is_empty() {
            return Ok(found);
        }
        drop(tx);
        // What releases headers is read in the transaction of its entry.
        let mut tx = self.inner.store.write().await?;
        let found = self.unwrapped_of(&mut tx, asker, client).await?;
        let mut released: BTreeMap<ClientId, u64> = BTreeMap::new();
        for rewrap in &found.documents {
            *released.entry(rewrap.document.client).or_default() += 1;
        }
        for (client, headers) in released {
            let event = asker.did("document.list").client(client).with("headers", headers);
            record(&mut tx, self.now(), event).await?;
        }
        tx.commit().await?;
        Ok(found)
    }

    async fn unwrapped_of(
        &self,
        tx: &mut Tx,
        asker: Asker,
        client: Option<ClientId>,
    ) -> Result<Rewraps, Error> {
        self.ready(tx).await?;
        let mut clients = tx.clients_assigned_to(asker.member).await?;
        if let Some(client) = client {
            if !clients.contains(&client) {
                return Err(Error::NotFound);
            }
            clients = vec![client];
        }
        let mut found = Rewraps { documents: Vec::new(), pending: 0, beyond: 0 };
        for client in clients {
            for category in Category::ALL {
                for direction in Direction::ALL {
                    self.unwrapped(tx, asker, client, *category, *direction, &mut found).await?;
                }
            }
        }
        Ok(found)
    }

    async fn unwrapped(
        &self,
        tx: &mut Tx,
        asker: Asker,
        client: ClientId,
        category: Category,
        direction: Direction,
        found: &mut Rewraps,
    ) -> Result<(), Error> {
        let readers = self.readers_of(tx, client, category, direction).await?;
        let which = Unwrapped { client, category, direction, readers: &readers };
        let counted = tx.count_unwrapped(asker.member, &which).await?;
        found.pending += counted.pending;
        found.beyond += counted.beyond;
        let room = PAGE.saturating_sub(found.documents.len()) as u64;
        if counted.pending == 0 || room == 0 {
            return Ok(());
        }
        let most = room.min(counted.pending);
        for id in tx.unwrapped_documents(asker.member, &which, most).await? {
            let missing = tx.without_grant(id, &readers).await?;
            let document = self.info_in(tx, asker, id).await?;
            if document.header.is_some() {
                found.documents.push(Rewrap { document, missing });
            }
        }
        Ok(())
    }

    /// Everybody with an account whom documents of this kind are for; nobody where the
    /// statements name nobody now.
    pub(super) async fn readers_of(
        &self,
        tx: &mut Tx,
        client: ClientId,
        category: Category,
        direction: Direction,
    ) -> Result<Vec<MemberId>, Error> {
        let directory = self.inner.firm.directory(tx, client).await?;
        let Ok(readers) = directory.readers(Demand { client, category, direction }) else {
            return Ok(Vec::new());
        };
        Ok(readers.iter().filter(|r| r.role != Role::Recovery).map(|r| r.member).collect())
    }

    /// Begins to change who can open a document: its new `header` is one, and `asker` may do
    /// this `action` to it.
    pub(super) async fn rewrapping(
        &self,
        asker: Asker,
        action: Action,
        id: DocumentId,
        header: &[u8],
    ) -> Result<Rewrapping, Error> {
        let (_, strength) = admission::detached(header)?;
        let mut tx = self.inner.store.write().await?;
        self.ready(&mut tx).await?;
        let seen = tx.seen_document(id, asker.member).await?;
        allow(asker, action, &seen.facts)?;
        Ok(Rewrapping { tx, seen, strength })
    }

    /// Adds a header and grants it to `members`, who must be readers of such documents. A
    /// document that was sealed post-quantum takes no weaker header.
    pub async fn add_header(
        &self,
        asker: Asker,
        id: DocumentId,
        header: &[u8],
        members: &[MemberId],
    ) -> Result<DocumentInfo, Error> {
        let now = self.now();
        let Rewrapping { mut tx, seen, strength } =
            self.rewrapping(asker, Action::Rewrap, id, header).await?;
        let row = &seen.document;
        not_weaker(&mut tx, id, strength).await?;
        let readers = self.readers_of(&mut tx, row.client, row.category, row.direction).await?;
        if members.is_empty() || !members.iter().all(|member| readers.contains(member)) {
            return Err(Error::Recipients);
        }
        let missing = tx.without_grant(id, members).await?;
        if !missing.is_empty() {
            let header = tx.insert_header(id, header, Some(asker.member), now).await?;
            let grants: Vec<_> = missing.iter().map(|m| (*m, GrantReason::Rewrap)).collect();
            tx.grant(id, header, &grants, now, false).await?;
            let granted: Vec<_> = missing.iter().map(ToString::to_string).collect();
            let event = asker
                .did("document.rewrap")
                .client(row.client)
                .object(id)
                .sealed_as(row.manifest, row.commitment)
                .with("members", granted);
            record(&mut tx, now, event).await?;
        }
        let info = self.info_in(&mut tx, asker, id).await?;
        commit(tx).await?;
        Ok(info)
    }
}
