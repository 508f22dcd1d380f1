//! Audit entries, appended in the transaction of what they record.

use crate::envelope::statement::{Entry, Statement};
use crate::ids::ClientId;

use super::engine::{Error, Tx};

/// An entry as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its place in the order of commit.
    pub id: i64,
    /// Its canonical text.
    pub text: String,
    /// Salt and JSON behind its `data`, unless erased.
    pub data: Option<(Vec<u8>, String)>,
}

impl Tx {
    /// Appends an entry; `salt` and `data` are what its MAC was made of.
    pub async fn append_entry(
        &mut self,
        entry: &Entry,
        salt: &[u8; 32],
        data: &str,
    ) -> Result<(), Error> {
        let client = entry.client.map(|c| c.to_string()).unwrap_or_default();
        let leaf = entry.leaf();
        sqlx::query(
            "INSERT INTO entries (leaf, text, client) VALUES ($1, $2, $3);
             INSERT INTO entry_data (entry, salt, data) VALUES (last_insert_rowid(), $4, $5)",
        )
        .bind(&leaf.0[..])
        .bind(entry.text())
        .bind(client)
        .bind(&salt[..])
        .bind(data)
        .execute(self.conn())
        .await?;
        Ok(())
    }

    /// Up to `limit` entries after `after`, in the order of commit; of one client if given.
    pub async fn entries(
        &mut self,
        client: Option<ClientId>,
        after: i64,
        limit: i64,
    ) -> Result<Vec<StoredEntry>, Error> {
        let client = client.map(|c| c.to_string());
        let rows: Vec<(i64, String, Option<Vec<u8>>, Option<String>)> = sqlx::query_as(
            "SELECT e.id, e.text, d.salt, d.data FROM entries e LEFT JOIN entry_data d ON d.entry = e.id
             WHERE e.id > $1 AND ($2 IS NULL OR e.client = $2) ORDER BY e.id LIMIT $3",
        )
        .bind(after)
        .bind(client)
        .bind(limit)
        .fetch_all(self.conn())
        .await?;
        Ok(rows
            .into_iter()
            .map(|(id, text, salt, data)| StoredEntry { id, text, data: salt.zip(data) })
            .collect())
    }
}
