//! People confirm each other's keys: they compared the words, and the log says so. What a lead
//! confirms they also sign, so that everybody can believe it.
//!
//! Refuses a confirmation of anything but the newest card, and a signature that is not the
//! calling lead's own. Nobody vouches for themselves.

use crate::access::Action;
use crate::api::{ConfirmKey, Confirmed};
use crate::audit::{self, Event};
use crate::clock::Timestamp;
use crate::envelope::statement::Note;
use crate::ids::ClientId;
use crate::store::Tx;
use crate::trust::Directory;

use super::{Actor, Error, permit};

/// The signed statements about who the firm's and its clients' people are, for those who may see
/// them all.
pub async fn people_statements(tx: &mut Tx, actor: Actor) -> Result<Vec<Note>, Error> {
    permit(tx, actor, Action::SeeMembers, None).await?;
    Ok(tx.people_statements().await?)
}

/// Records that the caller compared a member's key with them, and files the signature of a lead.
pub async fn confirm_key(
    tx: &mut Tx,
    actor: Actor,
    confirm: &ConfirmKey,
    now: Timestamp,
) -> Result<Confirmed, Error> {
    let notes = match confirm.client {
        Some(client) => {
            permit(tx, actor, Action::SeeClient, Some(client)).await?;
            tx.directory_statements(Some(client)).await?
        }
        None => people_statements(tx, actor).await?,
    };
    let root = tx.firm().await?.root;
    let directory = Directory::verify(root, &notes).map_err(Error::Directory)?;
    let member = confirm.member;
    let newest = directory.card_note(member).filter(|_| directory.is_active(member));
    let mut note = newest.ok_or(Error::NotFound)?.clone();
    if note.hash() != confirm.card {
        return Err(Error::ChainMoved);
    }
    let countersigned = confirm.signed.is_some();
    if let Some(signed) = &confirm.signed {
        permit(tx, actor, Action::Invite, None).await?;
        let card = directory.card(actor.member).ok_or(Error::StatementRefused)?;
        let speaks = directory.is_in_force(actor.member);
        if member == actor.member || !speaks || !note.take_signature(signed, &card.sign) {
            return Err(Error::StatementRefused);
        }
        tx.add_signatures(&note).await?;
    }
    let epoch = directory.card(member).map_or(0, |card| card.epoch);
    for client in concerned(tx, confirm).await? {
        let mut event = Event::new("key.confirm").by(actor.member).object(member);
        event.client = client;
        let event = event.with("role", actor.role.as_str()).with("epoch", epoch);
        audit::append(tx, now, event.with("countersigned", countersigned)).await?;
    }
    Ok(Confirmed { member, countersigned })
}

/// Whose people read of it: the client that was named, and where a lead speaks for everybody
/// all that the member works for.
async fn concerned(tx: &mut Tx, confirm: &ConfirmKey) -> Result<Vec<Option<ClientId>>, Error> {
    let mut clients: Vec<_> = confirm.client.into_iter().map(Some).collect();
    if confirm.client.is_none() || confirm.signed.is_some() {
        for client in tx.clients_of(confirm.member).await? {
            if !clients.contains(&Some(client.id)) {
                clients.push(Some(client.id));
            }
        }
    }
    if clients.is_empty() {
        clients.push(None);
    }
    Ok(clients)
}
