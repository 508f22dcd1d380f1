//! Signed statements that directories are built from. Manifests and adoptions have a file of
//! their own.

use crate::clock::Timestamp;
use crate::envelope::statement::{
    Assignment, Card, Hash, Invitation, Link, Note, Policy, Revocation, RevocationKind, RoleGrant,
    Statement, peek_kind,
};
use crate::ids::{ClientId, InvitationId, MemberId};

use super::engine::{Error, Tx};

/// Where a statement stands among those on file about the same subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not on file.
    New,
    /// On file, and the newest.
    Newest,
    /// On file, and another has come after it.
    Replaced,
}

/// Under what a statement is found again.
struct Filed {
    kind: &'static str,
    subject: String,
    client: Option<ClientId>,
    member: String,
    prev: Option<Hash>,
}

const CORRUPT: Error = Error::Corrupt("statements.note");

fn file(note: &Note) -> Result<Filed, Error> {
    let filed = |kind, subject: String, client, member: String, prev| Filed {
        kind,
        subject,
        client,
        member,
        prev,
    };
    let none = String::new;
    Ok(match peek_kind(note.text()).map_err(|_| CORRUPT)? {
        Card::KIND => {
            let card: Card = note.decode().map_err(|_| CORRUPT)?;
            filed(Card::KIND, card.member.to_string(), None, card.member.to_string(), card.prev)
        }
        Invitation::KIND => {
            let it: Invitation = note.decode().map_err(|_| CORRUPT)?;
            filed(Invitation::KIND, it.invitation.to_string(), it.client, none(), None)
        }
        RoleGrant::KIND => {
            let it: RoleGrant = note.decode().map_err(|_| CORRUPT)?;
            let client = it.client.map(|c| c.to_string()).unwrap_or_default();
            let subject = format!("{}:{}:{client}", it.member, it.role);
            filed(RoleGrant::KIND, subject, it.client, it.member.to_string(), it.prev)
        }
        Assignment::KIND => {
            let it: Assignment = note.decode().map_err(|_| CORRUPT)?;
            let category = it.category.map(|c| c.to_string()).unwrap_or_default();
            let subject = format!("{}:{category}", it.client);
            filed(Assignment::KIND, subject, Some(it.client), none(), it.prev)
        }
        Policy::KIND => {
            let it: Policy = note.decode().map_err(|_| CORRUPT)?;
            let subject = it.client.map(|c| c.to_string()).unwrap_or_default();
            filed(Policy::KIND, subject, it.client, none(), it.prev)
        }
        Link::KIND => {
            let it: Link = note.decode().map_err(|_| CORRUPT)?;
            filed(Link::KIND, it.link.to_string(), Some(it.client), none(), None)
        }
        Revocation::KIND => {
            let it: Revocation = note.decode().map_err(|_| CORRUPT)?;
            let subject = it.subject.to_string();
            // A card's is found by its member, like everything about them.
            let member = match it.kind {
                RevocationKind::Card => subject.split('.').next().unwrap_or_default().to_owned(),
                // Their ids are their senders' choice, and could be those of members.
                RevocationKind::Document => none(),
                _ => subject.clone(),
            };
            filed(Revocation::KIND, format!("{}:{subject}", it.kind), None, member, it.prev)
        }
        _ => return Err(CORRUPT),
    })
}

fn read(rows: Vec<(String,)>) -> Result<Vec<Note>, Error> {
    rows.into_iter().map(|(note,)| Note::parse(&note).map_err(|_| CORRUPT)).collect()
}

impl Tx {
    /// Files a statement. The very same note again changes nothing; another one with the same
    /// `prev` is [`Error::Conflict`]: somebody was faster.
    pub async fn insert_statement(&mut self, note: &Note, now: Timestamp) -> Result<(), Error> {
        let filed = file(note)?;
        let hash = note.hash();
        let known: Option<(i64,)> = sqlx::query_as("SELECT id FROM statements WHERE hash = $1")
            .bind(&hash.0[..])
            .fetch_optional(self.conn())
            .await?;
        if known.is_some() {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO statements (hash, kind, subject, client, member, prev, seq, note, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8)",
        )
        .bind(&hash.0[..])
        .bind(filed.kind)
        .bind(filed.subject)
        .bind(filed.client.map(|c| c.to_string()).unwrap_or_default())
        .bind(filed.member)
        .bind(filed.prev.map(|h| h.0.to_vec()).unwrap_or_default())
        .bind(note.to_string())
        .bind(now.as_ms())
        .execute(self.conn())
        .await?;
        sqlx::query("UPDATE firm SET directory_version = directory_version + 1")
            .execute(self.conn())
            .await?;
        Ok(())
    }

    /// Where a statement stands.
    pub async fn standing(&mut self, note: &Note) -> Result<Standing, Error> {
        let filed = file(note)?;
        let hash = note.hash();
        let known: Option<i64> = sqlx::query_scalar(
            "SELECT id FROM statements WHERE hash = $1 AND kind = $2 AND subject = $3",
        )
        .bind(&hash.0[..])
        .bind(filed.kind)
        .bind(&filed.subject)
        .fetch_optional(self.conn())
        .await?;
        let Some(known) = known else { return Ok(Standing::New) };
        let newest: i64 =
            sqlx::query_scalar("SELECT max(id) FROM statements WHERE kind = $1 AND subject = $2")
                .bind(filed.kind)
                .bind(&filed.subject)
                .fetch_one(self.conn())
                .await?;
        Ok(if newest == known { Standing::Newest } else { Standing::Replaced })
    }

    /// Everything that a directory about `client` is built from, oldest first, and nothing of
    /// any other client: root-given cards, the leads, and whoever belongs to or was ever
    /// assigned to the client. Without a client: root-given cards and leads alone.
    pub async fn directory_statements(
        &mut self,
        client: Option<ClientId>,
    ) -> Result<Vec<Note>, Error> {
        let client = client.map(|c| c.to_string()).unwrap_or_else(|| "-".into());
        read(
            sqlx::query_as(
                "WITH people (id) AS (
                     SELECT id FROM members WHERE role = 'lead'
                     UNION SELECT member FROM memberships WHERE client = $1
                     UNION SELECT member FROM assigned_ever WHERE client = $1
                 )
                 SELECT note FROM statements s WHERE
                     (s.kind IN ('assignment', 'link') AND s.client = $1)
                     OR (s.kind = 'policy' AND s.client IN ($1, ''))
                     OR (s.kind = 'card' AND (s.member IN (SELECT id FROM people)
                         OR s.member NOT IN (SELECT id FROM members)))
                     OR (s.kind = 'role' AND s.client IN ($1, '') AND s.member IN (SELECT id FROM people))
                     OR (s.kind = 'invitation' AND s.subject IN
                         (SELECT i.id FROM invitations i WHERE i.used_by IN (SELECT id FROM people)))
                     OR (s.kind = 'revocation' AND s.member IN (SELECT id FROM people))
                     OR (s.kind = 'revocation' AND s.member IN (SELECT id FROM links WHERE client = $1))
                     OR (s.kind = 'revocation' AND s.member IN
                         (SELECT id FROM invitations WHERE client = $1))
                 ORDER BY s.id",
            )
            .bind(client)
            .fetch_all(self.conn())
            .await?,
        )
    }

    /// Everything about who the firm's and its clients' people are, oldest first; nothing of who
    /// looks after whom.
    pub async fn people_statements(&mut self) -> Result<Vec<Note>, Error> {
        read(
            sqlx::query_as(
                "SELECT note FROM statements s WHERE s.kind IN ('card', 'role')
                     OR (s.kind = 'policy' AND s.client = '')
                     OR (s.kind = 'revocation' AND s.member IN (SELECT id FROM members))
                     OR (s.kind = 'revocation' AND s.member IN (SELECT id FROM invitations))
                     OR (s.kind = 'invitation' AND s.subject IN
                         (SELECT i.id FROM invitations i WHERE i.used_by <> ''))
                 ORDER BY s.id",
            )
            .fetch_all(self.conn())
            .await?,
        )
    }

    /// Puts a filed statement with more signatures in place of itself.
    pub async fn add_signatures(&mut self, note: &Note) -> Result<(), Error> {
        let done = sqlx::query("UPDATE statements SET note = $2 WHERE hash = $1")
            .bind(&note.hash().0[..])
            .bind(note.to_string())
            .execute(self.conn())
            .await?;
        if done.rows_affected() != 1 {
            return Err(Error::NotFound);
        }
        sqlx::query("UPDATE firm SET directory_version = directory_version + 1")
            .execute(self.conn())
            .await?;
        Ok(())
    }

    /// What leads from a lead to a member's own card, oldest first.
    pub async fn own_statements(&mut self, member: MemberId) -> Result<Vec<Note>, Error> {
        read(
            sqlx::query_as(
                "SELECT note FROM statements s WHERE (s.kind IN ('card', 'role') AND s.member = $1)
                     OR (s.kind = 'revocation' AND s.member = $1)
                     OR (s.kind = 'invitation' AND s.subject IN
                         (SELECT i.id FROM invitations i WHERE i.used_by = $1))
                 ORDER BY s.id",
            )
            .bind(member.to_string())
            .fetch_all(self.conn())
            .await?,
        )
    }

    /// The signed invitation with this id.
    pub async fn invitation_statement(&mut self, id: InvitationId) -> Result<Note, Error> {
        self.statement(Invitation::KIND, &id.to_string()).await
    }

    /// The newest statement of one kind about one subject.
    pub async fn statement(&mut self, kind: &str, subject: &str) -> Result<Note, Error> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT note FROM statements WHERE kind = $1 AND subject = $2 ORDER BY id DESC LIMIT 1",
        )
        .bind(kind)
        .bind(subject)
        .fetch_all(self.conn())
        .await?;
        read(rows)?.pop().ok_or(Error::NotFound)
    }
}
