//! Addresses for sealing on arrival.

use crate::access::Action;
use crate::api::{Offer, Offered};
use crate::audit::{self, Event};
use crate::clock::Timestamp;
use crate::envelope::statement::Link;
use crate::store::{self, LinkKind, Tx};

use super::{Actor, Error, directory_with, in_force, permit, plausible, signed_by_caller};

/// The longest that an address may be open.
const MAX_OPEN_SECS: i64 = 366 * 24 * 3600;

/// Opens an address at which the gateway seals what arrives. Signed by an accountant of the
/// client; the client's own policy must allow it.
pub async fn open_arrival_link(
    tx: &mut Tx,
    actor: Actor,
    offer: &Offer,
    now: Timestamp,
) -> Result<Offered, Error> {
    let link: Link = offer.statement.decode().map_err(|_| Error::StatementRefused)?;
    permit(tx, actor, Action::OpenLink, Some(link.client)).await?;
    plausible(link.time, now)?;
    let directory = directory_with(tx, Some(link.client), &offer.statement).await?;
    signed_by_caller(&directory, actor, &offer.statement)?;
    let fits = directory.may_seal_on_arrival(link.client)
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
    tx.insert_link(&link, LinkKind::Arrival, offer.token_hash, actor.member, now).await.map_err(
        |error| match error {
            store::Error::Conflict => Error::Taken,
            other => other.into(),
        },
    )?;
    tx.insert_statement(&offer.statement, now).await?;
    let event = Event::new("link.open").by(actor.member).client(link.client).object(link.link);
    audit::append(tx, now, event.with("kind", "arrival")).await?;
    Ok(Offered { expires_at: link.expires })
}
