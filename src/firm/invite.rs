//! Invitations: a lead signs one, its holder looks at it and joins (`identity`).

use crate::access::Action;
use crate::api::{self, Offer, Offered, limits};
use crate::audit::{self, Event};
use crate::clock::Timestamp;
use crate::envelope::statement::{Hash, Invitation, Note};
use crate::ids::InvitationId;
use crate::store::{self, InvitationRow, Tx};

use super::{Actor, Directories, Error, found, permit, plausible, signed_by_caller};

/// The longest that an invitation may be open.
const MAX_OPEN_SECS: i64 = limits::MAX_INVITATION_DAYS * 24 * 3600;

/// Opens an invitation that the calling lead signed. One that makes a lead must be signed by
/// the root key too.
pub async fn invite(
    tx: &mut Tx,
    directories: &Directories,
    actor: Actor,
    offer: &Offer,
    now: Timestamp,
) -> Result<Offered, Error> {
    permit(tx, actor, Action::Invite, None).await?;
    let invitation: Invitation = offer.statement.decode().map_err(|_| Error::StatementRefused)?;
    let directory = directories.of(tx, None).await?;
    signed_by_caller(&directory, actor, &offer.statement)?;
    let root = directory.root();
    let fits = invitation.root == root.key_id()
        && invitation.role.is_person()
        && invitation.role.is_client_side() == invitation.client.is_some()
        && (!invitation.role.is_root_given() || offer.statement.signed_by(&root))
        && invitation.expires > now
        && invitation.expires <= now.plus_secs(MAX_OPEN_SECS);
    if !fits {
        return Err(Error::StatementRefused);
    }
    plausible(invitation.time, now)?;
    if let Some(client) = invitation.client {
        tx.client(client).await?;
    }
    match tx.invitation(invitation.invitation).await {
        // The answer to the same request was lost: give it again.
        Ok(row) if row.token_hash == offer.token_hash => {
            return Ok(Offered { expires_at: row.expires_at });
        }
        Ok(_) => return Err(Error::Taken),
        Err(store::Error::NotFound) => {}
        Err(error) => return Err(error.into()),
    }
    tx.insert_invitation(&invitation, offer.token_hash, Some(actor.member), now).await?;
    tx.insert_statement(&offer.statement, now).await?;
    let mut event = Event::new("invitation.open").by(actor.member).object(invitation.invitation);
    event.client = invitation.client;
    let event = event.with("role", actor.role.as_str()).with("invited", invitation.role.as_str());
    audit::append(tx, now, event).await?;
    Ok(Offered { expires_at: invitation.expires })
}

/// What the holder of an invitation sees.
#[derive(Debug)]
pub struct InvitationView {
    /// The row.
    pub row: InvitationRow,
    /// What is shown.
    pub seen: api::InvitationSeen,
}

/// Shows an open invitation to whoever proves its token. Unknown, used, expired, ended and a
/// wrong token are one answer.
pub async fn look(
    tx: &mut Tx,
    id: InvitationId,
    token_hash: Hash,
    now: Timestamp,
) -> Result<InvitationView, Error> {
    let row = tx.invitation(id).await?;
    if !row.is_open(now) || row.token_hash != token_hash {
        return Err(Error::NotFound);
    }
    let invitation: Note = tx.invitation_statement(id).await?;
    let statements = tx.directory_statements(None).await?;
    let client_name = match row.client {
        Some(client) => Some(tx.client(client).await?.name),
        None => None,
    };
    let firm = found::summary(tx).await?;
    let seen = api::InvitationSeen { invitation, firm, statements, client_name };
    Ok(InvitationView { row, seen })
}
