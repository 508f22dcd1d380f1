//! Closed accounting periods: whoever of the firm opens a document of one says why, and the
//! client reads it.
//!
//! A period is closed and opened again by those who keep the client's books; both are audit
//! entries. A reason lets its giver open that one document for a day, so that a broken download
//! is not asked again.

use crate::access::Action;
use crate::api::{ClosedPeriod, GiveReason, SetPeriod, limits};
use crate::clock::Timestamp;
use crate::ids::{ClientId, DocumentId};
use crate::store::{Document, Tx};

use super::{Asker, Documents, Error, allow, commit, permit, record};

/// For how long a reason holds, in seconds.
const HOLDS_SECONDS: i64 = 24 * 3600;
/// The longest reason, in bytes.
const MAX_REASON_BYTES: usize = 500;

impl Documents {
    /// The closed periods of a client, the newest first.
    pub async fn closed_periods(
        &self,
        asker: Asker,
        client: ClientId,
    ) -> Result<Vec<ClosedPeriod>, Error> {
        let mut tx = self.inner.store.read().await?;
        permit(&mut tx, asker, Action::SeeClient, client).await?;
        Ok(tx.closed_periods(client).await?)
    }

    /// Closes a period, or opens it again, which needs a reason. What is so already changes
    /// nothing.
    pub async fn set_period(
        &self,
        asker: Asker,
        client: ClientId,
        set: &SetPeriod,
    ) -> Result<Vec<ClosedPeriod>, Error> {
        let now = self.now();
        let mut tx = self.inner.store.write().await?;
        permit(&mut tx, asker, Action::ClosePeriod, client).await?;
        let event = if set.closed {
            let closed =
                ClosedPeriod { period: set.period, closed_by: asker.member, closed_at: now };
            tx.close_period(client, &closed).await?.then(|| asker.did("period.close"))
        } else {
            let reason = line(set.reason.as_deref().unwrap_or_default())?;
            let reopened = tx.reopen_period(client, set.period).await?;
            reopened.then(|| asker.did("period.reopen").with("purpose", reason))
        };
        if let Some(event) = event {
            let event = event.client(client).object(set.period);
            record(&mut tx, now, event).await?;
        }
        let periods = tx.closed_periods(client).await?;
        commit(tx).await?;
        Ok(periods)
    }

    /// Says why the asker opens a document.
    pub async fn give_reason(
        &self,
        asker: Asker,
        id: DocumentId,
        given: &GiveReason,
    ) -> Result<(), Error> {
        let reason = line(&given.reason)?;
        let now = self.now();
        let mut tx = self.inner.store.write().await?;
        self.ready(&mut tx).await?;
        let seen = tx.seen_document(id, asker.member).await?;
        allow(asker, Action::ReadDocument, &seen.facts)?;
        let until = now.plus_secs(HOLDS_SECONDS);
        tx.put_opening_reason(id, asker.member, reason, now, until).await?;
        let event = asker.did("document.reason").client(seen.document.client).object(id);
        record(&mut tx, now, event.with("purpose", reason)).await?;
        commit(tx).await
    }
}

/// Why `asker` opens `document`, where that has to be said: by the firm's people, for a period
/// that is closed. [`Error::ReasonRequired`] when it has not been.
pub(super) async fn reason_for(
    tx: &mut Tx,
    asker: Asker,
    document: &Document,
    now: Timestamp,
) -> Result<Option<String>, Error> {
    if asker.role.is_client_side() || !tx.is_period_closed(document.client, document.period).await?
    {
        return Ok(None);
    }
    let reason = tx.opening_reason(document.id, asker.member, now).await?;
    reason.map(Some).ok_or(Error::ReasonRequired)
}

/// A reason as it is kept: one line that says something.
fn line(reason: &str) -> Result<&str, Error> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Error::ReasonRequired);
    }
    if reason.len() > MAX_REASON_BYTES || !limits::says_something(reason) {
        return Err(Error::Malformed("the reason is longer than 500 bytes or no line of text"));
    }
    Ok(reason)
}
