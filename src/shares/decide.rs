//! Decisions about a share: the client's principal authorises, refuses or withdraws; a second
//! person of the firm agrees to a sensitive one; either side ends it; the firm unlocks it.

use crate::access::Action;
use crate::api::ShareInfo;
use crate::audit;
use crate::clock::Timestamp;
use crate::envelope::statement::{
    Authorisation, Decision, Note, Revocation, RevocationKind, Statement,
};
use crate::ids::ShareId;
use crate::notices::{self, Kind, Notice};
use crate::store::{ShareRow, Tx};

use super::{Error, Person, Settings, info, permitted, plausible, signed_by};

/// Carries out what the client's principal decided and signed. The same decision again changes
/// nothing; what was refused or withdrawn stays so.
pub async fn authorise(
    tx: &mut Tx,
    settings: &Settings,
    person: Person,
    id: ShareId,
    note: &Note,
    now: Timestamp,
) -> Result<ShareInfo, Error> {
    let row = permitted(tx, person, Action::DecideShare, id).await?;
    let said: Authorisation = note.decode().map_err(|_| Error::StatementRefused)?;
    plausible(said.time, now)?;
    let directory = signed_by(tx, person, note).await?;
    let fits = said.root == directory.root().key_id()
        && said.share == row.id
        && said.client == row.client
        && said.basis.is_some() == (said.decision == Decision::Authorise);
    if !fits {
        return Err(Error::StatementRefused);
    }
    let changed = match (said.decision, said.basis) {
        (Decision::Authorise, Some(basis)) => {
            if !row.attended {
                return Err(Error::WrongState);
            }
            let done = tx.authorise_share(id, basis, now).await?;
            if !done && (row.withdrawn_at.is_some() || row.revoked_at.is_some()) {
                return Err(Error::WrongState);
            }
            done
        }
        _ => tx.end_share(id, true, now).await?,
    };
    if changed {
        tx.file_about_share(id, Authorisation::KIND, note, now).await?;
        let action = match said.decision {
            Decision::Authorise => "share.authorise",
            Decision::Refuse => "share.refuse",
            Decision::Withdraw => "share.withdraw",
        };
        let basis = said.basis.map(|basis| basis.as_str()).unwrap_or_default();
        audit::append(tx, now, person.did(action, &row).with("basis", basis)).await?;
        if said.decision != Decision::Authorise {
            ended(tx, &row, now).await?;
        }
    }
    shown(tx, settings, id, now).await
}

/// Notes that a second person agrees: they add their signature to the share itself.
pub async fn second(
    tx: &mut Tx,
    settings: &Settings,
    person: Person,
    id: ShareId,
    note: &Note,
    now: Timestamp,
) -> Result<ShareInfo, Error> {
    let row = permitted(tx, person, Action::SecondShare, id).await?;
    if note.text() != row.note.text() {
        return Err(Error::StatementRefused);
    }
    if person.member == row.sharer {
        return Err(Error::NotAllowed);
    }
    if !row.sensitive || row.withdrawn_at.is_some() || row.revoked_at.is_some() {
        return Err(Error::WrongState);
    }
    signed_by(tx, person, note).await?;
    let sharer = Person { member: row.sharer, ..person };
    signed_by(tx, sharer, note).await?;
    if tx.second_share(id, note, now).await? {
        audit::append(tx, now, person.did("share.second", &row)).await?;
    }
    shown(tx, settings, id, now).await
}

/// Ends a share with a revocation that the caller signed; again changes nothing.
pub async fn revoke(
    tx: &mut Tx,
    settings: &Settings,
    person: Person,
    id: ShareId,
    note: &Note,
    now: Timestamp,
) -> Result<ShareInfo, Error> {
    let row = permitted(tx, person, Action::EndShare, id).await?;
    let said: Revocation = note.decode().map_err(|_| Error::StatementRefused)?;
    plausible(said.time, now)?;
    let directory = signed_by(tx, person, note).await?;
    let fits = said.root == directory.root().key_id()
        && said.kind == RevocationKind::Share
        && said.subject.to_string() == id.to_string()
        && said.prev.is_none();
    if !fits {
        return Err(Error::StatementRefused);
    }
    if tx.end_share(id, false, now).await? {
        tx.file_about_share(id, Revocation::KIND, note, now).await?;
        audit::append(tx, now, person.did("share.revoke", &row)).await?;
        ended(tx, &row, now).await?;
    }
    shown(tx, settings, id, now).await
}

/// Unlocks a share that wrong codes locked; one that is not locked stays as it is.
pub async fn unlock(
    tx: &mut Tx,
    settings: &Settings,
    person: Person,
    id: ShareId,
    now: Timestamp,
) -> Result<ShareInfo, Error> {
    let row = permitted(tx, person, Action::Share, id).await?;
    if tx.unlock_share(id).await? {
        audit::append(tx, now, person.did("share.unlock", &row)).await?;
    }
    shown(tx, settings, id, now).await
}

async fn ended(tx: &mut Tx, row: &ShareRow, now: Timestamp) -> Result<(), Error> {
    notices::cancel(tx, Kind::Expiring, row.id).await?;
    notices::enqueue(tx, &Notice::new(Kind::Revoked, row.client, row.id, now)).await?;
    Ok(())
}

async fn shown(
    tx: &mut Tx,
    settings: &Settings,
    id: ShareId,
    now: Timestamp,
) -> Result<ShareInfo, Error> {
    let row = tx.share(id).await?;
    info(tx, settings, &row, now).await
}
