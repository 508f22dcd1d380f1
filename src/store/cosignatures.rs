//! Cosignatures beside the checkpoints they are of.

use crate::clock::Timestamp;

use super::columns::{signed, unsigned};
use super::engine::{Error, Tx};
use super::tree::StoredCheckpoint;

impl Tx {
    /// Keeps a witness's line for the checkpoint of `size` entries; another one for it changes
    /// nothing.
    pub async fn insert_cosignature(
        &mut self,
        size: u64,
        witness: &str,
        line: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO cosignatures (witness, size, line, kept_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (witness, size) DO NOTHING",
        )
        .bind(witness)
        .bind(signed(size))
        .bind(line)
        .bind(now.as_ms())
        .execute(self.conn())
        .await?;
        Ok(())
    }

    /// The lines of every witness for the checkpoint of `size` entries, joined.
    pub async fn cosignatures(&mut self, size: u64) -> Result<String, Error> {
        let lines: Vec<String> =
            sqlx::query_scalar("SELECT line FROM cosignatures WHERE size = $1 ORDER BY witness")
                .bind(signed(size))
                .fetch_all(self.conn())
                .await?;
        Ok(lines.concat())
    }

    /// The newest checkpoint that `witness` cosigned, with its line.
    pub async fn newest_cosigned(
        &mut self,
        witness: &str,
    ) -> Result<Option<(StoredCheckpoint, String)>, Error> {
        let row: Option<(i64, Vec<u8>, String, String)> = sqlx::query_as(
            "SELECT c.size, c.root, c.note, s.line FROM cosignatures s
             JOIN checkpoints c ON c.size = s.size
             WHERE s.witness = $1 ORDER BY s.size DESC LIMIT 1",
        )
        .bind(witness)
        .fetch_optional(self.conn())
        .await?;
        row.map(|(size, root, note, line)| {
            Ok((StoredCheckpoint { size: unsigned(size, "checkpoints.size")?, root, note }, line))
        })
        .transpose()
    }
}
