//! The time that is known to have passed, which never goes back.

use crate::clock::Timestamp;

use super::engine::{Error, Tx};

impl Tx {
    /// The latest time that was noted; none before the first.
    pub async fn passed_time(&mut self) -> Result<Option<Timestamp>, Error> {
        let at: Option<i64> =
            sqlx::query_scalar("SELECT at FROM passed_time").fetch_optional(self.conn()).await?;
        Ok(at.map(Timestamp::from_ms))
    }

    /// Notes that it is `at`; an earlier time changes nothing.
    pub async fn note_time(&mut self, at: Timestamp) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO passed_time (one, at) VALUES (1, $1)
             ON CONFLICT (one) DO UPDATE SET at = max(at, excluded.at)",
        )
        .bind(at.as_ms())
        .execute(self.conn())
        .await?;
        Ok(())
    }
}
