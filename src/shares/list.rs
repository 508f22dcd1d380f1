//! What the firm and the client's principal see of shares.

use crate::access::{Action, Facts};
use crate::api::ShareInfo;
use crate::clock::Timestamp;
use crate::envelope::statement::{Role, Share};
use crate::store::{self, ShareRow, Tx};

use super::{Error, Person, Settings, allow};

/// The shares that `person` may see, newest first.
pub async fn list(
    tx: &mut Tx,
    settings: &Settings,
    person: Person,
    now: Timestamp,
) -> Result<Vec<ShareInfo>, Error> {
    let all = matches!(person.role, Role::Lead | Role::PrivacyOfficer | Role::Auditor);
    let mut infos = Vec::new();
    for row in tx.shares_seen(person.member, all).await? {
        let (of_client, assigned) = tx.client_relation(person.member, row.client).await?;
        let facts = Facts { of_client, assigned, ..Facts::default() };
        if allow(person, Action::SeeShare, &facts).is_ok() {
            infos.push(info(tx, settings, &row, now).await?);
        }
    }
    Ok(infos)
}

/// One share as it is shown.
pub async fn info(
    tx: &mut Tx,
    settings: &Settings,
    row: &ShareRow,
    now: Timestamp,
) -> Result<ShareInfo, Error> {
    let share: Share =
        row.note.decode().map_err(|_| Error::Store(store::Error::Corrupt("shares.note")))?;
    let documents = tx.shared_documents(row.id).await?;
    let mut categories: Vec<_> = documents.iter().map(|(_, category)| *category).collect();
    categories.sort_unstable();
    categories.dedup();
    let partner = tx.partner(row.partner).await?;
    Ok(ShareInfo {
        share: row.id,
        state: row.state(now),
        client: row.client,
        sharer: row.sharer,
        partner: row.partner,
        partner_bar: partner.bar(now, &settings.jurisdiction),
        partner_name: partner.details.name,
        recipient: row.recipient.clone(),
        purpose: share.purpose.to_string(),
        documents: documents.into_iter().map(|(id, _)| id).collect(),
        categories,
        created_at: row.created_at,
        expires_at: row.expires_at,
        downloads_used: row.used,
        max_downloads: row.max_downloads,
        wrong_codes: row.wrong_codes,
        has_code: row.has_code,
        needs_client: row.authorised_at.is_none(),
        needs_second: row.needs_second(),
        basis: row.basis,
        fetched: tx.share_fetches(row.id).await?,
        statement: row.note.clone(),
    })
}
