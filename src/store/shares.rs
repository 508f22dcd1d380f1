//! Shares: what was proposed, what was decided about them, and who may see them.

use crate::api::{Fetched, ShareState, SharedDocument};
use crate::clock::Timestamp;
use crate::envelope::statement::{Basis, Category, Hash, Note, Share};
use crate::ids::{ClientId, DocumentId, LeaseId, MemberId, PartnerId, ShareId};

use super::columns::{bytes, corrupt, optional, parse, signed, unsigned};
use super::engine::{Error, Tx};

/// A share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareRow {
    /// Its id.
    pub id: ShareId,
    /// For whom.
    pub partner: PartnerId,
    /// Whose documents.
    pub client: ClientId,
    /// By whom.
    pub sharer: MemberId,
    /// Who receives it.
    pub recipient: String,
    /// Whether an access code is needed.
    pub has_code: bool,
    /// H(find).
    pub find_hash: Hash,
    /// H(open).
    pub open_hash: Hash,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Full sets that may be released.
    pub max_downloads: u64,
    /// Slots that were taken and not given back.
    pub used: u64,
    /// Wrong codes with a valid link since it was unlocked.
    pub wrong_codes: u64,
    /// When too many wrong codes locked it.
    pub locked_at: Option<Timestamp>,
    /// When the client's principal allowed it,
    pub authorised_at: Option<Timestamp>,
    /// and on what ground.
    pub basis: Option<Basis>,
    /// When the client's principal refused it or took it back.
    pub withdrawn_at: Option<Timestamp>,
    /// When the firm ended it.
    pub revoked_at: Option<Timestamp>,
    /// Whether a second person of the firm must agree.
    pub sensitive: bool,
    /// When they did.
    pub seconded_at: Option<Timestamp>,
    /// Whether whoever shared still looks after the client.
    pub attended: bool,
    /// When it was proposed.
    pub created_at: Timestamp,
    /// The share as signed.
    pub note: Note,
    /// The sealed list.
    pub sealed: Vec<u8>,
}

impl ShareRow {
    /// Whether it waits for a second person.
    pub fn needs_second(&self) -> bool {
        self.sensitive && self.seconded_at.is_none()
    }

    /// Where it stands at `now`. What ended it first in time does not matter: what somebody
    /// did goes before what happened.
    pub fn state(&self, now: Timestamp) -> ShareState {
        if self.revoked_at.is_some() || !self.attended {
            ShareState::Revoked
        } else if self.withdrawn_at.is_some() {
            ShareState::Withdrawn
        } else if self.expires_at <= now {
            ShareState::Expired
        } else if self.locked_at.is_some() {
            ShareState::Locked
        } else if self.authorised_at.is_none() || self.needs_second() {
            ShareState::Waiting
        } else if self.used >= self.max_downloads {
            ShareState::UsedUp
        } else {
            ShareState::Open
        }
    }
}

/// A share to be filed.
#[derive(Debug)]
pub struct NewShare<'a> {
    /// What was signed.
    pub share: &'a Share,
    /// As it was signed.
    pub note: &'a Note,
    /// Whose documents.
    pub client: ClientId,
    /// By whom.
    pub sharer: MemberId,
    /// Who receives it.
    pub recipient: &'a str,
    /// Whether an access code is needed.
    pub has_code: bool,
    /// H(find).
    pub find_hash: Hash,
    /// H(open).
    pub open_hash: Hash,
    /// Whether a second person of the firm must agree.
    pub sensitive: bool,
    /// The sealed list.
    pub sealed: &'a [u8],
    /// A header for each document.
    pub documents: &'a [SharedDocument],
}

// Whether whoever shared still looks after the client: they hold link and code.
macro_rules! attended {
    () => {
        "EXISTS (SELECT 1 FROM members m JOIN assignments a ON a.member = m.id
             WHERE m.id = s.sharer AND m.state = 'active' AND a.client = s.client)"
    };
}
pub(super) use attended;

#[derive(sqlx::FromRow)]
struct Columns {
    id: String,
    partner: String,
    client: String,
    sharer: String,
    recipient: String,
    has_code: bool,
    find_hash: Vec<u8>,
    open_hash: Vec<u8>,
    expires_at: i64,
    max_downloads: i64,
    used: i64,
    wrong_codes: i64,
    locked_at: Option<i64>,
    authorised_at: Option<i64>,
    basis: String,
    withdrawn_at: Option<i64>,
    revoked_at: Option<i64>,
    sensitive: bool,
    seconded_at: Option<i64>,
    attended: bool,
    created_at: i64,
    note: String,
    sealed: Vec<u8>,
}

impl TryFrom<Columns> for ShareRow {
    type Error = Error;

    fn try_from(row: Columns) -> Result<Self, Error> {
        let time = |ms: Option<i64>| ms.map(Timestamp::from_ms);
        let hash = |blob: &[u8], what| bytes(blob, what)?.map(Hash).ok_or_else(|| corrupt(what));
        Ok(Self {
            id: parse(&row.id, "shares.id")?,
            partner: parse(&row.partner, "shares.partner")?,
            client: parse(&row.client, "shares.client")?,
            sharer: parse(&row.sharer, "shares.sharer")?,
            recipient: row.recipient,
            has_code: row.has_code,
            find_hash: hash(&row.find_hash, "shares.find_hash")?,
            open_hash: hash(&row.open_hash, "shares.open_hash")?,
            expires_at: Timestamp::from_ms(row.expires_at),
            max_downloads: unsigned(row.max_downloads, "shares.max_downloads")?,
            used: unsigned(row.used, "shares.used")?,
            wrong_codes: unsigned(row.wrong_codes, "shares.wrong_codes")?,
            locked_at: time(row.locked_at),
            authorised_at: time(row.authorised_at),
            basis: optional(&row.basis, "shares.basis")?,
            withdrawn_at: time(row.withdrawn_at),
            revoked_at: time(row.revoked_at),
            attended: row.attended,
            sensitive: row.sensitive,
            seconded_at: time(row.seconded_at),
            created_at: Timestamp::from_ms(row.created_at),
            note: Note::parse(&row.note).map_err(|_| corrupt("shares.note"))?,
            sealed: row.sealed,
        })
    }
}

impl Tx {
    /// Files a share; [`Error::Conflict`] when its id is taken.
    pub async fn insert_share(&mut self, new: &NewShare<'_>, now: Timestamp) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO shares (id, partner, client, sharer, recipient, has_code, find_hash,
                 open_hash, expires_at, max_downloads, used, wrong_codes, basis, sensitive,
                 created_at, note, sealed)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, '', $11, $12, $13, $14)",
        )
        .bind(new.share.share.to_string())
        .bind(new.share.partner.to_string())
        .bind(new.client.to_string())
        .bind(new.sharer.to_string())
        .bind(new.recipient)
        .bind(new.has_code)
        .bind(&new.find_hash.0[..])
        .bind(&new.open_hash.0[..])
        .bind(new.share.expires.as_ms())
        .bind(signed(new.share.max_downloads))
        .bind(new.sensitive)
        .bind(now.as_ms())
        .bind(new.note.to_string())
        .bind(new.sealed)
        .execute(self.conn())
        .await?;
        for document in new.documents {
            sqlx::query(
                "INSERT INTO share_documents (share, document, header) VALUES ($1, $2, $3)",
            )
            .bind(new.share.share.to_string())
            .bind(document.document.to_string())
            .bind(&document.header.0)
            .execute(self.conn())
            .await?;
        }
        Ok(())
    }

    /// One share.
    pub async fn share(&mut self, id: ShareId) -> Result<ShareRow, Error> {
        let columns: Columns = sqlx::query_as(concat!(
            "SELECT s.*, ",
            attended!(),
            " AS attended FROM shares s WHERE s.id = $1"
        ))
        .bind(id.to_string())
        .fetch_one(self.conn())
        .await?;
        columns.try_into()
    }

    /// The shares that `member` may see, newest first: of the clients they are assigned to or
    /// belong to; with `every_client` all.
    pub async fn shares_seen(
        &mut self,
        member: MemberId,
        every_client: bool,
    ) -> Result<Vec<ShareRow>, Error> {
        let rows: Vec<Columns> = sqlx::query_as(concat!(
            "SELECT s.*, ",
            attended!(),
            " AS attended FROM shares s WHERE $2
                 OR s.client IN (SELECT client FROM memberships WHERE member = $1)
                 OR s.client IN (SELECT client FROM assignments WHERE member = $1)
             ORDER BY s.created_at DESC, s.id"
        ))
        .bind(member.to_string())
        .bind(every_client)
        .fetch_all(self.conn())
        .await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// The clients with a share for `partner` that has not ended at `now`.
    pub async fn clients_shared_with(
        &mut self,
        partner: PartnerId,
        now: Timestamp,
    ) -> Result<Vec<ClientId>, Error> {
        let rows: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT client FROM shares WHERE partner = $1 AND expires_at > $2
                 AND revoked_at IS NULL AND withdrawn_at IS NULL ORDER BY client",
        )
        .bind(partner.to_string())
        .bind(now.as_ms())
        .fetch_all(self.conn())
        .await?;
        rows.iter().map(|id| parse(id, "shares.client")).collect()
    }

    /// The documents of a share and their categories, by id.
    pub async fn shared_documents(
        &mut self,
        share: ShareId,
    ) -> Result<Vec<(DocumentId, Category)>, Error> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT d.id, d.category FROM share_documents s JOIN documents d ON d.id = s.document
             WHERE s.share = $1 ORDER BY d.id",
        )
        .bind(share.to_string())
        .fetch_all(self.conn())
        .await?;
        rows.iter()
            .map(|(id, category)| {
                Ok((parse(id, "share_documents.document")?, parse(category, "documents.category")?))
            })
            .collect()
    }

    /// What the partner fetched of a share, oldest first.
    pub async fn share_fetches(&mut self, share: ShareId) -> Result<Vec<Fetched>, Error> {
        let rows: Vec<(String, Vec<u8>, i64)> = sqlx::query_as(
            "SELECT document, lease, fetched_at FROM share_fetches WHERE share = $1
             ORDER BY fetched_at, document",
        )
        .bind(share.to_string())
        .fetch_all(self.conn())
        .await?;
        rows.iter()
            .map(|(document, lease, at)| {
                let what = "share_fetches.lease";
                let lease = bytes(lease, what)?.ok_or_else(|| corrupt(what))?;
                Ok(Fetched {
                    document: parse(document, "share_fetches.document")?,
                    lease: LeaseId::from_bytes(lease),
                    at: Timestamp::from_ms(*at),
                })
            })
            .collect()
    }

    /// Notes that the client's principal allowed a share; whether that is new. One that was
    /// ended stays ended.
    pub async fn authorise_share(
        &mut self,
        id: ShareId,
        basis: Basis,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let done = sqlx::query(
            "UPDATE shares SET authorised_at = $2, basis = $3 WHERE id = $1
             AND authorised_at IS NULL AND withdrawn_at IS NULL AND revoked_at IS NULL",
        )
        .bind(id.to_string())
        .bind(now.as_ms())
        .bind(basis.as_str())
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Notes that a second person agreed, and keeps the share with their signature; whether
    /// that is new.
    pub async fn second_share(
        &mut self,
        id: ShareId,
        note: &Note,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let done = sqlx::query(
            "UPDATE shares SET seconded_at = $2, note = $3 WHERE id = $1
             AND seconded_at IS NULL AND withdrawn_at IS NULL AND revoked_at IS NULL",
        )
        .bind(id.to_string())
        .bind(now.as_ms())
        .bind(note.to_string())
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Ends a share and the link by which its partner gives back; whether that is new.
    pub async fn end_share(
        &mut self,
        id: ShareId,
        by_client: bool,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let sql = if by_client {
            "UPDATE shares SET withdrawn_at = $2 WHERE id = $1 AND withdrawn_at IS NULL"
        } else {
            "UPDATE shares SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL"
        };
        let done =
            sqlx::query(sql).bind(id.to_string()).bind(now.as_ms()).execute(self.conn()).await?;
        sqlx::query("UPDATE links SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1")
            .bind(id.to_string())
            .bind(now.as_ms())
            .execute(self.conn())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Forgets wrong codes; whether it was locked.
    pub async fn unlock_share(&mut self, id: ShareId) -> Result<bool, Error> {
        let done = sqlx::query(
            "UPDATE shares SET locked_at = NULL, wrong_codes = 0
             WHERE id = $1 AND locked_at IS NOT NULL",
        )
        .bind(id.to_string())
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Keeps a decision or revocation about a share as it was signed; again changes nothing.
    pub async fn file_about_share(
        &mut self,
        share: ShareId,
        kind: &str,
        note: &Note,
        now: Timestamp,
    ) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO share_statements (share, hash, kind, note, created_at)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (hash) DO NOTHING",
        )
        .bind(share.to_string())
        .bind(&note.hash().0[..])
        .bind(kind)
        .bind(note.to_string())
        .bind(now.as_ms())
        .execute(self.conn())
        .await?;
        Ok(())
    }
}
