//! The register of partners (合作机构名录): who they are, where, under which confidentiality
//! agreement, and whether their links are stopped.
//!
//! Refuses everybody but leads and privacy officers to change it. Whether something may go to
//! a partner is asked where it goes: [`crate::store::PartnerRow::bar`].

use crate::access::{self, Action, Facts};
use crate::api::{Partner, PartnerDetails, PartnerState, PutPartner};
use crate::audit::{self, Event};
use crate::clock::Timestamp;
use crate::envelope::statement::Role;
use crate::ids::{MemberId, PartnerId};
use crate::store::{self, PartnerRow, Tx};

/// What a caller can do something about.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller's role never may.
    #[error("the caller's role does not allow this")]
    NotAllowed,
    /// A value that cannot be meant.
    #[error("{0}")]
    Unacceptable(&'static str),
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
}

fn allow(role: Role, action: Action) -> Result<(), Error> {
    let decision = access::decide(role, action, &Facts::default());
    if decision.is_allow() { Ok(()) } else { Err(Error::NotAllowed) }
}

/// Every partner, by name.
///
/// # Errors
/// [`Error::NotAllowed`], [`Error::Store`].
pub async fn list(
    tx: &mut Tx,
    role: Role,
    jurisdiction: &str,
    now: Timestamp,
) -> Result<Vec<Partner>, Error> {
    allow(role, Action::SeePartners)?;
    let rows = tx.partners().await?;
    Ok(rows.into_iter().map(|row| shown(row, jurisdiction, now)).collect())
}

/// Records a partner, new or instead of what was recorded.
///
/// # Errors
/// [`Error::NotAllowed`], [`Error::Unacceptable`], [`Error::Store`].
pub async fn put(
    tx: &mut Tx,
    (member, role): (MemberId, Role),
    id: PartnerId,
    put: &PutPartner,
    jurisdiction: &str,
    now: Timestamp,
) -> Result<Partner, Error> {
    allow(role, Action::KeepPartners)?;
    check(&put.details)?;
    let before = match tx.partner(id).await {
        Ok(row) => Some(row),
        Err(store::Error::NotFound) => None,
        Err(error) => return Err(error.into()),
    };
    let action = match &before {
        None => "partner.add",
        Some(row) if put.suspended && row.suspended_at.is_none() => "partner.suspend",
        Some(row) if !put.suspended && row.suspended_at.is_some() => "partner.resume",
        Some(_) => "partner.update",
    };
    tx.put_partner(id, &put.details, put.suspended, member, now).await?;
    let row = tx.partner(id).await?;
    if before.as_ref() != Some(&row) {
        let event = Event::new(action).by(member).object(id).with("role", role.as_str());
        audit::append(tx, now, event).await?;
        for client in tx.clients_shared_with(id, now).await? {
            let event = Event::new(action).by(member).object(id).client(client);
            audit::append(tx, now, event.with("role", role.as_str())).await?;
        }
    }
    Ok(shown(row, jurisdiction, now))
}

fn shown(row: PartnerRow, jurisdiction: &str, now: Timestamp) -> Partner {
    let suspended = row.suspended_at.is_some();
    Partner {
        partner: row.id,
        state: if suspended { PartnerState::Suspended } else { PartnerState::Active },
        bar: row.bar(now, jurisdiction),
        details: row.details,
    }
}

fn check(details: &PartnerDetails) -> Result<(), Error> {
    let line = |text: &str| text.len() <= 300 && !text.chars().any(char::is_control);
    let texts = [
        &details.name,
        &details.kind,
        &details.licence,
        &details.export_assessment,
        &details.export_authorisation,
    ];
    if details.name.trim().is_empty() || !texts.into_iter().all(|text| line(text)) {
        return Err(Error::Unacceptable("A text is empty, longer than 300 bytes or not a line."));
    }
    let code = details.jurisdiction.as_bytes();
    if code.len() != 2 || !code.iter().all(u8::is_ascii_uppercase) {
        return Err(Error::Unacceptable("A jurisdiction is two capital letters, e.g. CN."));
    }
    if details.people.len() > 50 || !details.people.iter().all(|p| line(p) && !p.is_empty()) {
        return Err(Error::Unacceptable("A person's name is empty or too long, or they are many."));
    }
    match (details.nda_from, details.nda_until) {
        (Some(from), Some(until)) if from < until => Ok(()),
        (None, None) => Ok(()),
        _ => Err(Error::Unacceptable("The agreement needs both dates, the earlier one first.")),
    }
}
