//! The rehearsal: documents are served only after two recovery shares have opened the canary.

use crate::access::Action;
use crate::audit::{self, Event};
use crate::clock::Timestamp;
use crate::envelope::statement::Hash;
use crate::store::Tx;

use super::{Actor, Error, permit};

/// Takes what the canary held. [`Error::WrongProof`] for anything else.
pub async fn rehearse(
    tx: &mut Tx,
    actor: Option<Actor>,
    proof: &[u8],
    now: Timestamp,
) -> Result<(), Error> {
    if let Some(actor) = actor {
        permit(tx, actor, Action::Rehearse, None).await?;
    }
    if Hash::of(proof) != tx.firm().await?.canary_proof {
        return Err(Error::WrongProof);
    }
    tx.set_rehearsed(now).await?;
    let mut event = Event::new("recovery.rehearse");
    event.actor = actor.map(|a| a.member);
    audit::append(tx, now, event).await?;
    Ok(())
}

/// Whether documents may be served.
pub async fn is_rehearsed(tx: &mut Tx) -> Result<bool, Error> {
    Ok(tx.firm().await?.rehearsed_at.is_some())
}
