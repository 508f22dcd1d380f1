//! How often something was tried, by a keyed hash of what; and logins half-way through.

use crate::clock::Timestamp;
use crate::envelope::statement::Hash;
use crate::ids::{MemberId, SessionId};

use super::engine::{Error, Tx};

/// Tries without success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottleRow {
    /// How many.
    pub failures: u32,
    /// When the window, or the lock, ends.
    pub window_ends_at: Timestamp,
}

/// A login between its two messages.
#[derive(Clone, PartialEq, Eq)]
pub struct LoginAttempt {
    /// Its id.
    pub id: SessionId,
    /// Whose login name was given; an invented member for a name that does not exist.
    pub member: MemberId,
    /// What the gateway keeps to check the second message with.
    pub state: Vec<u8>,
    /// What to forgive when it succeeds.
    pub throttle: Hash,
    /// When it is given up.
    pub expires_at: Timestamp,
}

impl Tx {
    /// What was tried so far.
    pub async fn throttle(&mut self, subject: Hash) -> Result<Option<ThrottleRow>, Error> {
        let row: Option<(i64, i64)> =
            sqlx::query_as("SELECT failures, window_ends_at FROM throttles WHERE subject = $1")
                .bind(&subject.0[..])
                .fetch_optional(self.conn())
                .await?;
        row.map(|(failures, ends)| {
            Ok(ThrottleRow {
                failures: u32::try_from(failures)
                    .map_err(|_| Error::Corrupt("throttles.failures"))?,
                window_ends_at: Timestamp::from_ms(ends),
            })
        })
        .transpose()
    }

    /// Notes what was tried.
    pub async fn set_throttle(&mut self, subject: Hash, row: ThrottleRow) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO throttles (subject, failures, window_ends_at) VALUES ($1, $2, $3)
             ON CONFLICT (subject) DO UPDATE
                 SET failures = excluded.failures, window_ends_at = excluded.window_ends_at",
        )
        .bind(&subject.0[..])
        .bind(i64::from(row.failures))
        .bind(row.window_ends_at.as_ms())
        .execute(self.conn())
        .await?;
        Ok(())
    }

    /// Forgets what was tried.
    pub async fn clear_throttle(&mut self, subject: Hash) -> Result<(), Error> {
        sqlx::query("DELETE FROM throttles WHERE subject = $1")
            .bind(&subject.0[..])
            .execute(self.conn())
            .await?;
        Ok(())
    }

    /// Forgets windows and half-way logins that ended before `now`, and locks that ended
    /// before `locks`.
    pub async fn purge_logins(&mut self, now: Timestamp, locks: Timestamp) -> Result<(), Error> {
        sqlx::query("DELETE FROM login_attempts WHERE expires_at <= $1")
            .bind(now.as_ms())
            .execute(self.conn())
            .await?;
        sqlx::query("DELETE FROM throttles WHERE window_ends_at <= $1")
            .bind(locks.as_ms())
            .execute(self.conn())
            .await?;
        Ok(())
    }

    /// Keeps a login between its two messages.
    pub async fn insert_login_attempt(&mut self, attempt: &LoginAttempt) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO login_attempts (id, member, state, throttle, expires_at)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(attempt.id.to_string())
        .bind(attempt.member.to_string())
        .bind(&attempt.state)
        .bind(&attempt.throttle.0[..])
        .bind(attempt.expires_at.as_ms())
        .execute(self.conn())
        .await?;
        Ok(())
    }

    /// Takes a login out: it can be finished once. [`Error::NotFound`] where there is none or
    /// it has been given up.
    pub async fn take_login_attempt(
        &mut self,
        id: SessionId,
        now: Timestamp,
    ) -> Result<LoginAttempt, Error> {
        let (member, state, throttle, expires_at): (String, Vec<u8>, Vec<u8>, i64) =
            sqlx::query_as(
                "DELETE FROM login_attempts WHERE id = $1
                 RETURNING member, state, throttle, expires_at",
            )
            .bind(id.to_string())
            .fetch_one(self.conn())
            .await?;
        let expires_at = Timestamp::from_ms(expires_at);
        if expires_at <= now {
            return Err(Error::NotFound);
        }
        Ok(LoginAttempt {
            id,
            member: member.parse().map_err(|_| Error::Corrupt("login_attempts.member"))?,
            state,
            throttle: Hash(
                throttle.try_into().map_err(|_| Error::Corrupt("login_attempts.throttle"))?,
            ),
            expires_at,
        })
    }
}
