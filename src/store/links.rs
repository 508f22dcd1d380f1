//! Links: addresses for sealing on arrival with their quotas, and how all kinds open and end.

use crate::clock::Timestamp;
use crate::envelope::statement::{Hash, Link};
use crate::ids::{ClientId, LinkId, MemberId};

use super::engine::{Error, Tx};

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// The gateway seals what arrives.
    Arrival,
    /// The sender seals, without an account.
    Request,
}

impl LinkKind {
    /// The word it is kept and recorded as.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Arrival => "arrival",
            Self::Request => "request",
        }
    }
}

/// An open link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkRow {
    /// Its id.
    pub id: LinkId,
    /// Whose space it leads to.
    pub client: ClientId,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Payload bytes it still takes.
    pub bytes_left: u64,
}

// Not ended, not expired, and opened by somebody who is still with the firm.
macro_rules! open_at {
    ($now:literal) => {
        concat!(
            "revoked_at IS NULL AND expires_at > ",
            $now,
            " AND EXISTS (SELECT 1 FROM members m
                 WHERE m.id = links.created_by AND m.state = 'active')"
        )
    };
}

impl Tx {
    /// Opens a link.
    pub async fn insert_link(
        &mut self,
        link: &Link,
        kind: LinkKind,
        token_hash: Hash,
        by: MemberId,
        now: Timestamp,
    ) -> Result<(), Error> {
        let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        sqlx::query(
            "INSERT INTO links (id, kind, client, token_hash, created_by, created_at, expires_at,
                 max_files, max_bytes, used_files, used_bytes)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0)",
        )
        .bind(link.link.to_string())
        .bind(kind.as_str())
        .bind(link.client.to_string())
        .bind(&token_hash.0[..])
        .bind(by.to_string())
        .bind(now.as_ms())
        .bind(link.expires.as_ms())
        .bind(signed(link.max_files))
        .bind(signed(link.max_bytes))
        .execute(self.conn())
        .await?;
        Ok(())
    }

    /// The link whose token has this hash, if it still takes something now. Expired, ended,
    /// used up, unknown and opened by somebody suspended are all [`Error::NotFound`].
    pub async fn open_link(
        &mut self,
        kind: LinkKind,
        token_hash: Hash,
        now: Timestamp,
    ) -> Result<LinkRow, Error> {
        let (id, client, expires_at, left): (String, String, i64, i64) = sqlx::query_as(concat!(
            "SELECT id, client, expires_at, max_bytes - used_bytes FROM links
                 WHERE token_hash = $1 AND kind = $2 AND used_files < max_files
                   AND used_bytes < max_bytes AND ",
            open_at!("$3")
        ))
        .bind(&token_hash.0[..])
        .bind(kind.as_str())
        .bind(now.as_ms())
        .fetch_one(self.conn())
        .await?;
        Ok(LinkRow {
            id: id.parse().map_err(|_| Error::Corrupt("links.id"))?,
            client: client.parse().map_err(|_| Error::Corrupt("links.client"))?,
            expires_at: Timestamp::from_ms(expires_at),
            bytes_left: u64::try_from(left).map_err(|_| Error::Corrupt("links.used_bytes"))?,
        })
    }

    /// Takes one file and `bytes` out of a link's quota, in one guarded statement; false when
    /// it has not so much left, or ended meanwhile.
    pub async fn charge_link(
        &mut self,
        id: LinkId,
        bytes: u64,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let bytes = i64::try_from(bytes).map_err(|_| Error::Conflict)?;
        let done = sqlx::query(concat!(
            "UPDATE links SET used_files = used_files + 1, used_bytes = used_bytes + $2
                 WHERE id = $1 AND used_files < max_files AND max_bytes - used_bytes >= $2 AND ",
            open_at!("$3")
        ))
        .bind(id.to_string())
        .bind(bytes)
        .bind(now.as_ms())
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Whether a link is open at `now`, whatever it has taken already.
    pub async fn is_link_open(&mut self, id: LinkId, now: Timestamp) -> Result<bool, Error> {
        Ok(sqlx::query_scalar(concat!(
            "SELECT EXISTS (SELECT 1 FROM links WHERE id = $1 AND ",
            open_at!("$2"),
            ")"
        ))
        .bind(id.to_string())
        .bind(now.as_ms())
        .fetch_one(self.conn())
        .await?)
    }

    /// Ends a link; false where there is none.
    pub async fn revoke_link(&mut self, id: LinkId, now: Timestamp) -> Result<bool, Error> {
        let done =
            sqlx::query("UPDATE links SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1")
                .bind(id.to_string())
                .bind(now.as_ms())
                .execute(self.conn())
                .await?;
        Ok(done.rows_affected() == 1)
    }
}
