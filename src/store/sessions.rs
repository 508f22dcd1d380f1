//! Sessions: one of one member on one device, with the hashes of its refresh tokens.

use crate::clock::Timestamp;
use crate::envelope::statement::{Hash, Role};
use crate::ids::{MemberId, SessionId};

use super::engine::{Error, Tx};

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// The session.
    pub id: SessionId,
    /// Whose.
    pub member: MemberId,
    /// What the person called the device.
    pub device: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When its tokens were last renewed.
    pub last_seen_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// How often its refresh token has been renewed.
    pub generation: u64,
    /// H of the refresh token of this generation.
    pub refresh_hash: Hash,
    /// Until when the token before still gets this generation's.
    pub previous_until: Timestamp,
}

type Columns = (String, String, String, i64, i64, i64, i64, Vec<u8>, i64);

impl TryFrom<Columns> for SessionRow {
    type Error = Error;

    fn try_from(columns: Columns) -> Result<Self, Error> {
        let (id, member, device, created, seen, expires, generation, hash, previous) = columns;
        Ok(Self {
            id: id.parse().map_err(|_| Error::Corrupt("sessions.id"))?,
            member: member.parse().map_err(|_| Error::Corrupt("sessions.member"))?,
            device,
            created_at: Timestamp::from_ms(created),
            last_seen_at: Timestamp::from_ms(seen),
            expires_at: Timestamp::from_ms(expires),
            generation: u64::try_from(generation)
                .map_err(|_| Error::Corrupt("sessions.generation"))?,
            refresh_hash: Hash(
                hash.try_into().map_err(|_| Error::Corrupt("sessions.refresh_hash"))?,
            ),
            previous_until: Timestamp::from_ms(previous),
        })
    }
}

// A session counts while it has neither ended nor run out, and its member may log in.
macro_rules! open_sessions {
    ($condition:literal) => {
        concat!(
            "SELECT s.id, s.member, s.device, s.created_at, s.last_seen_at, s.expires_at,
                 s.generation, s.refresh_hash, s.previous_until
             FROM sessions s JOIN members m ON m.id = s.member
             WHERE s.ended_at IS NULL AND s.expires_at > $2 AND m.state = 'active' AND ",
            $condition
        )
    };
}

fn signed(generation: u64) -> Result<i64, Error> {
    i64::try_from(generation).map_err(|_| Error::Corrupt("sessions.generation"))
}

impl Tx {
    /// Opens a session.
    pub async fn insert_session(&mut self, session: &SessionRow) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO sessions (id, member, device, created_at, last_seen_at, expires_at,
                 generation, refresh_hash, previous_until)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(session.id.to_string())
        .bind(session.member.to_string())
        .bind(&session.device)
        .bind(session.created_at.as_ms())
        .bind(session.last_seen_at.as_ms())
        .bind(session.expires_at.as_ms())
        .bind(signed(session.generation)?)
        .bind(&session.refresh_hash.0[..])
        .bind(session.previous_until.as_ms())
        .execute(self.conn())
        .await?;
        Ok(())
    }

    /// An open session; ended, run out, suspended and unknown are all [`Error::NotFound`].
    pub async fn session(&mut self, id: SessionId, now: Timestamp) -> Result<SessionRow, Error> {
        let columns: Columns = sqlx::query_as(open_sessions!("s.id = $1"))
            .bind(id.to_string())
            .bind(now.as_ms())
            .fetch_one(self.conn())
            .await?;
        columns.try_into()
    }

    /// The open sessions of a member, the newest first.
    pub async fn sessions(
        &mut self,
        member: MemberId,
        now: Timestamp,
    ) -> Result<Vec<SessionRow>, Error> {
        let rows: Vec<Columns> =
            sqlx::query_as(open_sessions!("s.member = $1 ORDER BY s.created_at DESC, s.id"))
                .bind(member.to_string())
                .bind(now.as_ms())
                .fetch_all(self.conn())
                .await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Who is behind an open session, what they are at this moment, and whether the card of theirs
    /// that is in force was revoked.
    pub async fn session_member(
        &mut self,
        id: SessionId,
        now: Timestamp,
    ) -> Result<(MemberId, Role, bool), Error> {
        let (member, role, revoked): (String, String, bool) = sqlx::query_as(
            "SELECT m.id, m.role, EXISTS (SELECT 1 FROM statements r WHERE r.kind = 'revocation'
                 AND r.subject = 'card:' || m.id || '.' || m.epoch)
             FROM sessions s JOIN members m ON m.id = s.member
             WHERE s.id = $1 AND s.ended_at IS NULL AND s.expires_at > $2 AND m.state = 'active'",
        )
        .bind(id.to_string())
        .bind(now.as_ms())
        .fetch_one(self.conn())
        .await?;
        Ok((
            member.parse().map_err(|_| Error::Corrupt("members.id"))?,
            role.parse().map_err(|_| Error::Corrupt("members.role"))?,
            revoked,
        ))
    }

    /// Moves a session from the generation before `next` on to it; false when it stands
    /// elsewhere or has ended.
    pub async fn advance_session(&mut self, next: &SessionRow) -> Result<bool, Error> {
        let done = sqlx::query(
            "UPDATE sessions SET generation = $2, refresh_hash = $3, previous_until = $4,
                 last_seen_at = $5, expires_at = $6
             WHERE id = $1 AND generation = $2 - 1 AND ended_at IS NULL",
        )
        .bind(next.id.to_string())
        .bind(signed(next.generation)?)
        .bind(&next.refresh_hash.0[..])
        .bind(next.previous_until.as_ms())
        .bind(next.last_seen_at.as_ms())
        .bind(next.expires_at.as_ms())
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Ends an open session of `member` and takes back its device's header; false where there
    /// is none such.
    pub async fn end_session(
        &mut self,
        id: SessionId,
        member: MemberId,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let done = sqlx::query(
            "UPDATE sessions SET ended_at = $3 WHERE id = $1 AND member = $2 AND ended_at IS NULL",
        )
        .bind(id.to_string())
        .bind(member.to_string())
        .bind(now.as_ms())
        .execute(self.conn())
        .await?;
        sqlx::query("DELETE FROM keyring_headers WHERE session = $1 AND member = $2")
            .bind(id.to_string())
            .bind(member.to_string())
            .execute(self.conn())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Removes sessions, and the headers of their devices, that ended or ran out before `then`.
    pub async fn purge_sessions(&mut self, then: Timestamp) -> Result<(), Error> {
        sqlx::query(
            "DELETE FROM keyring_headers WHERE session IN (SELECT id FROM sessions
                 WHERE coalesce(ended_at, expires_at) <= $1)",
        )
        .bind(then.as_ms())
        .execute(self.conn())
        .await?;
        sqlx::query("DELETE FROM sessions WHERE coalesce(ended_at, expires_at) <= $1")
            .bind(then.as_ms())
            .execute(self.conn())
            .await?;
        Ok(())
    }
}
