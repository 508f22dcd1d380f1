//! Rotations of members' keys: what the old key has signed, and what comes in place of it.

use crate::clock::Timestamp;
use crate::envelope::statement::{Card, Note};
use crate::ids::{ClientId, KeyId, MemberId, SessionId};

use super::engine::{Error, Tx};
use super::members::MemberRow;

const CORRUPT: Error = Error::Corrupt("statements.note");

/// The time that a statement claims: the last line of its text.
fn time_of(note: &str) -> Result<Timestamp, Error> {
    let note = Note::parse(note).map_err(|_| CORRUPT)?;
    let line = note.text().lines().last().and_then(|line| line.strip_prefix("time "));
    line.and_then(|time| time.parse().ok()).ok_or(CORRUPT)
}

impl Tx {
    /// The latest time of anything on file that `key` signed, its member's own cards aside. Walks
    /// what is filed: for what happens seldom.
    pub async fn newest_signed_by(&mut self, key: KeyId) -> Result<Option<Timestamp>, Error> {
        let notes: Vec<String> = sqlx::query_scalar(
            "SELECT note FROM statements
                 WHERE kind = 'manifest' AND subject >= $1 || ':' AND subject < $1 || ';'
             UNION ALL SELECT note FROM statements
                 WHERE kind <> 'manifest' AND instr(note, '— ' || $1 || ' ') > 0
                     AND NOT (kind = 'card' AND member = coalesce(
                         (SELECT id FROM members WHERE key_id = $1), ''))
             UNION ALL SELECT note FROM shares WHERE instr(note, '— ' || $1 || ' ') > 0
             UNION ALL SELECT note FROM share_statements WHERE instr(note, '— ' || $1 || ' ') > 0",
        )
        .bind(key.to_string())
        .fetch_all(self.conn())
        .await?;
        notes
            .iter()
            .map(|note| time_of(note))
            .try_fold(None, |newest, time| Ok(newest.max(Some(time?))))
    }

    /// Whether any card that was ever filed, of whomever, names a key or a recipient of this one.
    pub async fn is_key_taken(&mut self, card: &Card) -> Result<bool, Error> {
        let line = |key: &str, value: Option<String>| {
            value.map(|value| format!("\n{key} {value}\n")).unwrap_or_default()
        };
        let recipient = card.recipient.as_ref().map(ToString::to_string);
        let post_quantum = card.recipient_pq.as_ref().map(ToString::to_string);
        let taken = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM statements WHERE kind = 'card'
                 AND (instr(note, $1) > 0 OR ($2 <> '' AND instr(note, $2) > 0)
                     OR ($3 <> '' AND instr(note, $3) > 0)))",
        )
        .bind(line("sign", Some(card.sign.to_string())))
        .bind(line("recipient", recipient))
        .bind(line("recipient-pq", post_quantum))
        .fetch_one(self.conn())
        .await?;
        Ok(taken)
    }

    /// When the card of a member was filed that `newer` others have followed; none where there
    /// are fewer.
    pub async fn card_filed_before(
        &mut self,
        member: MemberId,
        newer: u32,
    ) -> Result<Option<Timestamp>, Error> {
        let at: Option<i64> = sqlx::query_scalar(
            "SELECT created_at FROM statements WHERE kind = 'card' AND member = $1
             ORDER BY id DESC LIMIT 1 OFFSET $2",
        )
        .bind(member.to_string())
        .bind(i64::from(newer))
        .fetch_optional(self.conn())
        .await?;
        Ok(at.map(Timestamp::from_ms))
    }

    /// Puts the keys of a new epoch in place of those of the one before, and takes away every
    /// way to unlock the old keyring. [`Error::Conflict`] when another epoch is there by now, or
    /// the key is somebody's.
    pub async fn rotate_member(&mut self, member: &MemberRow) -> Result<(), Error> {
        let epoch = i64::try_from(member.epoch).map_err(|_| Error::Corrupt("members.epoch"))?;
        let done = sqlx::query(
            "UPDATE members SET key_id = $2, password_file = $3, kit_token_hash = $4, keyring = $5,
                 epoch = $6 WHERE id = $1 AND epoch = $6 - 1",
        )
        .bind(member.id.to_string())
        .bind(member.key.to_string())
        .bind(member.password_file.as_deref().unwrap_or_default())
        .bind(&member.kit_token_hash.0[..])
        .bind(&member.keyring)
        .bind(epoch)
        .execute(self.conn())
        .await?;
        if done.rows_affected() != 1 {
            return Err(Error::Conflict);
        }
        sqlx::query("DELETE FROM keyring_headers WHERE member = $1")
            .bind(member.id.to_string())
            .execute(self.conn())
            .await?;
        Ok(())
    }

    /// Ends every session of a member but `kept`, and takes their devices' ways to unlock.
    pub async fn end_sessions(
        &mut self,
        member: MemberId,
        kept: Option<SessionId>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let kept = kept.map(|id| id.to_string()).unwrap_or_default();
        sqlx::query(
            "UPDATE sessions SET ended_at = coalesce(ended_at, $3) WHERE member = $1 AND id <> $2",
        )
        .bind(member.to_string())
        .bind(&kept)
        .bind(now.as_ms())
        .execute(self.conn())
        .await?;
        sqlx::query(
            "DELETE FROM keyring_headers WHERE member = $1 AND kind = 'device' AND session <> $2",
        )
        .bind(member.to_string())
        .bind(&kept)
        .execute(self.conn())
        .await?;
        Ok(())
    }

    /// The clients in whose directory a member stands for ever: they belong or belonged to
    /// them, or were assigned to them once.
    pub async fn clients_knowing(&mut self, member: MemberId) -> Result<Vec<ClientId>, Error> {
        let ids: Vec<String> = sqlx::query_scalar(
            "SELECT client FROM memberships WHERE member = $1
             UNION SELECT client FROM assigned_ever WHERE member = $1",
        )
        .bind(member.to_string())
        .fetch_all(self.conn())
        .await?;
        ids.iter().map(|id| id.parse().map_err(|_| Error::Corrupt("clients.id"))).collect()
    }
}
