//! The ways to unlock a keyring that the gateway keeps for its owner.

use crate::clock::Timestamp;
use crate::ids::{MemberId, SessionId};

use super::engine::{Error, Tx};

impl Tx {
    /// Puts a header in place of the one of the same kind and session, if there is one. A
    /// device's header belongs to its session; the others to none.
    pub async fn put_keyring_header(
        &mut self,
        member: MemberId,
        kind: &str,
        session: Option<SessionId>,
        header: &[u8],
        now: Timestamp,
    ) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO keyring_headers (member, kind, session, header, created_at)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (member, kind, session)
                 DO UPDATE SET header = excluded.header, created_at = excluded.created_at",
        )
        .bind(member.to_string())
        .bind(kind)
        .bind(session.map(|s| s.to_string()).unwrap_or_default())
        .bind(header)
        .bind(now.as_ms())
        .execute(self.conn())
        .await?;
        Ok(())
    }

    /// The header of one kind that belongs to no session.
    pub async fn keyring_header(
        &mut self,
        member: MemberId,
        kind: &str,
    ) -> Result<Option<Vec<u8>>, Error> {
        Ok(sqlx::query_scalar(
            "SELECT header FROM keyring_headers WHERE member = $1 AND kind = $2 AND session = ''",
        )
        .bind(member.to_string())
        .bind(kind)
        .fetch_optional(self.conn())
        .await?)
    }
}
