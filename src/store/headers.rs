//! Headers: complete age headers that open a document's payload.

use crate::clock::Timestamp;
use crate::ids::{DocumentId, MemberId};

use super::engine::{Error, Tx};

impl Tx {
    /// Adds a header; returns its number for grants.
    pub async fn insert_header(
        &mut self,
        document: DocumentId,
        header: &[u8],
        created_by: Option<MemberId>,
        at: Timestamp,
    ) -> Result<i64, Error> {
        Ok(sqlx::query_scalar(
            "INSERT INTO headers (document, header, created_by, created_at)
             VALUES ($1, $2, $3, $4) RETURNING id",
        )
        .bind(document.to_string())
        .bind(header)
        .bind(created_by.map(|member| member.to_string()).unwrap_or_default())
        .bind(at.as_ms())
        .fetch_one(self.conn())
        .await?)
    }

    /// The first header of a document, the one that came with it, and its number.
    pub async fn first_header(&mut self, document: DocumentId) -> Result<(i64, Vec<u8>), Error> {
        Ok(sqlx::query_as("SELECT id, header FROM headers WHERE document = $1 ORDER BY id LIMIT 1")
            .bind(document.to_string())
            .fetch_one(self.conn())
            .await?)
    }
}
