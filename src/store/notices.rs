//! The outbox: notices that wait, and their deliveries by channel.

use crate::clock::Timestamp;
use crate::ids::ClientId;

use super::columns::{parse, unsigned};
use super::engine::{Error, Tx};

/// A notice as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeRow {
    /// Random; the same at every try.
    pub id: String,
    /// What happened.
    pub kind: String,
    /// The client concerned.
    pub client: ClientId,
    /// Id of what it happened to.
    pub object: String,
    /// When it happened.
    pub at: Timestamp,
}

/// A delivery whose time has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRow {
    /// What is told.
    pub notice: NoticeRow,
    /// Through which channel.
    pub channel: String,
    /// How often it was tried.
    pub attempts: u64,
    /// When it was to be tried next; whoever moves this on has claimed it.
    pub next_try_at: Timestamp,
}

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryEnd {
    /// The channel took it.
    Delivered,
    /// Given up.
    Dead,
}

type Columns = (String, String, String, String, i64);

fn notice((id, kind, client, object, at): Columns) -> Result<NoticeRow, Error> {
    let client = parse(&client, "notices.client")?;
    Ok(NoticeRow { id, kind, client, object, at: Timestamp::from_ms(at) })
}

impl Tx {
    /// Puts a notice into the outbox, to be told from `due_at` on. One of the same kind about
    /// the same object that still waits stands for this one too.
    pub async fn insert_notice(
        &mut self,
        notice: &NoticeRow,
        due_at: Timestamp,
    ) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO notices (id, kind, client, object, at, due_at)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (kind, object) WHERE taken_at IS NULL DO NOTHING",
        )
        .bind(&notice.id)
        .bind(&notice.kind)
        .bind(notice.client.to_string())
        .bind(&notice.object)
        .bind(notice.at.as_ms())
        .bind(due_at.as_ms())
        .execute(self.conn())
        .await?;
        Ok(())
    }

    /// Takes a notice back that nobody was told yet.
    pub async fn delete_waiting_notice(&mut self, kind: &str, object: &str) -> Result<(), Error> {
        sqlx::query("DELETE FROM notices WHERE kind = $1 AND object = $2 AND taken_at IS NULL")
            .bind(kind)
            .bind(object)
            .execute(self.conn())
            .await?;
        Ok(())
    }

    /// Whether a notice or a delivery waits whose time has come.
    pub async fn has_due_notices(&mut self, now: Timestamp) -> Result<bool, Error> {
        let due: i64 = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM notices WHERE taken_at IS NULL AND due_at <= $1)
                 OR EXISTS (SELECT 1 FROM notice_deliveries
                     WHERE state = 'waiting' AND next_try_at <= $1)",
        )
        .bind(now.as_ms())
        .fetch_one(self.conn())
        .await?;
        Ok(due != 0)
    }

    /// Hands at most `limit` due notices to `channels`; how many there were.
    pub async fn take_due_notices(
        &mut self,
        channels: &[&str],
        now: Timestamp,
        limit: u16,
    ) -> Result<usize, Error> {
        let ids: Vec<(String,)> = sqlx::query_as(
            "SELECT id FROM notices WHERE taken_at IS NULL AND due_at <= $1
             ORDER BY due_at LIMIT $2",
        )
        .bind(now.as_ms())
        .bind(i64::from(limit))
        .fetch_all(self.conn())
        .await?;
        for (id,) in &ids {
            for channel in channels {
                sqlx::query(
                    "INSERT INTO notice_deliveries (notice, channel, state, attempts, next_try_at)
                     VALUES ($1, $2, 'waiting', 0, $3) ON CONFLICT (notice, channel) DO NOTHING",
                )
                .bind(id)
                .bind(*channel)
                .bind(now.as_ms())
                .execute(self.conn())
                .await?;
            }
            sqlx::query("UPDATE notices SET taken_at = $2 WHERE id = $1")
                .bind(id)
                .bind(now.as_ms())
                .execute(self.conn())
                .await?;
        }
        Ok(ids.len())
    }

    /// Deliveries whose time has come, oldest first.
    pub async fn due_deliveries(
        &mut self,
        now: Timestamp,
        limit: u16,
    ) -> Result<Vec<DeliveryRow>, Error> {
        let rows: Vec<(String, String, String, String, i64, String, i64, i64)> = sqlx::query_as(
            "SELECT n.id, n.kind, n.client, n.object, n.at, d.channel, d.attempts, d.next_try_at
             FROM notice_deliveries d JOIN notices n ON n.id = d.notice
             WHERE d.state = 'waiting' AND d.next_try_at <= $1 ORDER BY d.next_try_at LIMIT $2",
        )
        .bind(now.as_ms())
        .bind(i64::from(limit))
        .fetch_all(self.conn())
        .await?;
        rows.into_iter()
            .map(|(id, kind, client, object, at, channel, attempts, next)| {
                Ok(DeliveryRow {
                    notice: notice((id, kind, client, object, at))?,
                    channel,
                    attempts: unsigned(attempts, "notice_deliveries.attempts")?,
                    next_try_at: Timestamp::from_ms(next),
                })
            })
            .collect()
    }

    /// Claims a delivery for one try by moving its next try to `again_at`; false when somebody
    /// else was faster. A claimant that dies leaves it to be tried again.
    pub async fn claim_delivery(
        &mut self,
        delivery: &DeliveryRow,
        again_at: Timestamp,
    ) -> Result<bool, Error> {
        let done = sqlx::query(
            "UPDATE notice_deliveries SET attempts = attempts + 1, next_try_at = $4
             WHERE notice = $1 AND channel = $2 AND state = 'waiting' AND next_try_at = $3",
        )
        .bind(&delivery.notice.id)
        .bind(&delivery.channel)
        .bind(delivery.next_try_at.as_ms())
        .bind(again_at.as_ms())
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Notes how a delivery ended.
    pub async fn end_delivery(
        &mut self,
        delivery: &DeliveryRow,
        end: DeliveryEnd,
    ) -> Result<(), Error> {
        let state = match end {
            DeliveryEnd::Delivered => "delivered",
            DeliveryEnd::Dead => "dead",
        };
        sqlx::query(
            "UPDATE notice_deliveries SET state = $3 WHERE notice = $1 AND channel = $2
               AND state = 'waiting'",
        )
        .bind(&delivery.notice.id)
        .bind(&delivery.channel)
        .bind(state)
        .execute(self.conn())
        .await?;
        Ok(())
    }

    /// How many deliveries were given up, for `doctor`.
    pub async fn dead_deliveries(&mut self) -> Result<u64, Error> {
        let count: i64 =
            sqlx::query_scalar("SELECT count(*) FROM notice_deliveries WHERE state = 'dead'")
                .fetch_one(self.conn())
                .await?;
        unsigned(count, "notice_deliveries")
    }

    /// Forgets notices that were handed over before `before` and of which nothing waits.
    pub async fn purge_notices(&mut self, before: Timestamp) -> Result<(), Error> {
        let old = "SELECT n.id FROM notices n WHERE n.taken_at < $1 AND NOT EXISTS
             (SELECT 1 FROM notice_deliveries w WHERE w.notice = n.id AND w.state = 'waiting')";
        for sql in [
            format!("DELETE FROM notice_deliveries WHERE notice IN ({old})"),
            format!("DELETE FROM notices WHERE id IN ({old})"),
        ] {
            sqlx::query(sqlx::AssertSqlSafe(sql)).bind(before.as_ms()).execute(self.conn()).await?;
        }
        Ok(())
    }
}
