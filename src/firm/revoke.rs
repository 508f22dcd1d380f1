//! The end of members, invitations and links.

use crate::access::Action;
use crate::audit::{self, Event};
use crate::clock::Timestamp;
use crate::envelope::statement::{Note, Revocation, RevocationKind, Role};
use crate::store::{self, Tx};

use super::{Actor, Directories, Error, directory_with, permit, plausible, signed_by_caller};

/// Carries out a revocation that the calling lead signed. The last lead and the last privacy
/// officer cannot be ended; ending the same thing again changes nothing.
pub async fn revoke(
    tx: &mut Tx,
    directories: &Directories,
    actor: Actor,
    note: &Note,
    now: Timestamp,
) -> Result<(), Error> {
    permit(tx, actor, Action::EndMember, None).await?;
    let revocation: Revocation = note.decode().map_err(|_| Error::StatementRefused)?;
    plausible(revocation.time, now)?;
    let directory = directories.of(tx, None).await?;
    signed_by_caller(&directory, actor, note)?;
    if revocation.root != directory.root().key_id() || revocation.prev.is_some() {
        return Err(Error::StatementRefused);
    }
    let subject = revocation.subject.to_string();
    match tx.statement("revocation", &format!("{}:{subject}", revocation.kind)).await {
        Ok(_) => return Ok(()),
        Err(store::Error::NotFound) => {}
        Err(error) => return Err(error.into()),
    }
    let action = match revocation.kind {
        RevocationKind::Member => {
            let id = subject.parse().map_err(|_| Error::StatementRefused)?;
            let members = tx.member_summaries().await?;
            let member = members.iter().find(|m| m.member == id).ok_or(Error::NotFound)?;
            if matches!(member.role, Role::Lead | Role::PrivacyOfficer)
                && tx.count_active(member.role.as_str()).await? <= 1
            {
                return Err(Error::LastOne);
            }
            stays_verifiable(tx, member.role, note).await?;
            tx.suspend_member(id, now).await?;
            "member.suspend"
        }
        RevocationKind::Invitation => {
            let id = subject.parse().map_err(|_| Error::StatementRefused)?;
            if !tx.revoke_invitation(id, now).await? {
                return Err(Error::NotFound);
            }
            "invitation.revoke"
        }
        RevocationKind::Link => {
            let id = subject.parse().map_err(|_| Error::StatementRefused)?;
            if !tx.revoke_link(id, now).await? {
                return Err(Error::NotFound);
            }
            "link.revoke"
        }
        // Shares end by a route of their own, which asks whose documents they are.
        RevocationKind::Share => return Err(Error::StatementRefused),
    };
    tx.insert_statement(note, now).await?;
    audit::append(tx, now, Event::new(action).by(actor.member).object(subject)).await?;
    Ok(())
}

/// What somebody signed counts up to the time of their end. A revocation dated before
/// something they did sign would leave that without a signer, and every directory that holds
/// it unverifiable: refused, to be signed again with a later time.
async fn stays_verifiable(tx: &mut Tx, role: Role, note: &Note) -> Result<(), Error> {
    if !matches!(role, Role::Lead | Role::Accountant) {
        return Ok(());
    }
    directory_with(tx, None, note).await?;
    for client in tx.clients().await? {
        directory_with(tx, Some(client.id), note).await?;
    }
    Ok(())
}
