//! Request links: open as long as their accountant looks after the client, and their limits,
//! taken and given back in single guarded statements.

use crate::clock::Timestamp;
use crate::envelope::statement::Hash;
use crate::ids::{ClientId, DocumentId, LinkId, MemberId};

use super::columns::{parse, unsigned};
use super::engine::{Error, Tx};
use super::partners::may_receive;

/// A link as its client's accountants see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkRecord {
    /// Its id.
    pub id: LinkId,
    /// `request` or `arrival`.
    pub kind: String,
    /// Who opened it.
    pub created_by: MemberId,
    /// When.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whether it was ended.
    pub revoked: bool,
    /// Whether its accountant still looks after the client.
    pub attended: bool,
    /// Files it takes, and those it has taken or that are on their way.
    pub files: (u64, u64),
    /// Payload bytes, likewise.
    pub bytes: (u64, u64),
}

// Not ended and not expired at `$now`, and opened by somebody who still looks after the client.
// `$firm` is the firm's jurisdiction.
macro_rules! open_at {
    ($now:literal, $firm:literal) => {
        concat!(
            "l.kind = 'request' AND l.revoked_at IS NULL AND l.expires_at > ",
            $now,
            " AND ",
            attended!(),
            // The way back of a share is open while the share stands and its partner may receive.
            " AND NOT EXISTS (SELECT 1 FROM shares s LEFT JOIN partners p ON p.id = s.partner AND",
            may_receive!($now, $firm),
            "WHERE s.id = l.id AND NOT (s.revoked_at IS NULL AND s.withdrawn_at IS NULL
                     AND s.authorised_at IS NOT NULL
                     AND (s.sensitive = 0 OR s.seconded_at IS NOT NULL)
                     AND p.id IS NOT NULL))"
        )
    };
}

macro_rules! attended {
    () => {
        "EXISTS (SELECT 1 FROM members m JOIN assignments a ON a.member = m.id
             WHERE m.id = l.created_by AND m.state = 'active' AND a.client = l.client)"
    };
}

impl Tx {
    /// The open request link whose token has this hash, whose space it leads to, and whether it
    /// is the way back of a share. `firm` is the firm's jurisdiction, here and below.
    pub async fn request_link(
        &mut self,
        token_hash: Hash,
        firm: &str,
        now: Timestamp,
    ) -> Result<(LinkId, ClientId, bool), Error> {
        let (id, client, gives_back): (String, String, bool) = sqlx::query_as(concat!(
            "SELECT l.id, l.client, EXISTS (SELECT 1 FROM shares s WHERE s.id = l.id)
             FROM links l WHERE l.token_hash = $1 AND ",
            open_at!("$2", "$3")
        ))
        .bind(&token_hash.0[..])
        .bind(now.as_ms())
        .bind(firm)
        .fetch_one(self.conn())
        .await?;
        Ok((parse(&id, "links.id")?, parse(&client, "links.client")?, gives_back))
    }

    /// Whether a request link is open, whatever it has taken already.
    pub async fn is_request_link_open(
        &mut self,
        id: LinkId,
        firm: &str,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let open: i64 = sqlx::query_scalar(concat!(
            "SELECT count(*) FROM links l WHERE l.id = $1 AND ",
            open_at!("$2", "$3")
        ))
        .bind(id.to_string())
        .bind(now.as_ms())
        .bind(firm)
        .fetch_one(self.conn())
        .await?;
        Ok(open == 1)
    }

    /// Whether a request link is open and takes more, or has begun what can be finished.
    pub async fn is_request_link_useful(
        &mut self,
        id: LinkId,
        firm: &str,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let useful: i64 = sqlx::query_scalar(concat!(
            "SELECT count(*) FROM links l WHERE l.id = $1 AND ",
            open_at!("$2", "$3"),
            " AND ((l.used_files < l.max_files AND l.used_bytes < l.max_bytes)
                OR EXISTS (SELECT 1 FROM documents d
                    WHERE d.link = l.id AND d.state = 'uploading'))"
        ))
        .bind(id.to_string())
        .bind(now.as_ms())
        .bind(firm)
        .fetch_one(self.conn())
        .await?;
        Ok(useful == 1)
    }

    /// Takes one file and `bytes` out of a request link's limits, in one guarded statement;
    /// false when it has not so much left, or has ended.
    pub async fn reserve_of_link(
        &mut self,
        id: LinkId,
        bytes: u64,
        firm: &str,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let bytes = i64::try_from(bytes).map_err(|_| Error::Conflict)?;
        let done = sqlx::query(concat!(
            "UPDATE links AS l SET used_files = used_files + 1, used_bytes = used_bytes + $2
             WHERE l.id = $1 AND l.used_files < l.max_files AND l.max_bytes - l.used_bytes >= $2
               AND ",
            open_at!("$3", "$4")
        ))
        .bind(id.to_string())
        .bind(bytes)
        .bind(now.as_ms())
        .bind(firm)
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Gives back what an unfinished upload had reserved of its link.
    pub(super) async fn release_to_link(&mut self, document: DocumentId) -> Result<(), Error> {
        sqlx::query(
            "UPDATE links SET used_files = used_files - 1, used_bytes = used_bytes -
                 (SELECT d.reserved FROM documents d WHERE d.id = $1)
             WHERE id = (SELECT d.link FROM documents d
                 WHERE d.id = $1 AND d.state = 'uploading' AND d.reserved > 0)",
        )
        .bind(document.to_string())
        .execute(self.conn())
        .await?;
        Ok(())
    }

    /// Whose space a link leads to.
    pub async fn client_of_link(&mut self, id: LinkId) -> Result<ClientId, Error> {
        let client: String = sqlx::query_scalar("SELECT client FROM links WHERE id = $1")
            .bind(id.to_string())
            .fetch_one(self.conn())
            .await?;
        parse(&client, "links.client")
    }

    /// Every link of a client, newest first.
    pub async fn links_of(&mut self, client: ClientId) -> Result<Vec<LinkRecord>, Error> {
        type Columns = (String, String, String, i64, i64, bool, bool, i64, i64, i64, i64);
        let rows: Vec<Columns> = sqlx::query_as(concat!(
            "SELECT l.id, l.kind, l.created_by, l.created_at, l.expires_at,
                 l.revoked_at IS NOT NULL, ",
            attended!(),
            ", l.max_files, l.used_files, l.max_bytes, l.used_bytes
             FROM links l WHERE l.client = $1 ORDER BY l.created_at DESC, l.id"
        ))
        .bind(client.to_string())
        .fetch_all(self.conn())
        .await?;
        rows.into_iter()
            .map(|(id, kind, by, created, expires, revoked, attended, mf, uf, mb, ub)| {
                Ok(LinkRecord {
                    id: parse(&id, "links.id")?,
                    kind,
                    created_by: parse(&by, "links.created_by")?,
                    created_at: Timestamp::from_ms(created),
                    expires_at: Timestamp::from_ms(expires),
                    revoked,
                    attended,
                    files: (unsigned(mf, "links.max_files")?, unsigned(uf, "links.used_files")?),
                    bytes: (unsigned(mb, "links.max_bytes")?, unsigned(ub, "links.used_bytes")?),
                })
            })
            .collect()
    }
}
