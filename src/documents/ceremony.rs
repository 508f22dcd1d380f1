//! Recovery of one client's documents in a ceremony of two officers.
//!
//! Two holders of recovery shares join them on the device of a lead, and only that gives the
//! recovery key's signature which opens a ceremony here: a lead's session alone gets no header.
//! The client sees the ceremony before anything leaves for it. Refuses a successor whom no
//! signed assignment names, members who are not readers of the document, and everything once
//! the ceremony's hour is over.

use std::collections::BTreeMap;

use crate::access::{Action, Facts};
use crate::api::{Base64, NewHeader, NewHeaders, Recoverable, Recoverables, RecoveryOpened};
use crate::clock::Timestamp;
use crate::envelope::statement::{Category, Direction, Note, Recovery};
use crate::ids::{ClientId, MemberId, RecoveryId};
use crate::notices::{self, Kind, Notice};
use crate::store::{self, GrantReason, RecoveryRow, Search, Tx};
use crate::trust::{self, Directory};

use super::list::{cursor, told};
use super::rewrap::not_weaker;
use super::{Asker, Documents, Error, admission, allow, commit, record};

/// Documents looked at for one page.
const PAGE: u16 = 200;
/// How long headers are given for a ceremony, in seconds.
const OPEN_SECONDS: i64 = 3600;
/// The longest reason, in bytes.
const MAX_REASON_BYTES: usize = 500;

impl Documents {
    /// Opens a ceremony. The same statement again changes nothing.
    pub async fn open_recovery(
        &self,
        asker: Asker,
        note: &Note,
        reason: Option<&str>,
    ) -> Result<RecoveryOpened, Error> {
        allow(asker, Action::Recover, &Facts::default())?;
        let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
        if reason.is_some_and(|r| r.len() > MAX_REASON_BYTES || r.chars().any(char::is_control)) {
            return Err(Error::Malformed("the reason is too long or no line of text"));
        }
        let now = self.now();
        let mut tx = self.inner.store.write().await?;
        self.ready(&mut tx).await?;
        let said: Recovery = note.decode().map_err(trust::Error::from)?;
        tx.client(said.client).await?;
        let directory = self.inner.firm.directory(&mut tx, said.client).await?;
        believe(&directory, asker, note, &said, now)?;
        if !looks_after(&directory, said.client, said.to) {
            return Err(Error::NotAssigned);
        }
        match tx.recovery(said.recovery).await {
            Ok(row) if super::error::same(&row.note, note) => {
                return Ok(RecoveryOpened { recovery: row.id, expires_at: row.expires_at });
            }
            Ok(_) => return Err(Error::WrongState),
            Err(store::Error::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
        let row = RecoveryRow {
            id: said.recovery,
            client: said.client,
            successor: said.to,
            opened_by: asker.member,
            note: note.clone(),
            opened_at: now,
            expires_at: now.plus_secs(OPEN_SECONDS),
        };
        tx.insert_recovery(&row).await?;
        let mut event = asker
            .did("recovery.open")
            .client(said.client)
            .object(said.recovery)
            .with("to", said.to.to_string())
            .with("shares", said.shares)
            .with("statement", note.hash().to_string());
        if let Some(reason) = reason {
            event = event.with("purpose", reason);
        }
        record(&mut tx, now, event).await?;
        notices::enqueue(&mut tx, &Notice::new(Kind::Recovered, said.client, row.id, now)).await?;
        commit(tx).await?;
        Ok(RecoveryOpened { recovery: row.id, expires_at: row.expires_at })
    }

    /// A page of documents that somebody who should cannot open, with the headers that the
    /// recovery key may open.
    pub async fn recoverables(
        &self,
        asker: Asker,
        id: RecoveryId,
        after: Option<&str>,
    ) -> Result<Recoverables, Error> {
        let after = after.map(cursor).transpose()?;
        let now = self.now();
        let mut tx = self.inner.store.write().await?;
        let ceremony = self.ceremony(&mut tx, asker, id, now).await?;
        let search = Search {
            client: Some(ceremony.client),
            every_client: true,
            after,
            limit: PAGE,
            ..Search::default()
        };
        let rows = tx.search_documents(asker.member, &search).await?;
        let next = (rows.len() == usize::from(PAGE))
            .then(|| {
                rows.last().map(|r| format!("{}.{}", r.document.listed_at.as_ms(), r.document.id))
            })
            .flatten();
        let mut readers = Readers::default();
        let mut documents = Vec::new();
        for row in rows.into_iter().filter(|row| row.facts.complete) {
            let (document, category, direction) =
                (row.document.id, row.document.category, row.document.direction);
            let who = readers.of(self, &mut tx, ceremony.client, category, direction).await?;
            let missing = tx.without_grant(document, who).await?;
            if missing.is_empty() {
                continue;
            }
            let Some(mut info) = told(asker, row) else { continue };
            info.receipt = None;
            let headers = tx.recovery_sources(document).await?;
            let headers = headers.into_iter().map(Base64).collect();
            documents.push(Recoverable { document: info, headers, missing });
        }
        if !documents.is_empty() {
            let event = asker
                .did("recovery.list")
                .client(ceremony.client)
                .object(id)
                .with("headers", documents.len());
            record(&mut tx, now, event).await?;
        }
        commit(tx).await?;
        Ok(Recoverables { documents, next })
    }

    /// Takes headers made in a ceremony, all of them or none; how many documents got one for
    /// somebody who had none.
    pub async fn recover(
        &self,
        asker: Asker,
        id: RecoveryId,
        headers: &[NewHeader],
    ) -> Result<u64, Error> {
        if headers.is_empty() || headers.len() > NewHeaders::MOST {
            return Err(Error::Malformed("send from 1 to 200 headers"));
        }
        let now = self.now();
        let mut tx = self.inner.store.write().await?;
        let ceremony = self.ceremony(&mut tx, asker, id, now).await?;
        let mut readers = Readers::default();
        let mut rewrapped = 0;
        for new in headers {
            let (_, strength) = admission::detached(&new.header.0)?;
            let seen = tx.seen_document(new.document, asker.member).await?;
            let row = &seen.document;
            if row.client != ceremony.client || !seen.facts.complete {
                return Err(Error::NotFound);
            }
            not_weaker(&mut tx, row.id, strength).await?;
            let who = readers.of(self, &mut tx, row.client, row.category, row.direction).await?;
            if new.members.is_empty() || !new.members.iter().all(|member| who.contains(member)) {
                return Err(Error::Recipients);
            }
            let missing = tx.without_grant(row.id, &new.members).await?;
            if missing.is_empty() {
                continue;
            }
            let header = tx.insert_header(row.id, &new.header.0, Some(asker.member), now).await?;
            let grants: Vec<_> = missing.iter().map(|m| (*m, GrantReason::Recovery)).collect();
            tx.grant(row.id, header, &grants, now, false).await?;
            let granted: Vec<_> = missing.iter().map(ToString::to_string).collect();
            let event = asker
                .did("recovery.rewrap")
                .client(row.client)
                .object(row.id)
                .sealed_as(row.manifest, row.commitment)
                .with("recovery", id.to_string())
                .with("members", granted);
            record(&mut tx, now, event).await?;
            rewrapped += 1;
        }
        commit(tx).await?;
        Ok(rewrapped)
    }

    /// An open ceremony of the asker's.
    async fn ceremony(
        &self,
        tx: &mut Tx,
        asker: Asker,
        id: RecoveryId,
        now: Timestamp,
    ) -> Result<RecoveryRow, Error> {
        allow(asker, Action::Recover, &Facts::default())?;
        self.ready(tx).await?;
        let row = tx.recovery(id).await?;
        if row.opened_by == asker.member && now < row.expires_at {
            Ok(row)
        } else {
            Err(Error::NotFound)
        }
    }
}

/// The recovery key and the asker signed just now, with two shares.
fn believe(
    directory: &Directory,
    asker: Asker,
    note: &Note,
    said: &Recovery,
    now: Timestamp,
) -> Result<(), Error> {
    let recovered = directory.recovery_cards().any(|card| note.signed_by(&card.sign));
    let two =
        matches!(said.shares[..], [a, b] if a != b && (1..=3).contains(&a) && (1..=3).contains(&b));
    // A ceremony is opened when it is signed.
    let fresh = said.time.is_plausible_at(now) && now.is_plausible_at(said.time);
    let ours = said.root == directory.root().key_id();
    if recovered && directory.signs_now(asker.member, note) && two && fresh && ours {
        Ok(())
    } else {
        Err(Error::Statement(trust::Error::NotAuthorised))
    }
}

/// Whether a signed assignment names `member` for `client`, in whatever category.
fn looks_after(directory: &Directory, client: ClientId, member: MemberId) -> bool {
    Category::ALL.iter().any(|category| directory.assigned(client, *category).contains(&member))
}

/// Readers by kind of document, asked for once.
#[derive(Default)]
struct Readers(BTreeMap<(Category, Direction), Vec<MemberId>>);

impl Readers {
    async fn of(
        &mut self,
        documents: &Documents,
        tx: &mut Tx,
        client: ClientId,
        category: Category,
        direction: Direction,
    ) -> Result<&[MemberId], Error> {
        use std::collections::btree_map::Entry;
        Ok(match self.0.entry((category, direction)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                new.insert(documents.readers_of(tx, client, category, direction).await?)
            }
        })
    }
}
