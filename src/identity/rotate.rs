//! Rotation: a member's next keys in place of those they have, made on their own device.
//!
//! Refuses a card that the present key did not sign, that changes anything else, that names a key
//! somebody has or had, or that is dated before something the present key has signed: that would
//! lose its signer. Everything else of the member ends with the old keyring: other sessions,
//! passphrase, kit, devices.

use crate::api::{Base64, Rotation, RotationStart, RotationStarted};
use crate::audit::{self, Event};
use crate::clock::Timestamp;
use crate::envelope::keyring::Unlock;
use crate::envelope::statement::{Card, Note, Role, Statement};
use crate::ids::{MemberId, SessionId};
use crate::opaque;
use crate::store::{self, MemberRow, Standing, Store, Tx};
use crate::trust::Directory;

use super::join::reads_with;
use super::keyring::checked_keyring;
use super::throttle::Door;
use super::{Error, Identity};

/// Cards that a member may make …
const MOST_A_DAY: u32 = 12;
/// … in so many seconds.
const DAY_SECONDS: i64 = 24 * 3600;

impl Identity {
    /// Begins a rotation: the card that the next one follows, the time before which it cannot be
    /// dated, and the answer to the registration of a passphrase, which is counted as a try.
    pub async fn start_rotation(
        &self,
        store: &Store,
        member: MemberId,
        start: &RotationStart,
        peer: Option<std::net::IpAddr>,
        now: Timestamp,
    ) -> Result<RotationStarted, Error> {
        let mut tx = store.write().await?;
        let row = tx.member(member).await?;
        let mut response = None;
        if let Some(request) = &start.request {
            let throttle = self.throttle_subject(Door::Passphrase, &row.login);
            self.count_try(&mut tx, throttle, peer, now).await?;
            let answered = opaque::server_register_start(&self.keys.setup, member, &request.0)
                .map_err(|_| Error::Unacceptable("The registration request is not one."))?;
            response = Some(Base64(answered));
        }
        let card = tx.statement(Card::KIND, &member.to_string()).await?;
        let not_before = not_before(&mut tx, &row, &card).await?;
        tx.commit().await?;
        Ok(RotationStarted { card, not_before, response, passphrase: row.password_file.is_some() })
    }

    /// Rotates the keys of `member`, all of it or nothing. The very same request again, after a
    /// lost answer, changes nothing.
    pub async fn rotate(
        &self,
        store: &Store,
        member: MemberId,
        session: SessionId,
        rotation: &Rotation,
        now: Timestamp,
    ) -> Result<(), Error> {
        let ways = checked_keyring(&rotation.keyring)?;
        if ways.contains(&Unlock::Opaque) != rotation.registration.is_some() {
            return Err(Error::Unacceptable("A registration and its keyring header go together."));
        }
        if !ways.contains(&Unlock::Device) {
            return Err(Error::Unacceptable("The device that rotates keeps a way to unlock."));
        }
        let card: Card = rotation.card.decode().map_err(|_| Error::CardRefused)?;
        let mut tx = store.write().await?;
        let row = tx.member(member).await?;
        if card.member == member && tx.standing(&rotation.card).await? == Standing::Newest {
            let same = row.keyring == rotation.keyring.payload.0 && row.epoch == card.epoch;
            return if same { Ok(()) } else { Err(Error::ChainMoved) };
        }
        if row.password_file.is_some() && rotation.registration.is_none() {
            return Err(Error::Unacceptable("The passphrase has to be registered anew."));
        }
        checked_card(&mut tx, &row, &rotation.card, &card, now).await?;
        if tx.is_key_taken(&card).await? {
            return Err(Error::CardRefused);
        }
        not_too_often(&mut tx, member, now).await?;
        let password_file = rotation
            .registration
            .as_ref()
            .map(|upload| opaque::server_register_finish(&upload.0))
            .transpose()
            .map_err(|_| Error::Unacceptable("The registration upload is not one."))?;
        let moved = |error| match error {
            store::Error::Conflict => Error::ChainMoved,
            other => other.into(),
        };
        tx.insert_statement(&rotation.card, now).await.map_err(moved)?;
        verifies(&mut tx, &row).await?;
        let next = MemberRow {
            key: card.sign.key_id(),
            password_file,
            kit_token_hash: rotation.kit_token_hash,
            keyring: rotation.keyring.payload.0.clone(),
            epoch: card.epoch,
            ..row
        };
        tx.rotate_member(&next).await.map_err(moved)?;
        for header in &rotation.keyring.headers {
            let own = (header.kind == Unlock::Device.as_str()).then_some(session);
            tx.put_keyring_header(member, &header.kind, own, &header.header.0, now).await?;
        }
        tx.end_sessions(member, Some(session), now).await?;
        record(&mut tx, &next, now).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Every card stays in every directory that shows its member for ever: nobody makes many.
async fn not_too_often(tx: &mut Tx, member: MemberId, now: Timestamp) -> Result<(), Error> {
    let filed = tx.card_filed_before(member, MOST_A_DAY - 1).await?;
    let free = filed.map_or(now, |filed| filed.plus_secs(DAY_SECONDS));
    let wait = u64::try_from(free.as_secs() - now.as_secs()).unwrap_or_default();
    if wait == 0 { Ok(()) } else { Err(Error::TooMany { retry_after_secs: wait }) }
}

/// The earliest time of the next card: after the one before, and after everything that the
/// present key has signed.
async fn not_before(tx: &mut Tx, row: &MemberRow, note: &Note) -> Result<Timestamp, Error> {
    let card: Card = note.decode().map_err(|_| store::Error::Corrupt("statements.note"))?;
    let signed = tx.newest_signed_by(row.key).await?;
    Ok(signed.map_or(card.time, |signed| signed.max(card.time)).plus_ms(1))
}

async fn checked_card(
    tx: &mut Tx,
    row: &MemberRow,
    note: &Note,
    card: &Card,
    now: Timestamp,
) -> Result<(), Error> {
    let before = tx.statement(Card::KIND, &row.id.to_string()).await?;
    let old: Card = before.decode().map_err(|_| store::Error::Corrupt("statements.note"))?;
    if card.member != row.id {
        return Err(Error::CardRefused);
    }
    if card.prev != Some(before.hash()) {
        return Err(Error::ChainMoved);
    }
    let fits = card.root == old.root
        && card.role == old.role
        && card.name_hash == old.name_hash
        && Some(card.epoch) == old.epoch.checked_add(1)
        && card.time.is_plausible_at(now)
        && reads_with(card)
        && note.signed_by(&card.sign)
        && note.signed_by(&old.sign);
    if !fits || card.time < not_before(tx, row, &before).await? {
        return Err(Error::CardRefused);
    }
    Ok(())
}

/// Refuses what would leave a directory that names the member unverifiable.
async fn verifies(tx: &mut Tx, row: &MemberRow) -> Result<(), Error> {
    let root = tx.firm().await?.root;
    let mut scopes = vec![None];
    if row.role == Role::Lead {
        scopes.extend(tx.clients().await?.into_iter().map(|client| Some(client.id)));
    } else {
        scopes.extend(tx.clients_knowing(row.id).await?.into_iter().map(Some));
    }
    for scope in scopes {
        let mut notes = tx.directory_statements(scope).await?;
        notes.extend(tx.own_statements(row.id).await?);
        Directory::verify(root, &notes).map_err(|_| Error::CardRefused)?;
    }
    Ok(())
}

/// One entry for each client that the member reads for, so that each sees it.
async fn record(tx: &mut Tx, row: &MemberRow, now: Timestamp) -> Result<(), Error> {
    let clients: Vec<_> =
        tx.clients_of(row.id).await?.into_iter().map(|client| Some(client.id)).collect();
    let clients = if clients.is_empty() { vec![None] } else { clients };
    for client in clients {
        let mut event = Event::new("key.rotate").by(row.id).object(row.key);
        event.client = client;
        let event = event.with("role", row.role.as_str()).with("epoch", row.epoch);
        audit::append(tx, now, event).await?;
    }
    Ok(())
}
