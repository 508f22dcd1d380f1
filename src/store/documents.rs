//! Documents: from the first byte of an upload to the tombstone of one taken back.

use std::str::FromStr;

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};

use crate::access::Facts;
use crate::api::DocumentState;
use crate::clock::Timestamp;
use crate::envelope::statement::{Category, Direction, Hash, Nonce, Note, Period, SealLevel};
use crate::ids::{ClientId, DocumentId, LinkId, MemberId};

use super::engine::{Error, Tx};

/// What a document is and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its id.
    pub id: DocumentId,
    /// Whose it is.
    pub client: ClientId,
    /// To the firm or to the client.
    pub direction: Direction,
    /// Accounting period.
    pub period: Period,
    /// Category.
    pub category: Category,
    /// Where it was sealed.
    pub seal: SealLevel,
    /// Where it stands.
    pub state: DocumentState,
    /// The member who sends it; none for links.
    pub sender: Option<MemberId>,
    /// The link it came through.
    pub link: Option<LinkId>,
    /// Payload bytes in all; 0 while a link's upload has not said.
    pub length: u64,
    /// Payload bytes that survive a crash.
    pub durable: u64,
    /// The payload's nonce, once it is durable.
    pub nonce: Option<Nonce>,
    /// The combined hash of the pieces, once complete.
    pub pieces: Option<Hash>,
    /// The commitment, once somebody signed one.
    pub commitment: Option<Hash>,
    /// H of the manifest.
    pub manifest: Option<Hash>,
    /// H of the adoption.
    pub adoption: Option<Hash>,
    /// When it was begun or, once complete, completed.
    pub listed_at: Timestamp,
    /// When an unfinished upload is given up.
    pub expires_at: Option<Timestamp>,
}

/// A document with what is true between it and one member, and what may be told of it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The document.
    pub document: Document,
    /// For `access` to decide on.
    pub facts: Facts,
    /// Whether the member has pulled it.
    pub pulled: bool,
    /// The sender's manifest.
    pub manifest: Option<Note>,
    /// The reader's adoption of a raw age file.
    pub adoption: Option<Note>,
    /// The gateway's receipt.
    pub receipt: Option<Note>,
    /// The sealed part; empty when there is none.
    pub sealed: Vec<u8>,
    /// The header granted to the member.
    pub header: Option<Vec<u8>>,
}

/// What completion adds to a document.
#[derive(Clone, Debug)]
pub struct Completion<'a> {
    /// The combined hash of the pieces.
    pub pieces: Hash,
    /// The commitment; none for a raw age file.
    pub commitment: Option<Hash>,
    /// H of the manifest; none for a raw age file.
    pub manifest: Option<Hash>,
    /// The sealed part; empty for a raw age file.
    pub sealed: &'a [u8],
    /// The gateway's receipt.
    pub receipt: &'a Note,
    /// When.
    pub at: Timestamp,
}

/// Which documents are asked for, newest first.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Of one client.
    pub client: Option<ClientId>,
    /// Of one period.
    pub period: Option<Period>,
    /// In one state; else every state but recalled.
    pub state: Option<DocumentState>,
    /// Only what the member has not pulled and somebody else sent.
    pub only_new: bool,
    /// Also documents of clients that the member has nothing to do with.
    pub every_client: bool,
    /// Those after this one in the order of the list.
    pub after: Option<(Timestamp, DocumentId)>,
    /// At most so many.
    pub limit: u16,
}

pub(super) fn corrupt(what: &'static str) -> Error {
    Error::Corrupt(what)
}

pub(super) fn parse<T: FromStr>(text: &str, what: &'static str) -> Result<T, Error> {
    text.parse().map_err(|_| corrupt(what))
}

pub(super) fn optional<T: FromStr>(text: &str, what: &'static str) -> Result<Option<T>, Error> {
    if text.is_empty() { Ok(None) } else { parse(text, what).map(Some) }
}

pub(super) fn bytes<const N: usize>(
    blob: &[u8],
    what: &'static str,
) -> Result<Option<[u8; N]>, Error> {
    if blob.is_empty() {
        return Ok(None);
    }
    blob.try_into().map(Some).map_err(|_| corrupt(what))
}

pub(super) fn unsigned(number: i64, what: &'static str) -> Result<u64, Error> {
    u64::try_from(number).map_err(|_| corrupt(what))
}

/// Lengths are bounded far below 2⁶³ before they come here.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[derive(FromRow)]
struct DocumentColumns {
    id: String,
    client: String,
    direction: String,
    period: String,
    category: String,
    seal: String,
    state: String,
    sender: String,
    link: String,
    length: i64,
    durable: i64,
    nonce: Vec<u8>,
    pieces: Vec<u8>,
    commitment: Vec<u8>,
    manifest: Vec<u8>,
    adoption: Vec<u8>,
    listed_at: i64,
    expires_at: Option<i64>,
}

impl TryFrom<DocumentColumns> for Document {
    type Error = Error;

    fn try_from(row: DocumentColumns) -> Result<Self, Error> {
        Ok(Self {
            id: parse(&row.id, "documents.id")?,
            client: parse(&row.client, "documents.client")?,
            direction: parse(&row.direction, "documents.direction")?,
            period: parse(&row.period, "documents.period")?,
            category: parse(&row.category, "documents.category")?,
            seal: parse(&row.seal, "documents.seal")?,
            state: DocumentState::parse(&row.state).ok_or(corrupt("documents.state"))?,
            sender: optional(&row.sender, "documents.sender")?,
            link: optional(&row.link, "documents.link")?,
            length: unsigned(row.length, "documents.length")?,
            durable: unsigned(row.durable, "documents.durable")?,
            nonce: bytes(&row.nonce, "documents.nonce")?.map(Nonce),
            pieces: bytes(&row.pieces, "documents.pieces")?.map(Hash),
            commitment: bytes(&row.commitment, "documents.commitment")?.map(Hash),
            manifest: bytes(&row.manifest, "documents.manifest")?.map(Hash),
            adoption: bytes(&row.adoption, "documents.adoption")?.map(Hash),
            listed_at: Timestamp::from_ms(row.listed_at),
            expires_at: row.expires_at.map(Timestamp::from_ms),
        })
    }
}

macro_rules! document_columns {
    () => {
        "d.id, d.client, d.direction, d.period, d.category, d.seal, d.state, d.sender, d.link,
         d.length, d.durable, d.nonce, d.pieces, d.commitment, d.manifest, d.adoption,
         d.listed_at, d.expires_at"
    };
}

// What is true between a document `d` and the member `$1`. The assignment of a category
// counts alone where there is one.
macro_rules! seen_columns {
    () => {
        concat!(
            document_columns!(),
            ", d.opened_at, d.receipt, d.sealed,
             EXISTS (SELECT 1 FROM memberships m WHERE m.member = $1 AND m.client = d.client)
                 AS of_client,
             EXISTS (SELECT 1 FROM assignments a WHERE a.member = $1 AND a.client = d.client
                 AND a.category = CASE WHEN EXISTS (SELECT 1 FROM assignment_subjects s
                     WHERE s.client = d.client AND s.category = d.category)
                     THEN d.category ELSE '' END) AS assigned,
             (SELECT p.reader_categories FROM policies p WHERE p.client = d.client)
                 AS reader_categories,
             g.pulled_at, h.header AS granted_header,
             sm.note AS manifest_note, sa.note AS adoption_note
             FROM documents d
             LEFT JOIN grants g ON g.document = d.id AND g.member = $1
             LEFT JOIN headers h ON h.id = g.header
             LEFT JOIN statements sm ON sm.hash = d.manifest
             LEFT JOIN statements sa ON sa.hash = d.adoption "
        )
    };
}

/// Whether clerks may read `category` under the policy's list, or where there is no policy.
fn clerk_reads(list: Option<&str>, category: Category) -> bool {
    match list {
        Some(list) => list.split(',').any(|word| word == category.as_str()),
        None => Category::clerk_default().contains(&category),
    }
}

fn note(text: Option<String>, what: &'static str) -> Result<Option<Note>, Error> {
    text.filter(|text| !text.is_empty())
        .map(|text| Note::parse(&text).map_err(|_| corrupt(what)))
        .transpose()
}

fn seen(row: &SqliteRow, member: MemberId) -> Result<Seen, Error> {
    let document: Document = DocumentColumns::from_row(row)?.try_into()?;
    let header: Option<Vec<u8>> = row.try_get("granted_header")?;
    let categories: Option<String> = row.try_get("reader_categories")?;
    let facts = Facts {
        of_client: row.try_get("of_client")?,
        assigned: row.try_get("assigned")?,
        clerk_may_read: clerk_reads(categories.as_deref(), document.category),
        is_sender: document.sender == Some(member),
        granted: header.is_some(),
        complete: matches!(document.state, DocumentState::Received | DocumentState::Pulled),
        opened: row.try_get::<Option<i64>, _>("opened_at")?.is_some(),
    };
    Ok(Seen {
        facts,
        pulled: row.try_get::<Option<i64>, _>("pulled_at")?.is_some(),
        manifest: note(row.try_get("manifest_note")?, "a manifest")?,
        adoption: note(row.try_get("adoption_note")?, "an adoption")?,
        receipt: note(Some(row.try_get("receipt")?), "a receipt")?,
        sealed: row.try_get("sealed")?,
        header,
        document,
    })
}

impl Tx {
    /// Adds a document in its first state; [`Error::Conflict`] for an id that was seen before.
    pub async fn insert_document(
        &mut self,
        document: &Document,
        reserved: u64,
    ) -> Result<(), Error> {
        let text = |id: Option<String>| id.unwrap_or_default();
        sqlx::query(
            "INSERT INTO documents (id, client, direction, period, category, seal, state, sender,
                 link, length, durable, reserved, nonce, pieces, commitment, manifest, adoption,
                 created_at, listed_at, expires_at, receipt, sealed)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, x'', x'', x'', x'',
                 $14, $14, $15, '', x'')",
        )
        .bind(document.id.to_string())
        .bind(document.client.to_string())
        .bind(document.direction.as_str())
        .bind(document.period.to_string())
        .bind(document.category.as_str())
        .bind(document.seal.as_str())
        .bind(document.state.as_str())
        .bind(text(document.sender.map(|id| id.to_string())))
        .bind(text(document.link.map(|id| id.to_string())))
        .bind(signed(document.length))
        .bind(signed(document.durable))
        .bind(signed(reserved))
        .bind(document.nonce.map(|nonce| nonce.0.to_vec()).unwrap_or_default())
        .bind(document.listed_at.as_ms())
        .bind(document.expires_at.map(Timestamp::as_ms))
        .execute(self.conn())
        .await?;
        Ok(())
    }

    /// A document by its id.
    pub async fn document(&mut self, id: DocumentId) -> Result<Document, Error> {
        let row: DocumentColumns = sqlx::query_as(concat!(
            "SELECT ",
            document_columns!(),
            " FROM documents d WHERE d.id = $1"
        ))
        .bind(id.to_string())
        .fetch_one(self.conn())
        .await?;
        row.try_into()
    }

    /// A document with all that `member` may be told of it, and the facts to decide by.
    pub async fn seen_document(&mut self, id: DocumentId, member: MemberId) -> Result<Seen, Error> {
        let row = sqlx::query(concat!("SELECT ", seen_columns!(), "WHERE d.id = $2"))
            .bind(member.to_string())
            .bind(id.to_string())
            .fetch_one(self.conn())
            .await?;
        seen(&row, member)
    }

    /// What is true between `member` and documents of `category` of `client`.
    pub async fn client_facts(
        &mut self,
        client: ClientId,
        category: Category,
        member: MemberId,
    ) -> Result<Facts, Error> {
        let (of_client, assigned, categories): (bool, bool, Option<String>) = sqlx::query_as(
            "SELECT
                 EXISTS (SELECT 1 FROM memberships m WHERE m.member = $1 AND m.client = $2),
                 EXISTS (SELECT 1 FROM assignments a WHERE a.member = $1 AND a.client = $2
                     AND a.category = CASE WHEN EXISTS (SELECT 1 FROM assignment_subjects s
                         WHERE s.client = $2 AND s.category = $3) THEN $3 ELSE '' END),
                 (SELECT p.reader_categories FROM policies p WHERE p.client = $2)",
        )
        .bind(member.to_string())
        .bind(client.to_string())
        .bind(category.as_str())
        .fetch_one(self.conn())
        .await?;
        let clerk_may_read = clerk_reads(categories.as_deref(), category);
        Ok(Facts { of_client, assigned, clerk_may_read, ..Facts::default() })
    }

    /// Documents as `member` may find them, newest first; what may be told of each is for
    /// `access` to say.
    pub async fn search_documents(
        &mut self,
        member: MemberId,
        search: &Search,
    ) -> Result<Vec<Seen>, Error> {
        macro_rules! text {
            ($client:literal) => {
                concat!(
                    "SELECT ",
                    seen_columns!(),
                    "WHERE ",
                    $client,
                    " AND ($3 = '' OR d.period = $3)
                      AND (d.state = $4 OR ($4 = '' AND d.state <> 'recalled'))
                      AND (NOT $5 OR (g.document IS NOT NULL AND g.pulled_at IS NULL
                          AND d.sender <> $1))
                      AND (d.listed_at, d.id) < ($6, $7)
                      AND ($8 OR d.sender = $1
                          OR EXISTS (SELECT 1 FROM memberships m
                              WHERE m.member = $1 AND m.client = d.client)
                          OR EXISTS (SELECT 1 FROM assignments a
                              WHERE a.member = $1 AND a.client = d.client))
                      ORDER BY d.listed_at DESC, d.id DESC LIMIT $9"
                )
            };
        }
        // Two texts, so that each is answered from its own index.
        let query = match search.client {
            Some(_) => sqlx::query(text!("d.client = $2")),
            None => sqlx::query(text!("$2 = ''")),
        };
        let (at, id) =
            search.after.map_or((i64::MAX, String::new()), |(at, id)| (at.as_ms(), id.to_string()));
        let rows = query
            .bind(member.to_string())
            .bind(search.client.map(|client| client.to_string()).unwrap_or_default())
            .bind(search.period.map(|period| period.to_string()).unwrap_or_default())
            .bind(search.state.map_or("", DocumentState::as_str))
            .bind(search.only_new)
            .bind(at)
            .bind(id)
            .bind(search.every_client)
            .bind(i64::from(search.limit))
            .fetch_all(self.conn())
            .await?;
        rows.iter().map(|row| seen(row, member)).collect()
    }

    /// Makes an upload whose bytes are all durable a received document;
    /// [`Error::Conflict`] when it is none.
    pub async fn complete_document(
        &mut self,
        id: DocumentId,
        completion: &Completion<'_>,
    ) -> Result<(), Error> {
        let blob = |hash: Option<Hash>| hash.map(|hash| hash.0.to_vec()).unwrap_or_default();
        let done = sqlx::query(
            "UPDATE documents SET state = 'received', pieces = $2, commitment = $3, manifest = $4,
                 sealed = $5, receipt = $6, listed_at = $7, expires_at = NULL
             WHERE id = $1 AND state = 'uploading' AND durable = length AND length > 0",
        )
        .bind(id.to_string())
        .bind(&completion.pieces.0[..])
        .bind(blob(completion.commitment))
        .bind(blob(completion.manifest))
        .bind(completion.sealed)
        .bind(completion.receipt.to_string())
        .bind(completion.at.as_ms())
        .execute(self.conn())
        .await?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(Error::Conflict) }
    }

    /// Notes that somebody else than its sender has fetched a document.
    pub async fn mark_opened(&mut self, id: DocumentId, at: Timestamp) -> Result<(), Error> {
        sqlx::query("UPDATE documents SET opened_at = $2 WHERE id = $1 AND opened_at IS NULL")
            .bind(id.to_string())
            .bind(at.as_ms())
            .execute(self.conn())
            .await?;
        Ok(())
    }

    /// Notes that somebody it was meant for has pulled a document.
    pub async fn mark_pulled(&mut self, id: DocumentId) -> Result<(), Error> {
        sqlx::query("UPDATE documents SET state = 'pulled' WHERE id = $1 AND state = 'received'")
            .bind(id.to_string())
            .execute(self.conn())
            .await?;
        Ok(())
    }

    /// Leaves a tombstone of a complete document that nobody opened: headers, grants, the
    /// sealed part and segments go, the manifest's place in its chain stays.
    /// [`Error::Conflict`] when it is not in such a state. Returns the names of its objects.
    pub async fn recall_document(&mut self, id: DocumentId) -> Result<Vec<String>, Error> {
        let done = sqlx::query(
            "UPDATE documents SET state = 'recalled', sealed = x''
             WHERE id = $1 AND state IN ('received', 'pulled') AND opened_at IS NULL",
        )
        .bind(id.to_string())
        .execute(self.conn())
        .await?;
        if done.rows_affected() != 1 {
            return Err(Error::Conflict);
        }
        self.delete_parts(id).await
    }

    /// Forgets an unfinished upload; [`Error::NotFound`] when it is none. Returns the names of
    /// its objects.
    pub async fn delete_upload(&mut self, id: DocumentId) -> Result<Vec<String>, Error> {
        let unfinished: Option<i64> =
            sqlx::query_scalar("SELECT 1 FROM documents WHERE id = $1 AND state = 'uploading'")
                .bind(id.to_string())
                .fetch_optional(self.conn())
                .await?;
        if unfinished.is_none() {
            return Err(Error::NotFound);
        }
        let objects = self.delete_parts(id).await?;
        sqlx::query("DELETE FROM documents WHERE id = $1")
            .bind(id.to_string())
            .execute(self.conn())
            .await?;
        Ok(objects)
    }

    async fn delete_parts(&mut self, id: DocumentId) -> Result<Vec<String>, Error> {
        let objects =
            sqlx::query_scalar("DELETE FROM segments WHERE document = $1 RETURNING object")
                .bind(id.to_string())
                .fetch_all(self.conn())
                .await?;
        for table in
            ["DELETE FROM grants WHERE document = $1", "DELETE FROM headers WHERE document = $1"]
        {
            sqlx::query(table).bind(id.to_string()).execute(self.conn()).await?;
        }
        Ok(objects)
    }

    /// Unfinished uploads that are to be given up at `now`, the oldest first.
    pub async fn expired_uploads(
        &mut self,
        now: Timestamp,
        limit: u16,
    ) -> Result<Vec<Document>, Error> {
        let rows: Vec<DocumentColumns> = sqlx::query_as(concat!(
            "SELECT ",
            document_columns!(),
            " FROM documents d WHERE d.expires_at < $1 AND d.state = 'uploading'
              ORDER BY d.expires_at LIMIT $2"
        ))
        .bind(now.as_ms())
        .bind(i64::from(limit))
        .fetch_all(self.conn())
        .await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// How many uploads of `sender` are unfinished.
    pub async fn unfinished_uploads(&mut self, sender: MemberId) -> Result<u64, Error> {
        let count: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM documents WHERE sender = $1 AND state = 'uploading'",
        )
        .bind(sender.to_string())
        .fetch_one(self.conn())
        .await?;
        unsigned(count, "a count")
    }
}

impl Tx {
    /// Notes the adoption of a raw age file: its commitment and sealed part.
    pub async fn set_adopted(
        &mut self,
        id: DocumentId,
        adoption: Hash,
        commitment: Hash,
        sealed: &[u8],
    ) -> Result<(), Error> {
        sqlx::query(
            "UPDATE documents SET adoption = $2, commitment = $3, sealed = $4 WHERE id = $1",
        )
        .bind(id.to_string())
        .bind(&adoption.0[..])
        .bind(&commitment.0[..])
        .bind(sealed)
        .execute(self.conn())
        .await?;
        Ok(())
    }

    /// Says how long a payload is whose sender did not: all that is durable of it.
    /// [`Error::Conflict`] when it is not `length`.
    pub async fn set_length(&mut self, id: DocumentId, length: u64) -> Result<(), Error> {
        let done = sqlx::query(
            "UPDATE documents SET length = $2
             WHERE id = $1 AND state = 'uploading' AND length = 0 AND durable = $2",
        )
        .bind(id.to_string())
        .bind(signed(length))
        .execute(self.conn())
        .await?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(Error::Conflict) }
    }
}
