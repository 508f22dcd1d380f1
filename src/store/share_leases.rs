//! Slots of shares and the leases that hold them.
//!
//! Invariant: a slot is taken by one guarded statement, in which everything is asked that may
//! stop a share: its state, its time, its client, its partner. Exactly as many leases hold a
//! slot as `used` says.

use crate::clock::Timestamp;
use crate::envelope::statement::{Category, Hash};
use crate::ids::{DocumentId, LeaseId, ShareId};

use super::columns::{parse, signed};
use super::engine::{Error, Tx};
use super::partners::may_receive;
use super::shares::attended;

/// After so many wrong codes a share is locked.
const WRONG_CODES: i64 = 5;

/// How a slot was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Of this share,
    pub share: ShareId,
    /// by this lease.
    pub lease: LeaseId,
    /// H(find) and H(open) as proven.
    pub proofs: (Hash, Hash),
    /// Now.
    pub now: Timestamp,
    /// A lease lasts so long, or until the share ends.
    pub lease_seconds: i64,
    /// The firm's jurisdiction.
    pub jurisdiction: &'a str,
}

/// A lease that holds a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Whether it was taken just now.
    pub is_new: bool,
    /// Until when it may fetch.
    pub expires_at: Timestamp,
}

/// A document under a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leased {
    /// The header that the share's identity opens.
    pub header: Vec<u8>,
    /// Its category.
    pub category: Category,
}

// Share `s` stands at $2 for its partner `p` and a firm in $3, its slots apart. Whoever shared
// holds link and code: a share ends when they leave the client.
macro_rules! stands {
    () => {
        concat!(
            " s.revoked_at IS NULL AND s.withdrawn_at IS NULL AND s.authorised_at IS NOT NULL
              AND (s.sensitive = 0 OR s.seconded_at IS NOT NULL) AND s.expires_at > $2 AND ",
            attended!(),
            " AND EXISTS (SELECT 1 FROM partners p WHERE p.id = s.partner AND",
            may_receive!("$2", "$3"),
            ") "
        )
    };
}

impl Tx {
    /// Takes a slot for a lease, or finds that the lease holds one; `None` when there is none
    /// to be had, whatever the reason.
    pub async fn take_slot(&mut self, wanted: &Wanted<'_>) -> Result<Option<Lease>, Error> {
        let Wanted { share, lease, proofs: (find, open), now, .. } = *wanted;
        self.reclaim_slots(share, now).await?;
        let held: Option<i64> = sqlx::query_scalar(concat!(
            "SELECT l.expires_at FROM share_leases l JOIN shares s ON s.id = l.share
             WHERE s.id = $1 AND l.lease = $4 AND l.expires_at > $2 AND s.open_hash = $5 AND",
            stands!()
        ))
        .bind(share.to_string())
        .bind(now.as_ms())
        .bind(wanted.jurisdiction)
        .bind(&lease.as_bytes()[..])
        .bind(&open.0[..])
        .fetch_optional(self.conn())
        .await?;
        if let Some(expires_at) = held {
            return Ok(Some(Lease { is_new: false, expires_at: Timestamp::from_ms(expires_at) }));
        }
        let ends: Option<i64> = sqlx::query_scalar(concat!(
            "UPDATE shares AS s SET used = used + 1
             WHERE s.id = $1 AND s.find_hash = $4 AND s.open_hash = $5
               AND s.locked_at IS NULL AND s.used < s.max_downloads
               AND NOT EXISTS (SELECT 1 FROM share_leases l WHERE l.share = $1 AND l.lease = $6)
               AND",
            stands!(),
            "RETURNING expires_at"
        ))
        .bind(share.to_string())
        .bind(now.as_ms())
        .bind(wanted.jurisdiction)
        .bind(&find.0[..])
        .bind(&open.0[..])
        .bind(&lease.as_bytes()[..])
        .fetch_optional(self.conn())
        .await?;
        let Some(ends) = ends else { return Ok(None) };
        let expires_at = now.plus_secs(wanted.lease_seconds).min(Timestamp::from_ms(ends));
        sqlx::query(
            "INSERT INTO share_leases (share, lease, taken_at, expires_at)
             VALUES ($1, $2, $3, $4)",
        )
        .bind(share.to_string())
        .bind(&lease.as_bytes()[..])
        .bind(now.as_ms())
        .bind(expires_at.as_ms())
        .execute(self.conn())
        .await?;
        Ok(Some(Lease { is_new: true, expires_at }))
    }

    /// Gives back the slots of leases that ended without a header having left.
    async fn reclaim_slots(&mut self, share: ShareId, now: Timestamp) -> Result<(), Error> {
        let done = sqlx::query(
            "DELETE FROM share_leases WHERE share = $1 AND header_at IS NULL AND expires_at <= $2",
        )
        .bind(share.to_string())
        .bind(now.as_ms())
        .execute(self.conn())
        .await?;
        self.give_back(share, done.rows_affected()).await
    }

    async fn give_back(&mut self, share: ShareId, slots: u64) -> Result<(), Error> {
        if slots > 0 {
            sqlx::query("UPDATE shares SET used = used - $2 WHERE id = $1")
                .bind(share.to_string())
                .bind(signed(slots))
                .execute(self.conn())
                .await?;
        }
        Ok(())
    }

    /// Gives a lease's slot back if no header has left under it; whether it did.
    pub async fn release_slot(&mut self, share: ShareId, lease: LeaseId) -> Result<bool, Error> {
        let done = sqlx::query(
            "DELETE FROM share_leases WHERE share = $1 AND lease = $2 AND header_at IS NULL",
        )
        .bind(share.to_string())
        .bind(&lease.as_bytes()[..])
        .execute(self.conn())
        .await?;
        self.give_back(share, done.rows_affected()).await?;
        Ok(done.rows_affected() == 1)
    }

    /// Counts a wrong code with a valid link; whether that locked the share, and `None` where
    /// it counts no more.
    pub async fn count_wrong_code(
        &mut self,
        share: ShareId,
        now: Timestamp,
    ) -> Result<Option<bool>, Error> {
        let locked: Option<bool> = sqlx::query_scalar(
            "UPDATE shares SET wrong_codes = wrong_codes + 1,
                 locked_at = CASE WHEN wrong_codes + 1 >= $3 THEN $2 ELSE NULL END
             WHERE id = $1 AND locked_at IS NULL AND revoked_at IS NULL AND withdrawn_at IS NULL
               AND expires_at > $2
             RETURNING locked_at IS NOT NULL",
        )
        .bind(share.to_string())
        .bind(now.as_ms())
        .bind(WRONG_CODES)
        .fetch_optional(self.conn())
        .await?;
        Ok(locked)
    }

    /// A document under a lease that may fetch at `now`, when `open` has this hash.
    pub async fn leased(
        &mut self,
        wanted: &Wanted<'_>,
        document: DocumentId,
    ) -> Result<Leased, Error> {
        let (header, category): (Vec<u8>, String) = sqlx::query_as(concat!(
            "SELECT sd.header, d.category FROM share_leases l
             JOIN shares s ON s.id = l.share
             JOIN share_documents sd ON sd.share = s.id AND sd.document = $6
             JOIN documents d ON d.id = sd.document AND d.state IN ('received', 'pulled')
             WHERE s.id = $1 AND l.lease = $4 AND l.expires_at > $2 AND s.open_hash = $5 AND",
            stands!()
        ))
        .bind(wanted.share.to_string())
        .bind(wanted.now.as_ms())
        .bind(wanted.jurisdiction)
        .bind(&wanted.lease.as_bytes()[..])
        .bind(&wanted.proofs.1.0[..])
        .bind(document.to_string())
        .fetch_one(self.conn())
        .await?;
        Ok(Leased { header, category: parse(&category, "documents.category")? })
    }

    /// Notes that a header is about to leave; whether it is this lease's first of the
    /// document, and its first at all.
    pub async fn header_leaves(
        &mut self,
        share: ShareId,
        lease: LeaseId,
        document: DocumentId,
        now: Timestamp,
    ) -> Result<(bool, bool), Error> {
        let first = sqlx::query(
            "UPDATE share_leases SET header_at = $3
             WHERE share = $1 AND lease = $2 AND header_at IS NULL",
        )
        .bind(share.to_string())
        .bind(&lease.as_bytes()[..])
        .bind(now.as_ms())
        .execute(self.conn())
        .await?;
        let new = sqlx::query(
            "INSERT INTO share_fetches (share, lease, document, fetched_at)
             VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(share.to_string())
        .bind(&lease.as_bytes()[..])
        .bind(document.to_string())
        .bind(now.as_ms())
        .execute(self.conn())
        .await?;
        Ok((new.rows_affected() == 1, first.rows_affected() == 1))
    }
}
