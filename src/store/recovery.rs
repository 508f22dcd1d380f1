//! Headers for the recovery key that a verified reader made: proof that a document can be
//! recovered, where before there was a sender's claim.

use crate::clock::Timestamp;
use crate::ids::{DocumentId, MemberId};

use super::columns::unsigned;
use super::engine::{Error, Tx};

impl Tx {
    /// Notes that `member` made `header` for the recovery key of a document. The first one
    /// stays.
    pub async fn prove_recovery(
        &mut self,
        document: DocumentId,
        header: i64,
        member: MemberId,
        at: Timestamp,
    ) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO recovery_headers (document, header, member, proven_at)
             VALUES ($1, $2, $3, $4) ON CONFLICT (document) DO NOTHING",
        )
        .bind(document.to_string())
        .bind(header)
        .bind(member.to_string())
        .bind(at.as_ms())
        .execute(self.conn())
        .await?;
        Ok(())
    }

    /// How many complete documents nobody has proven recoverable yet.
    pub async fn unproven_recoveries(&mut self) -> Result<u64, Error> {
        let count: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM documents d WHERE d.state IN ('received', 'pulled')
                 AND NOT EXISTS (SELECT 1 FROM recovery_headers r WHERE r.document = d.id)",
        )
        .fetch_one(self.conn())
        .await?;
        unsigned(count, "a count")
    }
}
