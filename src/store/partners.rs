//! Registered partners, and whether something may go to one of them now.

use crate::api::{ExportRoute, PartnerBar, PartnerDetails};
use crate::clock::Timestamp;
use crate::ids::{MemberId, PartnerId};

use super::columns::{corrupt, parse};
use super::engine::{Error, Tx};

/// A partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartnerRow {
    /// Its id.
    pub id: PartnerId,
    /// What is recorded.
    pub details: PartnerDetails,
    /// Since when its links are stopped.
    pub suspended_at: Option<Timestamp>,
}

impl PartnerRow {
    /// Why nothing goes to it at `now` from a firm in `jurisdiction`. `may_receive` says the
    /// same in SQL.
    pub fn bar(&self, now: Timestamp, jurisdiction: &str) -> Option<PartnerBar> {
        let PartnerDetails { nda_from, nda_until, export_route, .. } = &self.details;
        let abroad = self.details.jurisdiction != jurisdiction;
        let exported = export_route.is_some()
            && !self.details.export_assessment.is_empty()
            && !self.details.export_authorisation.is_empty();
        if self.suspended_at.is_some() {
            Some(PartnerBar::Suspended)
        } else if !nda_from.is_some_and(|from| from <= now)
            || !nda_until.is_some_and(|until| until > now)
        {
            Some(PartnerBar::NdaExpired)
        } else if abroad && !exported {
            Some(PartnerBar::ExportBlocked)
        } else {
            None
        }
    }
}

/// The condition under which partner `p` may receive at the time `$now` from a firm in the
/// jurisdiction `$firm` (names of parameters).
macro_rules! may_receive {
    ($now:literal, $firm:literal) => {
        concat!(
            " p.suspended_at IS NULL AND p.nda_from <= ",
            $now,
            " AND p.nda_until > ",
            $now,
            " AND (p.jurisdiction = ",
            $firm,
            " OR (p.export_route <> '' AND p.export_assessment <> ''
                AND p.export_authorisation <> '')) "
        )
    };
}
pub(super) use may_receive;

#[derive(sqlx::FromRow)]
struct Columns {
    id: String,
    name: String,
    kind: String,
    licence: String,
    jurisdiction: String,
    nda_from: Option<i64>,
    nda_until: Option<i64>,
    review_at: Option<i64>,
    export_route: String,
    export_assessment: String,
    export_authorisation: String,
    suspended_at: Option<i64>,
}

impl Columns {
    fn row(self, people: Vec<String>) -> Result<PartnerRow, Error> {
        let time = |ms: Option<i64>| ms.map(Timestamp::from_ms);
        let route = match self.export_route.as_str() {
            "" => None,
            word => Some(ExportRoute::parse(word).ok_or_else(|| corrupt("partners.export_route"))?),
        };
        Ok(PartnerRow {
            id: parse(&self.id, "partners.id")?,
            suspended_at: time(self.suspended_at),
            details: PartnerDetails {
                name: self.name,
                kind: self.kind,
                licence: self.licence,
                jurisdiction: self.jurisdiction,
                people,
                nda_from: time(self.nda_from),
                nda_until: time(self.nda_until),
                review_at: time(self.review_at),
                export_route: route,
                export_assessment: self.export_assessment,
                export_authorisation: self.export_authorisation,
            },
        })
    }
}

impl Tx {
    /// Records a partner, new or instead of what was recorded; once suspended, the time of it
    /// stays until it is not.
    pub async fn put_partner(
        &mut self,
        id: PartnerId,
        details: &PartnerDetails,
        suspended: bool,
        by: MemberId,
        now: Timestamp,
    ) -> Result<(), Error> {
        let time = |at: Option<Timestamp>| at.map(Timestamp::as_ms);
        sqlx::query(
            "INSERT INTO partners (id, name, kind, licence, jurisdiction, nda_from, nda_until,
                 review_at, export_route, export_assessment, export_authorisation, suspended_at,
                 created_by, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, kind = excluded.kind,
                 licence = excluded.licence, jurisdiction = excluded.jurisdiction,
                 nda_from = excluded.nda_from, nda_until = excluded.nda_until,
                 review_at = excluded.review_at, export_route = excluded.export_route,
                 export_assessment = excluded.export_assessment,
                 export_authorisation = excluded.export_authorisation,
                 suspended_at = CASE WHEN excluded.suspended_at IS NULL THEN NULL
                     ELSE coalesce(suspended_at, excluded.suspended_at) END",
        )
        .bind(id.to_string())
        .bind(&details.name)
        .bind(&details.kind)
        .bind(&details.licence)
        .bind(&details.jurisdiction)
        .bind(time(details.nda_from))
        .bind(time(details.nda_until))
        .bind(time(details.review_at))
        .bind(details.export_route.map_or("", ExportRoute::as_str))
        .bind(&details.export_assessment)
        .bind(&details.export_authorisation)
        .bind(suspended.then_some(now.as_ms()))
        .bind(by.to_string())
        .bind(now.as_ms())
        .execute(self.conn())
        .await?;
        sqlx::query("DELETE FROM partner_people WHERE partner = $1")
            .bind(id.to_string())
            .execute(self.conn())
            .await?;
        let people = serde_json::Value::from(details.people.clone()).to_string();
        sqlx::query(
            "INSERT INTO partner_people (partner, position, name)
             SELECT $1, p.key, p.value FROM json_each($2) p",
        )
        .bind(id.to_string())
        .bind(people)
        .execute(self.conn())
        .await?;
        Ok(())
    }

    /// One partner.
    pub async fn partner(&mut self, id: PartnerId) -> Result<PartnerRow, Error> {
        let columns: Columns = sqlx::query_as("SELECT * FROM partners WHERE id = $1")
            .bind(id.to_string())
            .fetch_one(self.conn())
            .await?;
        self.with_people(columns).await
    }

    /// Every partner, by name.
    pub async fn partners(&mut self) -> Result<Vec<PartnerRow>, Error> {
        let all: Vec<Columns> = sqlx::query_as("SELECT * FROM partners ORDER BY name, id")
            .fetch_all(self.conn())
            .await?;
        let mut rows = Vec::with_capacity(all.len());
        for columns in all {
            rows.push(self.with_people(columns).await?);
        }
        Ok(rows)
    }

    async fn with_people(&mut self, columns: Columns) -> Result<PartnerRow, Error> {
        let people = sqlx::query_scalar(
            "SELECT name FROM partner_people WHERE partner = $1 ORDER BY position",
        )
        .bind(&columns.id)
        .fetch_all(self.conn())
        .await?;
        columns.row(people)
    }
}
