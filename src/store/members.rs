//! Members: who they are, how they prove it, and the keyring they alone can open.

use crate::clock::Timestamp;
use crate::envelope::statement::{Hash, Role};
use crate::ids::{KeyId, MemberId};

use super::engine::{Error, Tx};

/// A member as the gateway keeps them. Has no `Debug`: password file and keyring are what an
/// attacker would guess against.
#[derive(Clone, PartialEq, Eq)]
pub struct MemberRow {
    /// The member.
    pub id: MemberId,
    /// The login name, in its canonical form.
    pub login: String,
    /// The display name.
    pub name: String,
    /// The role.
    pub role: Role,
    /// Key id of the current card.
    pub key: KeyId,
    /// Whether they may do anything.
    pub active: bool,
    /// The OPAQUE password file; none where there is no login by passphrase.
    pub password_file: Option<Vec<u8>>,
    /// H of the token that proves the recovery kit.
    pub kit_token_hash: Hash,
    /// The sealed keyring's payload.
    pub keyring: Vec<u8>,
    /// The epoch of the current card.
    pub epoch: u64,
}

macro_rules! select_where {
    ($condition:literal) => {
        concat!(
            "SELECT id, login, name, role, key_id, state, password_file, kit_token_hash, keyring,
                 epoch FROM members WHERE ",
            $condition
        )
    };
}

type Columns = (String, String, String, String, String, String, Vec<u8>, Vec<u8>, Vec<u8>, i64);

impl TryFrom<Columns> for MemberRow {
    type Error = Error;

    fn try_from(columns: Columns) -> Result<Self, Error> {
        let (id, login, name, role, key, state, password_file, kit, keyring, epoch) = columns;
        Ok(Self {
            id: id.parse().map_err(|_| Error::Corrupt("members.id"))?,
            login,
            name,
            role: role.parse().map_err(|_| Error::Corrupt("members.role"))?,
            key: key.parse().map_err(|_| Error::Corrupt("members.key_id"))?,
            active: state == "active",
            password_file: (!password_file.is_empty()).then_some(password_file),
            kit_token_hash: Hash(
                kit.try_into().map_err(|_| Error::Corrupt("members.kit_token_hash"))?,
            ),
            keyring,
            epoch: u64::try_from(epoch).map_err(|_| Error::Corrupt("members.epoch"))?,
        })
    }
}

impl Tx {
    /// Adds a member. [`Error::Conflict`] where the id, the login name or the key is taken.
    pub async fn insert_member(&mut self, member: &MemberRow, now: Timestamp) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO members (id, login, name, role, key_id, state, created_at, password_file,
                 kit_token_hash, keyring, epoch)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(member.id.to_string())
        .bind(&member.login)
        .bind(&member.name)
        .bind(member.role.as_str())
        .bind(member.key.to_string())
        .bind(if member.active { "active" } else { "suspended" })
        .bind(now.as_ms())
        .bind(member.password_file.as_deref().unwrap_or_default())
        .bind(&member.kit_token_hash.0[..])
        .bind(&member.keyring)
        .bind(i64::try_from(member.epoch).map_err(|_| Error::Corrupt("members.epoch"))?)
        .execute(self.conn())
        .await?;
        Ok(())
    }

    /// One member, ended or not.
    pub async fn member(&mut self, id: MemberId) -> Result<MemberRow, Error> {
        let columns: Columns = sqlx::query_as(select_where!("id = $1"))
            .bind(id.to_string())
            .fetch_one(self.conn())
            .await?;
        columns.try_into()
    }

    /// The member with this login name in its canonical form, ended or not.
    pub async fn member_by_login(&mut self, login: &str) -> Result<MemberRow, Error> {
        let columns: Columns =
            sqlx::query_as(select_where!("login = $1")).bind(login).fetch_one(self.conn()).await?;
        columns.try_into()
    }

    /// Replaces the password file; logins by the old passphrase end with it.
    pub async fn set_password_file(&mut self, id: MemberId, file: &[u8]) -> Result<(), Error> {
        let done = sqlx::query("UPDATE members SET password_file = $2 WHERE id = $1")
            .bind(id.to_string())
            .bind(file)
            .execute(self.conn())
            .await?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(Error::NotFound) }
    }

    /// How many complete documents are granted to a member of a client they belong to or
    /// look after, and not pulled yet.
    pub async fn count_waiting(&mut self, id: MemberId) -> Result<u64, Error> {
        let count: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM grants g JOIN documents d ON d.id = g.document
             WHERE g.member = $1 AND g.pulled_at IS NULL AND d.sender <> $1
               AND d.state IN ('received', 'pulled')
               AND (EXISTS (SELECT 1 FROM memberships m WHERE m.member = $1 AND m.client = d.client)
                 OR EXISTS (SELECT 1 FROM assignments a WHERE a.member = $1 AND a.client = d.client
                     AND (a.category = d.category OR (a.category = '' AND NOT EXISTS
                         (SELECT 1 FROM assignment_subjects s
                          WHERE s.client = d.client AND s.category = d.category)))))",
        )
        .bind(id.to_string())
        .fetch_one(self.conn())
        .await?;
        u64::try_from(count).map_err(|_| Error::Corrupt("a count"))
    }
}
