//! The newest policy of each subject, as rows that queries can join.

use crate::envelope::statement::{Policy, YesNo};

use super::engine::{Error, Tx};

impl Tx {
    /// Puts a policy into force.
    pub async fn set_policy(&mut self, policy: &Policy) -> Result<(), Error> {
        let readable: Vec<_> = policy.reader_categories.iter().map(|c| c.as_str()).collect();
        sqlx::query(
            "INSERT INTO policies (client, on_arrival, post_quantum, reader_categories)
             VALUES ($1, $2, $3, $4)
             ON CONFLICT (client) DO UPDATE SET on_arrival = excluded.on_arrival,
                 post_quantum = excluded.post_quantum, reader_categories = excluded.reader_categories",
        )
        .bind(policy.client.map(|c| c.to_string()).unwrap_or_default())
        .bind(i64::from(policy.on_arrival == YesNo::Yes))
        .bind(i64::from(policy.post_quantum == YesNo::Yes))
        .bind(readable.join(","))
        .execute(self.conn())
        .await?;
        Ok(())
    }
}
