//! Clients, who belongs to them, and who looks after them.

use crate::clock::Timestamp;
use crate::envelope::statement::{Category, Role};
use crate::ids::{ClientId, MemberId};

use super::engine::{Error, Tx};

/// One client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRow {
    /// The client.
    pub id: ClientId,
    /// Its name.
    pub name: String,
}

const CORRUPT_ID: Error = Error::Corrupt("clients.id");
const CORRUPT_MEMBER: Error = Error::Corrupt("assignments.member");

impl Tx {
    /// Adds a client. The same id and name again change nothing; another name is
    /// [`Error::Conflict`].
    pub async fn insert_client(
        &mut self,
        id: ClientId,
        name: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        match self.client(id).await {
            Ok(known) if known.name == name => return Ok(()),
            Ok(_) => return Err(Error::Conflict),
            Err(Error::NotFound) => {}
            Err(error) => return Err(error),
        }
        sqlx::query("INSERT INTO clients (id, name, created_at) VALUES ($1, $2, $3)")
            .bind(id.to_string())
            .bind(name)
            .bind(now.as_ms())
            .execute(self.conn())
            .await?;
        Ok(())
    }

    /// One client.
    pub async fn client(&mut self, id: ClientId) -> Result<ClientRow, Error> {
        let (name,): (String,) = sqlx::query_as("SELECT name FROM clients WHERE id = $1")
            .bind(id.to_string())
            .fetch_one(self.conn())
            .await?;
        Ok(ClientRow { id, name })
    }

    /// Every client, by name.
    pub async fn clients(&mut self) -> Result<Vec<ClientRow>, Error> {
        self.client_rows("SELECT id, name FROM clients WHERE $1 = $1 ORDER BY name, id", "").await
    }

    /// The clients a member belongs to or is assigned to, by name.
    pub async fn clients_of(&mut self, member: MemberId) -> Result<Vec<ClientRow>, Error> {
        self.client_rows(
            "SELECT c.id, c.name FROM clients c WHERE c.id IN (
                 SELECT client FROM memberships WHERE member = $1
                 UNION SELECT client FROM assignments WHERE member = $1)
             ORDER BY c.name, c.id",
            &member.to_string(),
        )
        .await
    }

    async fn client_rows(
        &mut self,
        sql: &'static str,
        bind: &str,
    ) -> Result<Vec<ClientRow>, Error> {
        let rows: Vec<(String, String)> =
            sqlx::query_as(sql).bind(bind).fetch_all(self.conn()).await?;
        rows.into_iter()
            .map(|(id, name)| Ok(ClientRow { id: id.parse().map_err(|_| CORRUPT_ID)?, name }))
            .collect()
    }

    /// Replaces the accountants of one subject with `members`.
    pub async fn set_assigned(
        &mut self,
        client: ClientId,
        category: Option<Category>,
        members: &[MemberId],
    ) -> Result<(), Error> {
        let (client, category) =
            (client.to_string(), category.map(|c| c.to_string()).unwrap_or_default());
        sqlx::query("DELETE FROM assignments WHERE client = $1 AND category = $2")
            .bind(&client)
            .bind(&category)
            .execute(self.conn())
            .await?;
        sqlx::query("INSERT INTO assignment_subjects (client, category) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(&client)
            .bind(&category)
            .execute(self.conn())
            .await?;
        for member in members {
            sqlx::query("INSERT INTO assignments (client, category, member) VALUES ($1, $2, $3)")
                .bind(&client)
                .bind(&category)
                .bind(member.to_string())
                .execute(self.conn())
                .await?;
            sqlx::query(
                "INSERT INTO assigned_ever (client, member) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            )
            .bind(&client)
            .bind(member.to_string())
            .execute(self.conn())
            .await?;
        }
        Ok(())
    }

    /// Everybody assigned to a client in whatever category, without those who were ended.
    pub async fn assigned_to(&mut self, client: ClientId) -> Result<Vec<MemberId>, Error> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT DISTINCT a.member FROM assignments a JOIN members m ON m.id = a.member
             WHERE a.client = $1 AND m.state = 'active' ORDER BY a.member",
        )
        .bind(client.to_string())
        .fetch_all(self.conn())
        .await?;
        rows.into_iter().map(|(id,)| id.parse().map_err(|_| CORRUPT_MEMBER)).collect()
    }

    /// How many complete documents of `client` some assigned accountant has no header for.
    pub async fn count_pending_rewraps(&mut self, client: ClientId) -> Result<u64, Error> {
        let count: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM documents d WHERE d.client = $1 AND d.state IN ('received', 'pulled')
             AND EXISTS (SELECT 1 FROM assignments a JOIN members m ON m.id = a.member AND m.state = 'active'
                 WHERE a.client = d.client AND (a.category = d.category OR (a.category = '' AND NOT EXISTS
                     (SELECT 1 FROM assignment_subjects s WHERE s.client = d.client AND s.category = d.category)))
                 AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.document = d.id AND g.member = a.member))",
        )
        .bind(client.to_string())
        .fetch_one(self.conn())
        .await?;
        u64::try_from(count).map_err(|_| Error::Corrupt("a count"))
    }

    /// Makes a member one of a client's own people.
    pub async fn add_membership(
        &mut self,
        member: MemberId,
        client: ClientId,
        role: Role,
    ) -> Result<(), Error> {
        sqlx::query("INSERT INTO memberships (member, client, role) VALUES ($1, $2, $3)")
            .bind(member.to_string())
            .bind(client.to_string())
            .bind(role.as_str())
            .execute(self.conn())
            .await?;
        Ok(())
    }

    /// The clients a member belongs to, and as what.
    pub async fn memberships(&mut self, member: MemberId) -> Result<Vec<(ClientId, Role)>, Error> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT client, role FROM memberships WHERE member = $1 ORDER BY client",
        )
        .bind(member.to_string())
        .fetch_all(self.conn())
        .await?;
        rows.into_iter()
            .map(|(client, role)| {
                Ok((
                    client.parse().map_err(|_| CORRUPT_ID)?,
                    role.parse().map_err(|_| Error::Corrupt("memberships.role"))?,
                ))
            })
            .collect()
    }

    /// Whether a member belongs to, and whether they are assigned to, a client at all.
    pub async fn client_relation(
        &mut self,
        member: MemberId,
        client: ClientId,
    ) -> Result<(bool, bool), Error> {
        let (own, assigned): (i64, i64) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM memberships WHERE member = $1 AND client = $2),
                    (SELECT count(*) FROM assignments WHERE member = $1 AND client = $2)",
        )
        .bind(member.to_string())
        .bind(client.to_string())
        .fetch_one(self.conn())
        .await?;
        Ok((own > 0, assigned > 0))
    }
}
