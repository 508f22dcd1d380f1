//! Links into a client's space: request links, and addresses for sealing on arrival.

use crate::access::Action;
use crate::api::{LinkInfo, LinkState, Offer, Offered, limits};
use crate::audit::{self, Event};
use crate::clock::Timestamp;
use crate::envelope::statement::Link;
use crate::ids::ClientId;
use crate::notices::{self, Kind, Notice};
use crate::store::{self, LinkKind, LinkRecord, Tx};

use super::{Actor, Error, directory_with, in_force, permit, plausible, signed_by_caller};

/// The longest that a link may be open.
const MAX_OPEN_SECS: i64 = limits::MAX_LINK_DAYS * 24 * 3600;
/// The most files that a request link may take.
const MAX_FILES: u64 = 10_000;

/// Opens an address at which the gateway seals what arrives. Signed by an accountant of the
/// client; the client's own policy must allow it.
pub async fn open_arrival_link(
    tx: &mut Tx,
    actor: Actor,
    offer: &Offer,
    now: Timestamp,
) -> Result<Offered, Error> {
    open(tx, actor, offer, LinkKind::Arrival, now).await
}

/// Opens a request link, whose holder seals and sends without an account. Signed by an
/// accountant of the client.
pub async fn open_request_link(
    tx: &mut Tx,
    actor: Actor,
    offer: &Offer,
    now: Timestamp,
) -> Result<Offered, Error> {
    open(tx, actor, offer, LinkKind::Request, now).await
}

async fn open(
    tx: &mut Tx,
    actor: Actor,
    offer: &Offer,
    kind: LinkKind,
    now: Timestamp,
) -> Result<Offered, Error> {
    let link: Link = offer.statement.decode().map_err(|_| Error::StatementRefused)?;
    permit(tx, actor, Action::OpenLink, Some(link.client)).await?;
    plausible(link.time, now)?;
    let directory = directory_with(tx, Some(link.client), &offer.statement).await?;
    signed_by_caller(&directory, actor, &offer.statement)?;
    let allowed = match kind {
        LinkKind::Arrival => directory.may_seal_on_arrival(link.client),
        LinkKind::Request => link.max_files <= MAX_FILES,
    };
    let fits = allowed
        && link.expires > now
        && link.expires <= now.plus_secs(MAX_OPEN_SECS)
        && link.max_files > 0
        && link.max_bytes > 0;
    if !fits {
        return Err(Error::StatementRefused);
    }
    if in_force(tx, &offer.statement).await? {
        return Ok(Offered { expires_at: link.expires });
    }
    tx.insert_link(&link, kind, offer.token_hash, actor.member, now).await.map_err(|error| {
        match error {
            store::Error::Conflict => Error::Taken,
            other => other.into(),
        }
    })?;
    tx.insert_statement(&offer.statement, now).await?;
    let event = Event::new("link.open").by(actor.member).client(link.client).object(link.link);
    let event = event.with("role", actor.role.as_str()).with("kind", kind.as_str());
    audit::append(tx, now, event).await?;
    let ends = Notice::new(Kind::Expiring, link.client, link.link, link.expires);
    notices::schedule(tx, &ends, notices::reminder(now, link.expires)).await?;
    Ok(Offered { expires_at: link.expires })
}

/// The links into the space of `client`, newest first, for whoever may open one.
pub async fn links_of(
    tx: &mut Tx,
    actor: Actor,
    client: ClientId,
    now: Timestamp,
) -> Result<Vec<LinkInfo>, Error> {
    permit(tx, actor, Action::OpenLink, Some(client)).await?;
    let records = tx.links_of(client).await?;
    Ok(records.into_iter().map(|record| info(record, client, now)).collect())
}

fn info(record: LinkRecord, client: ClientId, now: Timestamp) -> LinkInfo {
    let ((max_files, files), (max_bytes, bytes)) = (record.files, record.bytes);
    let state = if record.revoked {
        LinkState::Revoked
    } else if record.expires_at <= now {
        LinkState::Expired
    } else if files >= max_files || bytes >= max_bytes {
        LinkState::UsedUp
    } else if !record.attended {
        LinkState::Unattended
    } else {
        LinkState::Open
    };
    LinkInfo {
        link: record.id,
        client,
        on_arrival: record.kind == LinkKind::Arrival.as_str(),
        state,
        created_by: record.created_by,
        created_at: record.created_at,
        expires_at: record.expires_at,
        files,
        max_files,
        bytes,
        max_bytes,
    }
}
