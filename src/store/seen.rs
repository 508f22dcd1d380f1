//! Documents as one member may see them: with what is true between the two, for `access` to
//! decide on, and with what may be told.

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};

use crate::access::Facts;
use crate::api::DocumentState;
use crate::clock::Timestamp;
use crate::envelope::statement::{Category, Note, Period};
use crate::ids::{ClientId, DocumentId, MemberId};

use super::columns::corrupt;
use super::documents::{Document, DocumentColumns, document_columns};
use super::engine::{Error, Tx};

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
    /// What its sender signed when they took it back.
    pub recall: Option<Note>,
    /// The sealed part; empty when there is none.
    pub sealed: Vec<u8>,
    /// Whether a verified reader has sealed it to the recovery key.
    pub recovery_proven: bool,
    /// The header granted to the member.
    pub header: Option<Vec<u8>>,
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
             EXISTS (SELECT 1 FROM recovery_headers r WHERE r.document = d.id)
                 AS recovery_proven,
             g.pulled_at, h.header AS granted_header,
             sm.note AS manifest_note, sa.note AS adoption_note, sr.note AS recall_note
             FROM documents d
             LEFT JOIN grants g ON g.document = d.id AND g.member = $1
             LEFT JOIN headers h ON h.id = g.header
             LEFT JOIN statements sm ON sm.hash = d.manifest
             LEFT JOIN statements sa ON sa.hash = d.adoption
             LEFT JOIN statements sr ON d.state = 'recalled' AND sr.kind = 'revocation'
                 AND sr.subject = 'document:' || d.id "
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
        complete: document.state.is_complete(),
        opened: row.try_get::<Option<i64>, _>("opened_at")?.is_some(),
    };
    Ok(Seen {
        facts,
        pulled: row.try_get::<Option<i64>, _>("pulled_at")?.is_some(),
        manifest: note(row.try_get("manifest_note")?, "a manifest")?,
        adoption: note(row.try_get("adoption_note")?, "an adoption")?,
        receipt: note(Some(row.try_get("receipt")?), "a receipt")?,
        recall: note(row.try_get("recall_note")?, "a recall")?,
        sealed: row.try_get("sealed")?,
        recovery_proven: row.try_get("recovery_proven")?,
        header,
        document,
    })
}

impl Tx {
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
}
