//! The end of members, invitations and links.

use crate::access::Action;
use crate::audit::{self, Event};
use crate::clock::Timestamp;
use crate::envelope::statement::{Link, Note, Revocation, RevocationKind, Role, Statement};
use crate::ids::{ClientId, LinkId, MemberId};
use crate::notices::{self, Kind, Notice};
use crate::store::{self, Tx};
use crate::trust::{Directory, read_card_subject};

use super::{Actor, Directories, Error, directory_with, permit, plausible, signed_by_caller};

/// Carries out a revocation that the caller signed: a lead's, or of a link that of an accountant
/// of its client. The last lead and the last privacy
/// officer cannot be ended; ending the same thing again changes nothing.
pub async fn revoke(
    tx: &mut Tx,
    directories: &Directories,
    actor: Actor,
    note: &Note,
    now: Timestamp,
) -> Result<(), Error> {
    let decoded: Result<Revocation, _> = note.decode();
    let link: Option<LinkId> = match &decoded {
        Ok(revocation) if revocation.kind == RevocationKind::Link => {
            Some(revocation.subject.to_string().parse().map_err(|_| Error::StatementRefused)?)
        }
        _ => None,
    };
    let client = match link {
        Some(link) => Some(tx.client_of_link(link).await?),
        None => None,
    };
    match client {
        Some(client) if actor.role != Role::Lead => {
            permit(tx, actor, Action::OpenLink, Some(client)).await?;
        }
        _ => permit(tx, actor, Action::EndMember, None).await?,
    }
    let revocation = decoded.map_err(|_| Error::StatementRefused)?;
    let directory = directories.of(tx, client).await?;
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
    if revocation.kind == RevocationKind::Member {
        is_not_the_last(tx, &subject).await?;
    }
    let not_before = not_before(tx, revocation.kind, &subject).await?;
    // What its subject dated ahead must not keep anybody from ending it.
    if not_before != Some(revocation.time) {
        plausible(revocation.time, now)?;
    }
    if let Some(not_before) = not_before.filter(|earliest| revocation.time < *earliest) {
        return Err(Error::TooEarly(not_before));
    }
    let action = match revocation.kind {
        RevocationKind::Member => {
            let id = subject.parse().map_err(|_| Error::StatementRefused)?;
            let role = tx.member(id).await?.role;
            stays_verifiable(tx, id, role, note).await?;
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
            let (Some(id), Some(client)) = (link, client) else { return Err(Error::NotFound) };
            directory_with(tx, Some(client), note).await?;
            if !tx.revoke_link(id, now).await? {
                return Err(Error::NotFound);
            }
            notices::cancel(tx, Kind::Expiring, id).await?;
            notices::enqueue(tx, &Notice::new(Kind::Revoked, client, id, now)).await?;
            "link.revoke"
        }
        RevocationKind::Card => {
            let (id, epoch) = read_card_subject(&subject).ok_or(Error::StatementRefused)?;
            let member = tx.member(id).await?;
            if epoch == 0 || epoch > member.epoch {
                return Err(Error::NotFound);
            }
            stays_verifiable(tx, id, member.role, note).await?;
            // Whoever has the key of a revoked card may have the device too.
            tx.end_sessions(id, None, now).await?;
            "card.revoke"
        }
        // These end by routes of their own, which ask whose documents they are.
        RevocationKind::Share | RevocationKind::Document => return Err(Error::StatementRefused),
    };
    tx.insert_statement(note, now).await?;
    for client in concerned(tx, revocation.kind, &subject, client).await? {
        let mut event = Event::new(action).by(actor.member).object(&subject);
        event.client = client;
        audit::append(tx, now, event.with("role", actor.role.as_str())).await?;
    }
    Ok(())
}

/// Whose log an end belongs in: every client that the member concerned reads for sees it; that of
/// the firm alone where there is none.
async fn concerned(
    tx: &mut Tx,
    kind: RevocationKind,
    subject: &str,
    client: Option<ClientId>,
) -> Result<Vec<Option<ClientId>>, Error> {
    let member = match kind {
        RevocationKind::Member => subject.parse().ok(),
        RevocationKind::Card => read_card_subject(subject).map(|(member, _)| member),
        _ => return Ok(vec![client]),
    };
    let member = member.ok_or(Error::StatementRefused)?;
    let clients = tx.clients_of(member).await?;
    let clients: Vec<_> = clients.into_iter().map(|client| Some(client.id)).collect();
    Ok(if clients.is_empty() { vec![None] } else { clients })
}

/// Refuses to end the only lead or privacy officer.
async fn is_not_the_last(tx: &mut Tx, subject: &str) -> Result<(), Error> {
    let role = tx.member(subject.parse().map_err(|_| Error::StatementRefused)?).await?.role;
    let needed = matches!(role, Role::Lead | Role::PrivacyOfficer);
    if needed && tx.count_active(role.as_str()).await? <= 1 {
        return Err(Error::LastOne);
    }
    Ok(())
}

/// The earliest time at which something can end: after everything that was signed with
/// it, which could not be verified any more otherwise.
async fn not_before(
    tx: &mut Tx,
    kind: RevocationKind,
    subject: &str,
) -> Result<Option<Timestamp>, Error> {
    let key = match kind {
        RevocationKind::Member => {
            tx.member(subject.parse().map_err(|_| Error::StatementRefused)?).await?.key
        }
        RevocationKind::Card => {
            let (id, epoch) = read_card_subject(subject).ok_or(Error::StatementRefused)?;
            let member = tx.member(id).await?;
            // An older one has a successor already, and spoke for nothing since.
            if epoch != member.epoch {
                return Ok(None);
            }
            member.key
        }
        RevocationKind::Link => {
            let note = tx.statement(Link::KIND, subject).await?;
            let link: Link = note.decode().map_err(|_| Error::StatementRefused)?;
            link.public.key_id()
        }
        _ => return Ok(None),
    };
    Ok(tx.newest_signed_by(key).await?.map(|newest| newest.plus_ms(1)))
}

/// Refuses a revocation that would make a directory unverifiable for everybody who holds it:
/// one whose signer did not speak for a lead at its time.
async fn stays_verifiable(
    tx: &mut Tx,
    member: MemberId,
    role: Role,
    note: &Note,
) -> Result<(), Error> {
    let root = tx.firm().await?.root;
    let mut people = tx.people_statements().await?;
    people.push(note.clone());
    Directory::verify(root, &people).map_err(|_| Error::StatementRefused)?;
    directory_with(tx, None, note).await?;
    // What leads and accountants signed stands in the directory of any client.
    let clients = if matches!(role, Role::Lead | Role::Accountant) {
        tx.clients().await?.into_iter().map(|client| client.id).collect()
    } else {
        tx.clients_knowing(member).await?
    };
    for client in clients {
        directory_with(tx, Some(client), note).await?;
    }
    Ok(())
}
