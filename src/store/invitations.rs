//! Invitations: open, used once, or ended.

use crate::clock::Timestamp;
use crate::envelope::statement::{Hash, Invitation, Role};
use crate::ids::{ClientId, InvitationId, MemberId};

use super::engine::{Error, Tx};

/// One invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvitationRow {
    /// Its id.
    pub id: InvitationId,
    /// H of its token.
    pub token_hash: Hash,
    /// The role it gives.
    pub role: Role,
    /// The client, for principals and clerks.
    pub client: Option<ClientId>,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Who joined with it.
    pub used_by: Option<MemberId>,
    /// When it was ended.
    pub revoked_at: Option<Timestamp>,
}

impl InvitationRow {
    /// Whether somebody may still join with it.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.used_by.is_none() && self.revoked_at.is_none() && now < self.expires_at
    }
}

impl Tx {
    /// Opens an invitation; none names the inviter where the root key did.
    pub async fn insert_invitation(
        &mut self,
        invitation: &Invitation,
        token_hash: Hash,
        by: Option<MemberId>,
        now: Timestamp,
    ) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO invitations
                 (id, token_hash, role, client, created_by, created_at, expires_at, used_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, '')",
        )
        .bind(invitation.invitation.to_string())
        .bind(&token_hash.0[..])
        .bind(invitation.role.as_str())
        .bind(invitation.client.map(|c| c.to_string()).unwrap_or_default())
        .bind(by.map(|m| m.to_string()).unwrap_or_default())
        .bind(now.as_ms())
        .bind(invitation.expires.as_ms())
        .execute(self.conn())
        .await?;
        Ok(())
    }

    /// One invitation.
    pub async fn invitation(&mut self, id: InvitationId) -> Result<InvitationRow, Error> {
        type Row = (Vec<u8>, String, String, i64, String, Option<i64>);
        let (token_hash, role, client, expires_at, used_by, revoked_at): Row = sqlx::query_as(
            "SELECT token_hash, role, client, expires_at, used_by, revoked_at FROM invitations WHERE id = $1",
        )
        .bind(id.to_string())
        .fetch_one(self.conn())
        .await?;
        let optional = |text: String| (!text.is_empty()).then_some(text);
        Ok(InvitationRow {
            id,
            token_hash: Hash(
                token_hash.try_into().map_err(|_| Error::Corrupt("invitations.token_hash"))?,
            ),
            role: role.parse().map_err(|_| Error::Corrupt("invitations.role"))?,
            client: optional(client)
                .map(|c| c.parse().map_err(|_| Error::Corrupt("invitations.client")))
                .transpose()?,
            expires_at: Timestamp::from_ms(expires_at),
            used_by: optional(used_by)
                .map(|m| m.parse().map_err(|_| Error::Corrupt("invitations.used_by")))
                .transpose()?,
            revoked_at: revoked_at.map(Timestamp::from_ms),
        })
    }

    /// Uses an invitation for `member`. One guarded statement: true when it was open, or this
    /// same member had used it.
    pub async fn use_invitation(
        &mut self,
        id: InvitationId,
        member: MemberId,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let done = sqlx::query(
            "UPDATE invitations SET used_by = $2, used_at = coalesce(used_at, $3)
             WHERE id = $1 AND ((used_by = '' AND revoked_at IS NULL AND expires_at > $3) OR used_by = $2)",
        )
        .bind(id.to_string())
        .bind(member.to_string())
        .bind(now.as_ms())
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Ends an invitation that nobody has used; false where there is none such.
    pub async fn revoke_invitation(
        &mut self,
        id: InvitationId,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let done = sqlx::query(
            "UPDATE invitations SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1 AND used_by = ''",
        )
        .bind(id.to_string())
        .bind(now.as_ms())
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
