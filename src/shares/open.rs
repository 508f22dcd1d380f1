//! Opening: whoever proves link and code takes a slot, once for each lease.
//!
//! What is refused is refused alike: unknown, waiting, expired, ended, used up, locked, wrong
//! link and wrong code. Only a wrong code with the right link leaves a trace, so that nobody
//! without the link can lock a share.

use subtle::ConstantTimeEq;

use crate::api::OpenedShare;
use crate::audit::{self, Event};
use crate::clock::Timestamp;
use crate::envelope::statement::Hash;
use crate::ids::{LeaseId, ShareId};
use crate::notices::{self, Kind, Notice};
use crate::secrets::Secret;
use crate::store::{self, ShareRow, Store, Tx, Wanted};

use super::{Error, Settings, chain_to, ready};

/// What somebody brings to open a share.
#[derive(Debug)]
pub struct Proofs {
    /// Proves the link.
    pub find: Secret<32>,
    /// Proves link and code.
    pub open: Secret<32>,
    /// By whom the slot is taken.
    pub lease: LeaseId,
}

impl Proofs {
    fn hashes(&self) -> (Hash, Hash) {
        (Hash::of(self.find.expose()), Hash::of(self.open.expose()))
    }
}

/// Compares with the hashes of `row`, or with nothing in the same time where there is none.
fn compare(row: Option<&ShareRow>, (find, open): (Hash, Hash)) -> (bool, bool) {
    let (known_find, known_open) =
        row.map_or(([0; 32], [0; 32]), |row| (row.find_hash.0, row.open_hash.0));
    let there = subtle::Choice::from(u8::from(row.is_some()));
    let found = find.0.ct_eq(&known_find) & there;
    (found.into(), (found & open.0.ct_eq(&known_open)).into())
}

async fn known(tx: &mut Tx, id: ShareId) -> Result<Option<ShareRow>, Error> {
    match tx.share(id).await {
        Ok(row) => Ok(Some(row)),
        Err(store::Error::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Takes a slot, or finds the one that the lease holds.
///
/// # Errors
/// [`Error::NotFound`] for everything that is not opened; [`Error::Store`].
pub async fn open(
    store: &Store,
    settings: &Settings,
    id: ShareId,
    proofs: &Proofs,
    now: Timestamp,
) -> Result<OpenedShare, Error> {
    let hashes = proofs.hashes();
    let mut tx = store.read().await?;
    ready(&mut tx).await?;
    let row = known(&mut tx, id).await?;
    drop(tx);
    let (found, opened) = compare(row.as_ref(), hashes);
    let Some(row) = row.filter(|_| found) else { return Err(Error::NotFound) };
    let mut tx = store.write().await?;
    if !opened {
        let event = |action| Event::new(action).client(row.client).object(id);
        let locked = tx.count_wrong_code(id, now).await?;
        if let Some(locked) = locked {
            let action = if locked { "share.lock" } else { "share.wrong_code" };
            audit::append(&mut tx, now, event(action)).await?;
        }
        if locked == Some(true) {
            let told = Notice::new(Kind::WrongCodes, row.client, id, now);
            notices::enqueue(&mut tx, &told).await?;
        }
        tx.commit().await?;
        return Err(Error::NotFound);
    }
    let wanted = Wanted {
        share: id,
        lease: proofs.lease,
        proofs: hashes,
        now,
        lease_seconds: settings.lease_seconds,
        jurisdiction: &settings.jurisdiction,
    };
    let Some(lease) = tx.take_slot(&wanted).await? else {
        // Slots of ended leases may have come back; nothing else was changed.
        tx.commit().await?;
        return Err(Error::NotFound);
    };
    if lease.is_new {
        let event = Event::new("share.open").client(row.client).object(id);
        let event = event.with("partner", row.partner.to_string());
        audit::append(&mut tx, now, event).await?;
    }
    let row = tx.share(id).await?;
    let root = tx.firm().await?.root;
    let statements = chain_to(&mut tx, row.sharer).await?;
    tx.commit().await?;
    Ok(OpenedShare {
        root,
        statements,
        statement: row.note,
        sealed: crate::api::Base64(row.sealed),
        lease_expires_at: lease.expires_at,
    })
}

/// Gives the slot of a lease back if nothing has left under it.
///
/// # Errors
/// [`Error::NotFound`] where link and code are not proven or nothing was given back.
pub async fn release(
    store: &Store,
    id: ShareId,
    proofs: &Proofs,
    now: Timestamp,
) -> Result<(), Error> {
    let mut tx = store.read().await?;
    let row = known(&mut tx, id).await?;
    drop(tx);
    let (_, opened) = compare(row.as_ref(), proofs.hashes());
    let Some(row) = row.filter(|_| opened) else { return Err(Error::NotFound) };
    let mut tx = store.write().await?;
    if !tx.release_slot(id, proofs.lease).await? {
        return Err(Error::NotFound);
    }
    let event = Event::new("share.release").client(row.client).object(id);
    audit::append(&mut tx, now, event).await?;
    tx.commit().await?;
    Ok(())
}
