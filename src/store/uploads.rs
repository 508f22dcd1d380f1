//! Unfinished uploads: counted, given up, expired.

use crate::clock::Timestamp;
use crate::ids::{DocumentId, MemberId};

use super::columns::unsigned;
use super::documents::{Document, DocumentColumns, document_columns};
use super::engine::{Error, Tx};

impl Tx {
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
        self.release_to_link(id).await?;
        let objects = self.delete_parts(id).await?;
        sqlx::query("DELETE FROM documents WHERE id = $1")
            .bind(id.to_string())
            .execute(self.conn())
            .await?;
        Ok(objects)
    }

    /// Unfinished uploads that are to be given up at `now`, the oldest first; among them what
    /// was arriving when a gateway ended before `started`, for nobody can go on with that.
    pub async fn expired_uploads(
        &mut self,
        now: Timestamp,
        started: Timestamp,
        limit: u16,
    ) -> Result<Vec<Document>, Error> {
        let rows: Vec<DocumentColumns> = sqlx::query_as(concat!(
            "SELECT ",
            document_columns!(),
            " FROM documents d WHERE d.expires_at IS NOT NULL AND d.state = 'uploading'
                AND (d.expires_at < $1 OR (d.seal <> 'end_to_end' AND d.created_at < $2))
              ORDER BY d.expires_at LIMIT $3"
        ))
        .bind(now.as_ms())
        .bind(started.as_ms())
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
