//! All clients of a leaving accountant go over to a successor (移交).
//!
//! Refuses to end anybody's place unless leaver, successor and a lead who is neither have signed
//! the list of every document as the database has it, each with a header for the successor.
//! Invariant: the leaver's places, the statement and an entry for each client change in one
//! transaction.

use crate::access::Action;
use crate::api::{HandOver, HandedOver};
use crate::audit::{self, Event};
use crate::clock::Timestamp;
use crate::envelope::statement::{Adoption, Assignment, Category, Handover, Manifest, Note};
use crate::ids::ClientId;
use crate::store::{self, HandoverDocument, Tx};
use crate::trust::Directory;
use crate::trust::handover::{Line, List, Signed};

use super::{Actor, Directories, Error, assign, permit, plausible, signed_by_caller};

/// Completes a hand-over. The same statement again changes nothing.
pub async fn hand_over(
    tx: &mut Tx,
    directories: &Directories,
    actor: Actor,
    submitted: &HandOver,
    now: Timestamp,
) -> Result<HandedOver, Error> {
    permit(tx, actor, Action::HandOver, None).await?;
    let note = &submitted.statement;
    let said: Handover = note.decode().map_err(|_| Error::StatementRefused)?;
    match tx.handover(said.handover).await {
        Ok(row) if row.note.text() == note.text() => {
            return Ok(HandedOver { handover: said.handover, completed_at: row.completed_at });
        }
        Ok(_) => return Err(Error::Taken),
        Err(store::Error::NotFound) => {}
        Err(error) => return Err(error.into()),
    }
    plausible(said.time, now)?;
    if said.root != tx.firm().await?.root.key_id() || said.clients.is_empty() {
        return Err(Error::StatementRefused);
    }
    if tx.clients_assigned_to(said.from).await? != said.clients {
        return Err(Error::HandoverChanged);
    }
    let counts = believe(tx, directories, actor, note, &said).await?;
    for note in &submitted.assignments {
        let next: Assignment = note.decode().map_err(|_| Error::StatementRefused)?;
        if !said.clients.contains(&next.client) || !next.accountants.contains(&said.to) {
            return Err(Error::StatementRefused);
        }
        assign(tx, actor, note, now).await?;
    }
    if !tx.clients_assigned_to(said.from).await?.is_empty() {
        return Err(Error::StatementRefused);
    }
    tx.insert_handover(&said, note, actor.member, now).await?;
    for (client, documents) in counts {
        let event = Event::new("handover.complete")
            .by(actor.member)
            .client(client)
            .object(said.handover)
            .with("role", actor.role.as_str())
            .with("from", said.from.to_string())
            .with("to", said.to.to_string())
            .with("documents", documents)
            .with("statement", note.hash().to_string());
        audit::append(tx, now, event).await?;
    }
    Ok(HandedOver { handover: said.handover, completed_at: now })
}

/// Refuses what three people have not signed, or not over what is there; how many documents of
/// each client go over.
async fn believe(
    tx: &mut Tx,
    directories: &Directories,
    actor: Actor,
    note: &Note,
    said: &Handover,
) -> Result<Vec<(ClientId, usize)>, Error> {
    let mut lines = Vec::new();
    let mut counts = Vec::new();
    for client in &said.clients {
        let directory = directories.of(tx, Some(*client)).await?;
        signed_by_caller(&directory, actor, note)?;
        if !Signed::of(&directory, note, said).is_whole() {
            return Err(Error::HandoverUnsigned);
        }
        let succeeds = |category: &Option<Category>| {
            directory.assigned_exactly(*client, *category).contains(&said.to)
        };
        if !directory.subjects_of(*client, said.from).iter().all(succeeds) {
            return Err(Error::NotAssigned);
        }
        if tx.count_pending_rewraps(*client).await? > 0 {
            return Err(Error::HandoverPending);
        }
        let before = lines.len();
        list(tx, &directory, *client, said, &mut lines).await?;
        counts.push((*client, lines.len() - before));
    }
    if List::of(lines).is(said) { Ok(counts) } else { Err(Error::HandoverChanged) }
}

/// Adds the documents of `client` that go over to `lines`. What came since the list was drawn up
/// is no part of it, and must have come sealed to the successor: else it was there before.
async fn list(
    tx: &mut Tx,
    directory: &Directory,
    client: ClientId,
    said: &Handover,
    lines: &mut Vec<Line>,
) -> Result<(), Error> {
    let theirs: Vec<Category> = Category::ALL
        .iter()
        .copied()
        .filter(|category| directory.assigned(client, *category).contains(&said.from))
        .collect();
    let mut after = None;
    loop {
        let page = tx.handed_over(client, said.to, after).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some((last.document.listed_at, last.document.id));
        for of in page.iter().filter(|of| theirs.contains(&of.document.category)) {
            if of.document.listed_at <= said.time {
                lines.push(line(of)?);
            } else if of.resealed {
                return Err(Error::HandoverChanged);
            }
        }
    }
}

/// A document as it was signed; of a raw age file what nobody signs as it was filed.
fn line(of: &HandoverDocument) -> Result<Line, Error> {
    let corrupt = |_| Error::Store(store::Error::Corrupt("statements.note"));
    let HandoverDocument { document, manifest, adoption, .. } = of;
    let mut line = Line {
        client: document.client,
        document: document.id,
        period: document.period,
        category: document.category,
        direction: document.direction,
        seal: document.seal,
        received: document.listed_at,
        length: document.length,
        pieces: document.pieces,
        commit: None,
        manifest: manifest.as_ref().map(Note::hash),
    };
    if let Some(note) = manifest {
        let said: Manifest = note.decode().map_err(corrupt)?;
        (line.period, line.category) = (said.period, said.category);
        (line.pieces, line.commit) = (Some(said.pieces), Some(said.commit));
    } else if let Some(note) = adoption {
        let said: Adoption = note.decode().map_err(corrupt)?;
        (line.pieces, line.commit) = (Some(said.pieces), Some(said.commit));
    }
    Ok(line)
}
