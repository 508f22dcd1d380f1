//! Clients of the firm and its people, as those see them who may.

use crate::access::Action;
use crate::api::{AddClient, ClientSummary, MemberSummary, limits};
use crate::audit::{self, Event};
use crate::clock::Timestamp;
use crate::envelope::statement::Note;
use crate::ids::ClientId;
use crate::store::{self, ClientRow, Tx};

use super::{Actor, Error, permit};

/// Adds a client. The same request again changes nothing.
pub async fn add_client(
    tx: &mut Tx,
    actor: Actor,
    add: &AddClient,
    now: Timestamp,
) -> Result<ClientSummary, Error> {
    permit(tx, actor, Action::AddClient, None).await?;
    let name = limits::client_name(&add.name).ok_or(Error::Unacceptable)?;
    let known = tx.client(add.client).await.is_ok();
    tx.insert_client(add.client, name, now).await.map_err(|error| match error {
        store::Error::Conflict => Error::Taken,
        other => other.into(),
    })?;
    if !known {
        let event = Event::new("client.add").by(actor.member).client(add.client);
        audit::append(tx, now, event.with("role", actor.role.as_str())).await?;
    }
    summary_of(tx, ClientRow { id: add.client, name: name.to_owned() }).await
}

/// The clients that `actor` sees: all of them for those who oversee the firm, else those
/// they belong to or look after.
pub async fn client_summaries(tx: &mut Tx, actor: Actor) -> Result<Vec<ClientSummary>, Error> {
    let rows = match permit(tx, actor, Action::SeeAllClients, None).await {
        Ok(()) => tx.clients().await?,
        Err(Error::NotAllowed) => tx.clients_of(actor.member).await?,
        Err(error) => return Err(error),
    };
    let mut summaries = Vec::with_capacity(rows.len());
    for row in rows {
        summaries.push(summary_of(tx, row).await?);
    }
    Ok(summaries)
}

/// One client with its accountants.
pub async fn summary_of(tx: &mut Tx, row: ClientRow) -> Result<ClientSummary, Error> {
    let accountants = tx.assigned_to(row.id).await?;
    Ok(ClientSummary { client: row.id, name: row.name, accountants })
}

/// Every member, for those who oversee the firm.
pub async fn members(tx: &mut Tx, actor: Actor) -> Result<Vec<MemberSummary>, Error> {
    permit(tx, actor, Action::SeeMembers, None).await?;
    Ok(tx.member_summaries().await?)
}

/// The signed statements about `client`, for whoever may know of it; without a client those
/// about the firm and about the caller's own card.
pub async fn statements_for(
    tx: &mut Tx,
    actor: Actor,
    client: Option<ClientId>,
) -> Result<Vec<Note>, Error> {
    if client.is_some() {
        permit(tx, actor, Action::SeeClient, client).await?;
        return Ok(tx.directory_statements(client).await?);
    }
    let mut notes = tx.directory_statements(None).await?;
    for note in tx.own_statements(actor.member).await? {
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    Ok(notes)
}
