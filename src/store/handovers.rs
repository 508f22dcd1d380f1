//! Hand-overs of all clients of a leaving accountant, and the documents they are about.

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};

use crate::clock::Timestamp;
use crate::envelope::statement::{Handover, Note};
use crate::ids::{ClientId, DocumentId, HandoverId, MemberId};

use super::columns::corrupt;
use super::documents::{Document, DocumentColumns, document_columns};
use super::engine::{Error, Tx};

/// Documents of one page.
const PAGE: i64 = 500;

/// A hand-over that was completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandoverRow {
    /// What the three people signed.
    pub note: Note,
    /// When it was completed.
    pub completed_at: Timestamp,
}

/// A complete document, with what was signed about it.
#[derive(Clone, Debug)]
pub struct HandoverDocument {
    /// The document.
    pub document: Document,
    /// The sender's manifest.
    pub manifest: Option<Note>,
    /// The reader's adoption of a raw age file.
    pub adoption: Option<Note>,
    /// Whether the successor has a header that somebody else than its sender made for them.
    pub resealed: bool,
}

fn note(row: &SqliteRow, column: &str) -> Result<Option<Note>, Error> {
    let text: Option<String> = row.try_get(column)?;
    text.map(|text| Note::parse(&text).map_err(|_| corrupt("statements.note"))).transpose()
}

impl Tx {
    /// Notes a completed hand-over; [`Error::Conflict`] for an id that was seen before.
    pub async fn insert_handover(
        &mut self,
        said: &Handover,
        note: &Note,
        by: MemberId,
        at: Timestamp,
    ) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO handovers (id, note, completed_by, completed_at) VALUES ($1, $2, $3, $4)",
        )
        .bind(said.handover.to_string())
        .bind(note.to_string())
        .bind(by.to_string())
        .bind(at.as_ms())
        .execute(self.conn())
        .await?;
        Ok(())
    }

    /// A completed hand-over by its id.
    pub async fn handover(&mut self, id: HandoverId) -> Result<HandoverRow, Error> {
        let (note, at): (String, i64) =
            sqlx::query_as("SELECT note, completed_at FROM handovers WHERE id = $1")
                .bind(id.to_string())
                .fetch_one(self.conn())
                .await?;
        let note = Note::parse(&note).map_err(|_| corrupt("handovers.note"))?;
        Ok(HandoverRow { note, completed_at: Timestamp::from_ms(at) })
    }

    /// A page of the complete documents of `client`, newest first, as `successor` takes them
    /// over; those after one in this order, or from the newest on.
    pub async fn handed_over(
        &mut self,
        client: ClientId,
        successor: MemberId,
        after: Option<(Timestamp, DocumentId)>,
    ) -> Result<Vec<HandoverDocument>, Error> {
        let (at, id) =
            after.map_or((i64::MAX, String::new()), |(at, id)| (at.as_ms(), id.to_string()));
        let rows = sqlx::query(concat!(
            "SELECT ",
            document_columns!(),
            ", sm.note AS manifest_note, sa.note AS adoption_note,
               EXISTS (SELECT 1 FROM grants g WHERE g.document = d.id AND g.member = $2
                   AND g.reason IN ('rewrap', 'recovery')) AS resealed
             FROM documents d
             LEFT JOIN statements sm ON sm.hash = d.manifest
             LEFT JOIN statements sa ON sa.hash = d.adoption
             WHERE d.client = $1 AND d.state IN ('received', 'pulled')
                 AND (d.listed_at, d.id) < ($3, $4)
             ORDER BY d.listed_at DESC, d.id DESC LIMIT $5"
        ))
        .bind(client.to_string())
        .bind(successor.to_string())
        .bind(at)
        .bind(id)
        .bind(PAGE)
        .fetch_all(self.conn())
        .await?;
        let read = |row: &SqliteRow| {
            Ok(HandoverDocument {
                document: DocumentColumns::from_row(row)?.try_into()?,
                manifest: note(row, "manifest_note")?,
                adoption: note(row, "adoption_note")?,
                resealed: row.try_get("resealed")?,
            })
        };
        rows.iter().map(read).collect()
    }
}
