//! Assignments and policies.

use crate::access::Action;
use crate::api::Assigned;
use crate::audit::{self, Event};
use crate::clock::Timestamp;
use crate::envelope::statement::{Assignment, Note, Policy, Role, YesNo};
use crate::store::{self, Tx};

use super::{Actor, Error, directory_with, in_force, permit, plausible, signed_by_caller};

fn superseded(error: store::Error) -> Error {
    match error {
        store::Error::Conflict => Error::ChainMoved,
        other => other.into(),
    }
}

/// Puts an assignment into force: new documents are sealed to the new set at once, whoever is
/// no longer in it fetches nothing any more.
pub async fn assign(
    tx: &mut Tx,
    actor: Actor,
    note: &Note,
    now: Timestamp,
) -> Result<Assigned, Error> {
    permit(tx, actor, Action::Govern, None).await?;
    let assignment: Assignment = note.decode().map_err(|_| Error::StatementRefused)?;
    plausible(assignment.time, now)?;
    permit(tx, actor, Action::SeeClient, Some(assignment.client)).await?;
    let members = tx.member_summaries().await?;
    let keeps_books = |id| {
        members.iter().any(|m| m.member == id && matches!(m.role, Role::Accountant | Role::Lead))
    };
    if !assignment.accountants.iter().all(|id| keeps_books(*id)) {
        return Err(Error::StatementRefused);
    }
    if in_force(tx, note).await? {
        return assigned(tx, &assignment).await;
    }
    // The rows first: who is named must have their card in the directory that is verified.
    tx.set_assigned(assignment.client, assignment.category, &assignment.accountants).await?;
    let directory = directory_with(tx, Some(assignment.client), note).await?;
    signed_by_caller(&directory, actor, note)?;
    tx.insert_statement(note, now).await.map_err(superseded)?;
    let event = Event::new("assignment.set")
        .by(actor.member)
        .client(assignment.client)
        .with("role", actor.role.as_str())
        .with("category", assignment.category.map(|category| category.as_str()))
        .with(
            "accountants",
            assignment.accountants.iter().map(ToString::to_string).collect::<Vec<_>>(),
        );
    audit::append(tx, now, event.object(note.hash())).await?;
    assigned(tx, &assignment).await
}

async fn assigned(tx: &mut Tx, assignment: &Assignment) -> Result<Assigned, Error> {
    Ok(Assigned {
        accountants: assignment.accountants.clone(),
        pending: tx.count_pending_rewraps(assignment.client).await?,
    })
}

/// Puts a policy into force: a lead's, or of a client the principal's where it may say so.
/// Sealing on arrival is allowed for one client at a time, never for the whole firm.
pub async fn set_policy(
    tx: &mut Tx,
    actor: Actor,
    note: &Note,
    now: Timestamp,
) -> Result<Assigned, Error> {
    let policy: Policy = note.decode().map_err(|_| Error::StatementRefused)?;
    plausible(policy.time, now)?;
    if policy.client.is_none() && policy.on_arrival == YesNo::Yes {
        return Err(Error::StatementRefused);
    }
    let action = if policy.client.is_some() { Action::SetPolicy } else { Action::Govern };
    permit(tx, actor, action, policy.client).await?;
    if !in_force(tx, note).await? {
        let directory = directory_with(tx, policy.client, note).await?;
        signed_by_caller(&directory, actor, note)?;
        tx.insert_statement(note, now).await.map_err(superseded)?;
        tx.set_policy(&policy).await?;
        let mut event = Event::new("policy.set").by(actor.member).object(note.hash());
        event.client = policy.client;
        audit::append(tx, now, event.with("role", actor.role.as_str())).await?;
    }
    Ok(match policy.client {
        Some(client) => Assigned {
            accountants: tx.assigned_to(client).await?,
            pending: tx.count_pending_rewraps(client).await?,
        },
        None => Assigned { accountants: Vec::new(), pending: 0 },
    })
}
