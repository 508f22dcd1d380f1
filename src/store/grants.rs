//! Grants: who may fetch a document with which header, and why.

use crate::clock::Timestamp;
use crate::envelope::statement::{Category, Direction};
use crate::ids::{ClientId, DocumentId, MemberId};

use super::columns::{parse, signed, unsigned};
use super::engine::{Error, Tx};

/// Why somebody may fetch a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantReason {
    /// They sent it.
    Sent,
    /// They look after the client.
    Assigned,
    /// It is their own company's.
    Own,
    /// Somebody re-wrapped it for them.
    Rewrap,
    /// It was recovered for them with two recovery shares.
    Recovery,
}

impl GrantReason {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Assigned => "assigned",
            Self::Own => "own",
            Self::Rewrap => "rewrap",
            Self::Recovery => "recovery",
        }
    }
}

/// Documents whose readers are not all able to open them.
#[derive(Clone, Debug)]
pub struct Unwrapped<'a> {
    /// Of this client,
    pub client: ClientId,
    /// this category,
    pub category: Category,
    /// this way,
    pub direction: Direction,
    /// everybody of these should have a grant.
    pub readers: &'a [MemberId],
}

/// How many documents lack a grant for somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnwrappedCount {
    /// The asker can open so many of them.
    pub pending: u64,
    /// And not so many.
    pub beyond: u64,
}

fn list(members: &[MemberId]) -> String {
    let members: Vec<String> = members.iter().map(ToString::to_string).collect();
    serde_json::Value::from(members).to_string()
}

// The reader `r.value` is one of the client's own members, to whom the partner that gave back
// document `d` did not seal it: through the way back of a share, and to none of them.
macro_rules! left_out {
    () => {
        " EXISTS (SELECT 1 FROM shares s WHERE s.id = d.link)
          AND EXISTS (SELECT 1 FROM memberships o
              WHERE o.member = r.value AND o.client = d.client)
          AND NOT EXISTS (SELECT 1 FROM grants g JOIN memberships o ON o.member = g.member
              WHERE g.document = d.id AND o.client = d.client) "
    };
}

macro_rules! unwrapped {
    ($columns:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM documents d LEFT JOIN grants own ON own.document = d.id AND own.member = $1
              WHERE d.client = $2 AND d.category = $3 AND d.direction = $4
                AND d.state IN ('received', 'pulled')
                AND EXISTS (SELECT 1 FROM json_each($5) r JOIN members m ON m.id = r.value
                    WHERE NOT EXISTS (SELECT 1 FROM grants g
                        WHERE g.document = d.id AND g.member = r.value) AND NOT (",
            left_out!(),
            "))",
            $rest
        )
    };
}

impl Tx {
    /// Grants `header` to those of `members` who have an account. With `replace`, in place of
    /// the header they had.
    pub async fn grant(
        &mut self,
        document: DocumentId,
        header: i64,
        members: &[(MemberId, GrantReason)],
        at: Timestamp,
        replace: bool,
    ) -> Result<(), Error> {
        let rows: Vec<[String; 2]> = members
            .iter()
            .map(|(member, reason)| [member.to_string(), reason.as_str().to_owned()])
            .collect();
        let rows = serde_json::to_string(&rows).unwrap_or_default();
        // `WHERE true` keeps SQLite's parser from reading ON as part of the join.
        let query = if replace {
            sqlx::query(
                "INSERT INTO grants (document, member, header, reason, granted_at)
                 SELECT $1, r.value ->> 0, $2, r.value ->> 1, $3
                 FROM json_each($4) r JOIN members m ON m.id = r.value ->> 0 WHERE true
                 ON CONFLICT (document, member) DO UPDATE SET header = excluded.header,
                     reason = excluded.reason, granted_at = excluded.granted_at",
            )
        } else {
            sqlx::query(
                "INSERT INTO grants (document, member, header, reason, granted_at)
                 SELECT $1, r.value ->> 0, $2, r.value ->> 1, $3
                 FROM json_each($4) r JOIN members m ON m.id = r.value ->> 0 WHERE true
                 ON CONFLICT (document, member) DO NOTHING",
            )
        };
        query
            .bind(document.to_string())
            .bind(header)
            .bind(at.as_ms())
            .bind(rows)
            .execute(self.conn())
            .await?;
        Ok(())
    }

    /// Notes that `member` has pulled a document; whether that is new.
    pub async fn mark_grant_pulled(
        &mut self,
        document: DocumentId,
        member: MemberId,
        at: Timestamp,
    ) -> Result<bool, Error> {
        let done = sqlx::query(
            "UPDATE grants SET pulled_at = $3
             WHERE document = $1 AND member = $2 AND pulled_at IS NULL",
        )
        .bind(document.to_string())
        .bind(member.to_string())
        .bind(at.as_ms())
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Those of `readers` who have an account and no grant for a document, without those whom
    /// the partner that gave it back left out.
    pub async fn without_grant(
        &mut self,
        document: DocumentId,
        readers: &[MemberId],
    ) -> Result<Vec<MemberId>, Error> {
        let missing: Vec<String> = sqlx::query_scalar(concat!(
            "SELECT r.value FROM documents d, json_each($2) r JOIN members m ON m.id = r.value
             WHERE d.id = $1 AND NOT EXISTS (SELECT 1 FROM grants g
                 WHERE g.document = d.id AND g.member = r.value) AND NOT (",
            left_out!(),
            ") ORDER BY r.value"
        ))
        .bind(document.to_string())
        .bind(list(readers))
        .fetch_all(self.conn())
        .await?;
        missing.iter().map(|member| parse(member, "members.id")).collect()
    }

    /// Documents that lack a grant for one of the readers, those first that `member` can
    /// open; at most `limit`.
    pub async fn unwrapped_documents(
        &mut self,
        member: MemberId,
        which: &Unwrapped<'_>,
        limit: u64,
    ) -> Result<Vec<DocumentId>, Error> {
        let ids: Vec<String> = sqlx::query_scalar(unwrapped!(
            "d.id",
            " ORDER BY own.document IS NULL, d.listed_at DESC, d.id DESC LIMIT $6"
        ))
        .bind(member.to_string())
        .bind(which.client.to_string())
        .bind(which.category.as_str())
        .bind(which.direction.as_str())
        .bind(list(which.readers))
        .bind(signed(limit))
        .fetch_all(self.conn())
        .await?;
        ids.iter().map(|id| parse(id, "documents.id")).collect()
    }

    /// How many documents lack a grant for one of the readers.
    pub async fn count_unwrapped(
        &mut self,
        member: MemberId,
        which: &Unwrapped<'_>,
    ) -> Result<UnwrappedCount, Error> {
        let (pending, all): (i64, i64) =
            sqlx::query_as(unwrapped!("COUNT(own.document), COUNT(*)", ""))
                .bind(member.to_string())
                .bind(which.client.to_string())
                .bind(which.category.as_str())
                .bind(which.direction.as_str())
                .bind(list(which.readers))
                .fetch_one(self.conn())
                .await?;
        let pending = unsigned(pending, "a count")?;
        Ok(UnwrappedCount { pending, beyond: unsigned(all, "a count")?.saturating_sub(pending) })
    }

    /// The clients that `member` is assigned to, in any category.
    pub async fn clients_assigned_to(&mut self, member: MemberId) -> Result<Vec<ClientId>, Error> {
        let clients: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT client FROM assignments WHERE member = $1 ORDER BY client",
        )
        .bind(member.to_string())
        .fetch_all(self.conn())
        .await?;
        clients.iter().map(|client| parse(client, "assignments.client")).collect()
    }
}
