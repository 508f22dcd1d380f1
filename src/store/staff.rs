//! Members as the firm sees them, and their end.

use std::collections::BTreeMap;

use crate::api::{MemberState, MemberSummary};
use crate::clock::Timestamp;
use crate::ids::{ClientId, MemberId};

use super::engine::{Error, Tx};

impl Tx {
    /// Every member, by role and login name.
    pub async fn member_summaries(&mut self) -> Result<Vec<MemberSummary>, Error> {
        let mut clients: BTreeMap<String, Vec<ClientId>> = BTreeMap::new();
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT member, client FROM memberships ORDER BY client")
                .fetch_all(self.conn())
                .await?;
        for (member, client) in rows {
            let client = client.parse().map_err(|_| Error::Corrupt("memberships.client"))?;
            clients.entry(member).or_default().push(client);
        }
        type Row = (String, String, String, String, String);
        let rows: Vec<Row> =
            sqlx::query_as("SELECT id, role, login, name, state FROM members ORDER BY role, login")
                .fetch_all(self.conn())
                .await?;
        rows.into_iter()
            .map(|(id, role, login, name, state)| {
                Ok(MemberSummary {
                    member: id.parse().map_err(|_| Error::Corrupt("members.id"))?,
                    role: role.parse().map_err(|_| Error::Corrupt("members.role"))?,
                    login,
                    name,
                    state: match state.as_str() {
                        "active" => MemberState::Active,
                        "suspended" => MemberState::Suspended,
                        _ => return Err(Error::Corrupt("members.state")),
                    },
                    clients: clients.remove(&id).unwrap_or_default(),
                })
            })
            .collect()
    }

    /// Suspends a member and ends every session of theirs; false where there is none.
    pub async fn suspend_member(&mut self, id: MemberId, now: Timestamp) -> Result<bool, Error> {
        let done = sqlx::query("UPDATE members SET state = 'suspended' WHERE id = $1")
            .bind(id.to_string())
            .execute(self.conn())
            .await?;
        self.end_sessions(id, None, now).await?;
        Ok(done.rows_affected() == 1)
    }

    /// How many active members hold a role of the firm.
    pub async fn count_active(&mut self, role: &str) -> Result<i64, Error> {
        Ok(sqlx::query_scalar("SELECT count(*) FROM members WHERE role = $1 AND state = 'active'")
            .bind(role)
            .fetch_one(self.conn())
            .await?)
    }
}
