//! Ceremonies of recovery: which two officers' shares opened whose documents, for whom, and
//! until when the gateway gives headers for it.

use crate::clock::Timestamp;
use crate::envelope::statement::Note;
use crate::ids::{ClientId, DocumentId, MemberId, RecoveryId};

use super::columns::{corrupt, parse};
use super::engine::{Error, Tx};

/// One ceremony.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryRow {
    /// Its id.
    pub id: RecoveryId,
    /// Whose documents.
    pub client: ClientId,
    /// For whom.
    pub successor: MemberId,
    /// The lead who asked.
    pub opened_by: MemberId,
    /// What the recovery key and the lead signed.
    pub note: Note,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Nothing is given for it afterwards.
    pub expires_at: Timestamp,
}

impl Tx {
    /// Opens a ceremony; [`Error::Conflict`] for an id that was seen before.
    pub async fn insert_recovery(&mut self, row: &RecoveryRow) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO recoveries (id, client, successor, opened_by, note, opened_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(row.id.to_string())
        .bind(row.client.to_string())
        .bind(row.successor.to_string())
        .bind(row.opened_by.to_string())
        .bind(row.note.to_string())
        .bind(row.opened_at.as_ms())
        .bind(row.expires_at.as_ms())
        .execute(self.conn())
        .await?;
        Ok(())
    }

    /// A ceremony by its id.
    pub async fn recovery(&mut self, id: RecoveryId) -> Result<RecoveryRow, Error> {
        let (client, successor, opened_by, note, opened_at, expires_at): (
            String,
            String,
            String,
            String,
            i64,
            i64,
        ) = sqlx::query_as(
            "SELECT client, successor, opened_by, note, opened_at, expires_at
             FROM recoveries WHERE id = $1",
        )
        .bind(id.to_string())
        .fetch_one(self.conn())
        .await?;
        Ok(RecoveryRow {
            id,
            client: parse(&client, "recoveries.client")?,
            successor: parse(&successor, "recoveries.successor")?,
            opened_by: parse(&opened_by, "recoveries.opened_by")?,
            note: Note::parse(&note).map_err(|_| corrupt("recoveries.note"))?,
            opened_at: Timestamp::from_ms(opened_at),
            expires_at: Timestamp::from_ms(expires_at),
        })
    }

    /// Headers of a document that the recovery key may open, the likeliest first: the one that
    /// a verified reader made for it, then the one the document came with.
    pub async fn recovery_sources(&mut self, document: DocumentId) -> Result<Vec<Vec<u8>>, Error> {
        Ok(sqlx::query_scalar(
            "SELECT h.header FROM headers h LEFT JOIN recovery_headers r ON r.header = h.id
             WHERE h.document = $1 AND (r.header IS NOT NULL
                 OR h.id = (SELECT MIN(f.id) FROM headers f WHERE f.document = $1))
             ORDER BY r.header IS NULL, h.id",
        )
        .bind(document.to_string())
        .fetch_all(self.conn())
        .await?)
    }
}
