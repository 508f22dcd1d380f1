//! Closed periods, and the reasons for opening documents of them.

use crate::api::ClosedPeriod;
use crate::clock::Timestamp;
use crate::envelope::statement::Period;
use crate::ids::{ClientId, DocumentId, MemberId};

use super::columns::parse;
use super::engine::{Error, Tx};

impl Tx {
    /// Closes a period; whether it was open.
    pub async fn close_period(
        &mut self,
        client: ClientId,
        closed: &ClosedPeriod,
    ) -> Result<bool, Error> {
        let done = sqlx::query(
            "INSERT INTO closed_periods (client, period, closed_by, closed_at)
             VALUES ($1, $2, $3, $4) ON CONFLICT (client, period) DO NOTHING",
        )
        .bind(client.to_string())
        .bind(closed.period.to_string())
        .bind(closed.closed_by.to_string())
        .bind(closed.closed_at.as_ms())
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Opens a period again; whether it was closed.
    pub async fn reopen_period(&mut self, client: ClientId, period: Period) -> Result<bool, Error> {
        let done = sqlx::query("DELETE FROM closed_periods WHERE client = $1 AND period = $2")
            .bind(client.to_string())
            .bind(period.to_string())
            .execute(self.conn())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// The closed periods of a client, the newest first.
    pub async fn closed_periods(&mut self, client: ClientId) -> Result<Vec<ClosedPeriod>, Error> {
        let rows: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT period, closed_by, closed_at FROM closed_periods WHERE client = $1
             ORDER BY period DESC",
        )
        .bind(client.to_string())
        .fetch_all(self.conn())
        .await?;
        rows.into_iter()
            .map(|(period, closed_by, closed_at)| {
                Ok(ClosedPeriod {
                    period: parse(&period, "closed_periods.period")?,
                    closed_by: parse(&closed_by, "closed_periods.closed_by")?,
                    closed_at: Timestamp::from_ms(closed_at),
                })
            })
            .collect()
    }

    /// Whether a period of a client is closed.
    pub async fn is_period_closed(
        &mut self,
        client: ClientId,
        period: Period,
    ) -> Result<bool, Error> {
        Ok(sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM closed_periods WHERE client = $1 AND period = $2)",
        )
        .bind(client.to_string())
        .bind(period.to_string())
        .fetch_one(self.conn())
        .await?)
    }

    /// Keeps why `member` opens a document, in place of an older reason; forgets all that have
    /// run out.
    pub async fn put_opening_reason(
        &mut self,
        document: DocumentId,
        member: MemberId,
        reason: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<(), Error> {
        sqlx::query("DELETE FROM opening_reasons WHERE until <= $1")
            .bind(now.as_ms())
            .execute(self.conn())
            .await?;
        sqlx::query(
            "INSERT INTO opening_reasons (document, member, reason, until)
             VALUES ($1, $2, $3, $4)
             ON CONFLICT (document, member)
                 DO UPDATE SET reason = excluded.reason, until = excluded.until",
        )
        .bind(document.to_string())
        .bind(member.to_string())
        .bind(reason)
        .bind(until.as_ms())
        .execute(self.conn())
        .await?;
        Ok(())
    }

    /// Why `member` opens a document, while that holds.
    pub async fn opening_reason(
        &mut self,
        document: DocumentId,
        member: MemberId,
        now: Timestamp,
    ) -> Result<Option<String>, Error> {
        Ok(sqlx::query_scalar(
            "SELECT reason FROM opening_reasons WHERE document = $1 AND member = $2 AND until > $3",
        )
        .bind(document.to_string())
        .bind(member.to_string())
        .bind(now.as_ms())
        .fetch_optional(self.conn())
        .await?)
    }
}
