//! The audit log as a tree: positions of entries, tiles, checkpoints, and the lease of whoever
//! sequences.

use crate::clock::Timestamp;
use crate::envelope::statement::Hash;
use crate::ids::ClientId;

use super::engine::{Error, Tx};

/// A checkpoint that was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCheckpoint {
    /// Entries it covers.
    pub size: u64,
    /// The root over them.
    pub root: Vec<u8>,
    /// The signed note.
    pub note: String,
}

/// An entry with everything that a check of the log looks at, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRow {
    /// Its place in the order of commit.
    pub id: i64,
    /// Its place in the tree, once it has one.
    pub position: Option<u64>,
    /// The leaf.
    pub leaf: Vec<u8>,
    /// The canonical text.
    pub text: String,
    /// The client by which it is found; empty for none.
    pub client: String,
    /// Salt and JSON behind its `data`, unless erased.
    pub data: Option<(Vec<u8>, String)>,
}

/// A tile: level, index, hashes of 32 bytes.
pub type StoredTile = (u8, u64, Vec<u8>);

type LogColumns = (i64, Option<i64>, Vec<u8>, String, String, Option<Vec<u8>>, Option<String>);

fn log_row((id, position, leaf, text, client, salt, data): LogColumns) -> Result<LogRow, Error> {
    let position = position.map(|p| unsigned(p, "entries.position")).transpose()?;
    Ok(LogRow { id, position, leaf, text, client, data: salt.zip(data) })
}

fn unsigned(value: i64, what: &'static str) -> Result<u64, Error> {
    u64::try_from(value).map_err(|_| Error::Corrupt(what))
}

/// SQL's numbers end at 2^63 − 1; so do logs.
fn signed(value: u64) -> Result<i64, Error> {
    i64::try_from(value).map_err(|_| Error::Corrupt("a number beyond 2^63"))
}

impl Tx {
    /// Takes or keeps the lease `name` for `holder` until `until`. `false` while somebody else
    /// has it. The row stays locked until the transaction ends, so two never both have it.
    pub async fn take_lease(
        &mut self,
        name: &str,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, Error> {
        let done = sqlx::query(
            "INSERT INTO leases (name, holder, until) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
             WHERE leases.holder = excluded.holder OR leases.until < $4",
        )
        .bind(name)
        .bind(holder)
        .bind(until.as_ms())
        .bind(now.as_ms())
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Gives the lease `name` up, if `holder` has it.
    pub async fn drop_lease(&mut self, name: &str, holder: &str) -> Result<(), Error> {
        sqlx::query("DELETE FROM leases WHERE name = $1 AND holder = $2")
            .bind(name)
            .bind(holder)
            .execute(self.conn())
            .await?;
        Ok(())
    }

    /// Up to `limit` entries without a position, in the order of commit.
    pub async fn unsequenced(&mut self, limit: i64) -> Result<Vec<(i64, Hash)>, Error> {
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
            "SELECT id, leaf FROM entries WHERE position IS NULL ORDER BY id LIMIT $1",
        )
        .bind(limit)
        .fetch_all(self.conn())
        .await?;
        rows.into_iter()
            .map(|(id, leaf)| {
                let leaf = leaf.try_into().map_err(|_| Error::Corrupt("entries.leaf"))?;
                Ok((id, Hash(leaf)))
            })
            .collect()
    }

    /// Gives an entry its position. One that has a position already is [`Error::Conflict`].
    pub async fn sequence_entry(&mut self, id: i64, position: u64) -> Result<(), Error> {
        let done =
            sqlx::query("UPDATE entries SET position = $1 WHERE id = $2 AND position IS NULL")
                .bind(signed(position)?)
                .bind(id)
                .execute(self.conn())
                .await?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(Error::Conflict) }
    }

    /// How many entries have a position, by the highest one.
    pub async fn sequenced(&mut self) -> Result<u64, Error> {
        let highest: Option<i64> =
            sqlx::query_scalar("SELECT max(position) FROM entries WHERE position IS NOT NULL")
                .fetch_one(self.conn())
                .await?;
        highest.map_or(Ok(0), |highest| Ok(unsigned(highest, "entries.position")? + 1))
    }

    /// The position of the entry with this leaf: `None` for no such entry, `Some(None)` while
    /// it has no position.
    pub async fn position_of(&mut self, leaf: &Hash) -> Result<Option<Option<u64>>, Error> {
        let found: Option<(Option<i64>,)> =
            sqlx::query_as("SELECT position FROM entries WHERE leaf = $1")
                .bind(&leaf.0[..])
                .fetch_optional(self.conn())
                .await?;
        found
            .map(|(position,)| position.map(|p| unsigned(p, "entries.position")).transpose())
            .transpose()
    }

    /// The text of the entry with this leaf.
    pub async fn text_of(&mut self, leaf: &Hash) -> Result<Option<String>, Error> {
        let text = sqlx::query_scalar("SELECT text FROM entries WHERE leaf = $1")
            .bind(&leaf.0[..])
            .fetch_optional(self.conn())
            .await?;
        Ok(text)
    }

    /// Texts of the entries at `first` and after, up to `count`, in order.
    pub async fn texts_at(&mut self, first: u64, count: u64) -> Result<Vec<String>, Error> {
        let texts = sqlx::query_scalar(
            "SELECT text FROM entries WHERE position >= $1 AND position < $2 ORDER BY position",
        )
        .bind(signed(first)?)
        .bind(signed(first.saturating_add(count))?)
        .fetch_all(self.conn())
        .await?;
        Ok(texts)
    }

    /// Up to `limit` sequenced entries from position `first` on, in order.
    pub async fn log_from(&mut self, first: u64, limit: i64) -> Result<Vec<LogRow>, Error> {
        let rows: Vec<LogColumns> = sqlx::query_as(
            "SELECT e.id, e.position, e.leaf, e.text, e.client, d.salt, d.data
             FROM entries e LEFT JOIN entry_data d ON d.entry = e.id
             WHERE e.position >= $1 ORDER BY e.position LIMIT $2",
        )
        .bind(signed(first)?)
        .bind(limit)
        .fetch_all(self.conn())
        .await?;
        rows.into_iter().map(log_row).collect()
    }

    /// Up to `limit` entries without a position whose id is above `after`, in order.
    pub async fn log_tail(&mut self, after: i64, limit: i64) -> Result<Vec<LogRow>, Error> {
        let rows: Vec<LogColumns> = sqlx::query_as(
            "SELECT e.id, e.position, e.leaf, e.text, e.client, d.salt, d.data
             FROM entries e LEFT JOIN entry_data d ON d.entry = e.id
             WHERE e.position IS NULL AND e.id > $1 ORDER BY e.id LIMIT $2",
        )
        .bind(after)
        .bind(limit)
        .fetch_all(self.conn())
        .await?;
        rows.into_iter().map(log_row).collect()
    }

    /// Up to `limit` entries of a client before the one with id `before`, newest first.
    pub async fn newest_of_client(
        &mut self,
        client: ClientId,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<LogRow>, Error> {
        let rows: Vec<LogColumns> = sqlx::query_as(
            "SELECT e.id, e.position, e.leaf, e.text, e.client, d.salt, d.data
             FROM entries e LEFT JOIN entry_data d ON d.entry = e.id
             WHERE e.client = $1 AND e.id < $2 ORDER BY e.id DESC LIMIT $3",
        )
        .bind(client.to_string())
        .bind(before.unwrap_or(i64::MAX))
        .bind(limit)
        .fetch_all(self.conn())
        .await?;
        rows.into_iter().map(log_row).collect()
    }

    /// The tiles of a level with indexes `first ..= last`, those that there are.
    pub async fn tiles(
        &mut self,
        level: u8,
        first: u64,
        last: u64,
    ) -> Result<Vec<StoredTile>, Error> {
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
            "SELECT tile, hashes FROM tree_tiles
             WHERE level = $1 AND tile >= $2 AND tile <= $3 ORDER BY tile",
        )
        .bind(i64::from(level))
        .bind(signed(first)?)
        .bind(signed(last)?)
        .fetch_all(self.conn())
        .await?;
        rows.into_iter()
            .map(|(tile, hashes)| Ok((level, unsigned(tile, "tree_tiles.tile")?, hashes)))
            .collect()
    }

    /// How many hashes there are in all tiles.
    pub async fn count_tile_hashes(&mut self) -> Result<u64, Error> {
        let bytes: i64 =
            sqlx::query_scalar("SELECT coalesce(sum(length(hashes)), 0) FROM tree_tiles")
                .fetch_one(self.conn())
                .await?;
        Ok(unsigned(bytes, "tree_tiles.hashes")?.div_ceil(32))
    }

    /// Writes a tile, over its narrower self.
    pub async fn put_tile(&mut self, level: u8, tile: u64, hashes: &[u8]) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO tree_tiles (level, tile, hashes) VALUES ($1, $2, $3)
             ON CONFLICT (level, tile) DO UPDATE SET hashes = excluded.hashes",
        )
        .bind(i64::from(level))
        .bind(signed(tile)?)
        .bind(hashes)
        .execute(self.conn())
        .await?;
        Ok(())
    }

    /// The newest checkpoint.
    pub async fn newest_checkpoint(&mut self) -> Result<Option<StoredCheckpoint>, Error> {
        let row: Option<(i64, Vec<u8>, String)> =
            sqlx::query_as("SELECT size, root, note FROM checkpoints ORDER BY size DESC LIMIT 1")
                .fetch_optional(self.conn())
                .await?;
        row.map(checkpoint).transpose()
    }

    /// Up to `limit` checkpoints of more than `above` entries, smallest first.
    pub async fn checkpoints_above(
        &mut self,
        above: u64,
        limit: i64,
    ) -> Result<Vec<StoredCheckpoint>, Error> {
        let rows: Vec<(i64, Vec<u8>, String)> = sqlx::query_as(
            "SELECT size, root, note FROM checkpoints WHERE size > $1 ORDER BY size LIMIT $2",
        )
        .bind(signed(above)?)
        .bind(limit)
        .fetch_all(self.conn())
        .await?;
        rows.into_iter().map(checkpoint).collect()
    }

    /// The size under which a checkpoint is filed that can be no log's: none has 0 entries or
    /// fewer.
    pub async fn impossible_checkpoint(&mut self) -> Result<Option<i64>, Error> {
        let size = sqlx::query_scalar("SELECT size FROM checkpoints WHERE size <= 0 LIMIT 1")
            .fetch_optional(self.conn())
            .await?;
        Ok(size)
    }

    /// Files a checkpoint. Another one of the same size is [`Error::Conflict`].
    pub async fn insert_checkpoint(
        &mut self,
        checkpoint: &StoredCheckpoint,
        now: Timestamp,
    ) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO checkpoints (size, root, note, signed_at) VALUES ($1, $2, $3, $4)",
        )
        .bind(signed(checkpoint.size)?)
        .bind(&checkpoint.root)
        .bind(&checkpoint.note)
        .bind(now.as_ms())
        .execute(self.conn())
        .await?;
        Ok(())
    }
}

fn checkpoint((size, root, note): (i64, Vec<u8>, String)) -> Result<StoredCheckpoint, Error> {
    Ok(StoredCheckpoint { size: unsigned(size, "checkpoints.size")?, root, note })
}
