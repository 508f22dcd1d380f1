//! Lists and descriptions of documents. A list that releases headers is an audit entry.

use std::collections::BTreeMap;

use crate::access::{Action, Facts, decide};
use crate::api::{Base64, DocumentInfo, DocumentPage, DocumentState, ManifestHead};
use crate::clock::Timestamp;
use crate::envelope::statement::Period;
use crate::ids::{ClientId, DocumentId, KeyId};
use crate::store::{Search, Seen, Tx};

use super::{Asker, Documents, Error, permit, record};

/// Documents of one page.
const PAGE: u16 = 200;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    /// Of one client.
    pub client: Option<ClientId>,
    /// Of one period.
    pub period: Option<Period>,
    /// In one state.
    pub state: Option<DocumentState>,
    /// Only what the asker has not pulled.
    pub only_new: bool,
    /// From the `next` of the page before.
    pub after: Option<String>,
}

impl Documents {
    /// A page of what the asker may see, newest first.
    pub async fn list(&self, asker: Asker, query: &ListQuery) -> Result<DocumentPage, Error> {
        let after = query.after.as_deref().map(cursor).transpose()?;
        let search = Search {
            client: query.client,
            period: query.period,
            state: query.state,
            only_new: query.only_new,
            every_client: decide(asker.role, Action::SeeAllClients, &Facts::default()).is_allow(),
            after,
            limit: PAGE,
        };
        let mut tx = self.inner.store.read().await?;
        let (page, released) = self.page(&mut tx, asker, &search).await?;
        if released.is_empty() {
            return Ok(page);
        }
        drop(tx);
        // What releases headers is read in the transaction of its entry.
        let mut tx = self.inner.store.write().await?;
        let (page, released) = self.page(&mut tx, asker, &search).await?;
        for (client, headers) in released {
            let event = asker.did("document.list").client(client).with("headers", headers);
            record(&mut tx, self.now(), event).await?;
        }
        tx.commit().await?;
        Ok(page)
    }

    /// A page, and of how many documents of which clients it releases a header.
    async fn page(
        &self,
        tx: &mut Tx,
        asker: Asker,
        search: &Search,
    ) -> Result<(DocumentPage, BTreeMap<ClientId, u64>), Error> {
        self.ready(tx).await?;
        if let Some(client) = search.client {
            permit(tx, asker, Action::SeeClient, client).await?;
        }
        let rows = tx.search_documents(asker.member, search).await?;
        let next = (rows.len() == usize::from(PAGE))
            .then(|| {
                rows.last().map(|r| format!("{}.{}", r.document.listed_at.as_ms(), r.document.id))
            })
            .flatten();
        let mut documents = Vec::with_capacity(rows.len());
        let mut released: BTreeMap<ClientId, u64> = BTreeMap::new();
        for row in rows {
            let client = row.document.client;
            let Some(info) = told(asker, row) else { continue };
            if info.header.is_some() && info.sender != Some(asker.member) {
                *released.entry(client).or_default() += 1;
            }
            documents.push(info);
        }
        Ok((DocumentPage { documents, next }, released))
    }

    /// One document.
    pub async fn info(&self, asker: Asker, id: DocumentId) -> Result<DocumentInfo, Error> {
        let releases =
            |info: &DocumentInfo| info.header.is_some() && info.sender != Some(asker.member);
        let mut tx = self.inner.store.read().await?;
        self.ready(&mut tx).await?;
        let info = self.info_in(&mut tx, asker, id).await?;
        if !releases(&info) {
            return Ok(info);
        }
        drop(tx);
        let mut tx = self.inner.store.write().await?;
        let info = self.info_in(&mut tx, asker, id).await?;
        if releases(&info) {
            let event = asker.did("document.list").client(info.client).object(id);
            record(&mut tx, self.now(), event).await?;
        }
        tx.commit().await?;
        Ok(info)
    }

    pub(super) async fn info_in(
        &self,
        tx: &mut Tx,
        asker: Asker,
        id: DocumentId,
    ) -> Result<DocumentInfo, Error> {
        let seen = tx.seen_document(id, asker.member).await?;
        told(asker, seen).ok_or(Error::NotFound)
    }

    /// The newest manifest of `signer`, who must be the asker, for `client`.
    pub async fn manifest_head(
        &self,
        asker: Asker,
        client: ClientId,
        signer: KeyId,
    ) -> Result<ManifestHead, Error> {
        let mut tx = self.inner.store.read().await?;
        permit(&mut tx, asker, Action::SeeClient, client).await?;
        if tx.member(asker.member).await?.key != signer {
            return Err(Error::NotFound);
        }
        let head = tx.manifest_head(signer, client).await?;
        Ok(match head {
            Some(head) => ManifestHead { seq: head.seq, manifest: Some(head.note) },
            None => ManifestHead { seq: 0, manifest: None },
        })
    }
}

/// What `asker` may be told of a document; nothing where they may not know of it.
pub(super) fn told(asker: Asker, seen: Seen) -> Option<DocumentInfo> {
    let may = |action| decide(asker.role, action, &seen.facts).is_allow();
    if !may(Action::SeeDocument) {
        return None;
    }
    let reads = may(Action::ReadDocument);
    let document = seen.document;
    Some(DocumentInfo {
        document: document.id,
        client: document.client,
        direction: document.direction,
        period: document.period,
        category: document.category,
        seal: document.seal,
        state: document.state,
        length: document.length,
        offset: document.durable,
        received_at: document.listed_at,
        sender: document.sender,
        pulled: seen.pulled,
        recovery_proven: seen.recovery_proven,
        pieces: document.pieces,
        manifest: seen.manifest,
        adoption: seen.adoption,
        sealed: Some(seen.sealed).filter(|sealed| reads && !sealed.is_empty()).map(Base64),
        header: if reads { seen.header.map(Base64) } else { None },
        receipt: seen.receipt,
        recall: seen.recall,
    })
}

pub(super) fn cursor(text: &str) -> Result<(Timestamp, DocumentId), Error> {
    let parsed = text
        .split_once('.')
        .and_then(|(at, id)| Some((Timestamp::from_ms(at.parse().ok()?), id.parse().ok()?)));
    parsed.ok_or(Error::Malformed("after is not what a page before said"))
}
