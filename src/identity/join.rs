//! Joining: an invitation becomes a member, once.
//!
//! Nobody but the invitation's holder can join with it, and nobody can speak for the new
//! member: the card is signed by the key it names and by the key derived from the link.

use subtle::ConstantTimeEq;

use crate::api::{Base64, Join, JoinStart, JoinStarted, SessionOpened};
use crate::audit::{self, Event};
use crate::clock::Timestamp;
use crate::envelope::Recipient;
use crate::envelope::keyring::Unlock;
use crate::envelope::statement::{Card, Hash, Invitation, Note, Statement};
use crate::ids::{InvitationId, MemberId};
use crate::opaque;
use crate::secrets::Secret;
use crate::store::{self, InvitationRow, MemberRow, Store, Tx};
use crate::trust::Directory;
use crate::trust::fragment::token_hash;

use super::keyring::checked_keyring;
use super::{Error, Identity, name};

/// The invitation whose token this is, used or not. Unknown and wrong are one answer.
async fn invited(tx: &mut Tx, id: InvitationId, token: &str) -> Result<InvitationRow, Error> {
    let token = Secret::<32>::from_base64url(token).ok_or(Error::NotFound)?;
    let row = tx.invitation(id).await?;
    let agrees = token_hash(&token).0.ct_eq(&row.token_hash.0);
    if bool::from(agrees) { Ok(row) } else { Err(Error::NotFound) }
}

impl Identity {
    /// Begins the OPAQUE registration of a joining member.
    ///
    /// Refused for a member that exists: answers for their id would let an invitation's
    /// holder guess at their passphrase without being counted.
    pub async fn start_join(
        &self,
        store: &Store,
        id: InvitationId,
        start: &JoinStart,
        now: Timestamp,
    ) -> Result<JoinStarted, Error> {
        let mut tx = store.read().await?;
        if !invited(&mut tx, id, &start.token).await?.is_open(now) {
            return Err(Error::NotFound);
        }
        match tx.member(start.member).await {
            Ok(_) => return Err(Error::MemberExists),
            Err(store::Error::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
        opaque::server_register_start(&self.keys.setup, start.member, &start.request.0)
            .map(|response| JoinStarted { response: Base64(response) })
            .map_err(|_| Error::Unacceptable("The registration request is not one."))
    }

    /// Joins: stores the member, their card and keyring, and opens a session, all or nothing.
    /// The very same request again, after a lost answer, opens another session of the member
    /// it made.
    pub async fn join(
        &self,
        store: &Store,
        id: InvitationId,
        join: Join,
        now: Timestamp,
    ) -> Result<SessionOpened, Error> {
        let device = name::device(&join.device)?;
        let mut tx = store.write().await?;
        let row = invited(&mut tx, id, &join.token).await?;
        if row.used_by.is_some() {
            let member = replayed(&mut tx, &row, &join).await?;
            let opened = self.open(&mut tx, member, device, None, now).await?;
            let event = Event::new("session.open").by(opened.member).object(opened.session);
            audit::append(&mut tx, now, event.with("proof", "join")).await?;
            tx.commit().await?;
            return Ok(opened);
        }
        if !row.is_open(now) {
            return Err(Error::NotFound);
        }
        let card = self.checked_card(&mut tx, &row, &join, now).await?;
        let member = new_member(&join, &card)?;
        if !tx.use_invitation(id, member.id, now).await? {
            return Err(Error::NotFound);
        }
        insert(&mut tx, &row, &member, &join, now).await?;
        let opened = self.open(&mut tx, member, device, None, now).await?;
        for header in &join.keyring.headers {
            let session = (header.kind == Unlock::Device.as_str()).then_some(opened.session);
            tx.put_keyring_header(card.member, &header.kind, session, &header.header.0, now)
                .await?;
        }
        let mut event = Event::new("member.join").by(card.member).object(id);
        event.client = row.client;
        audit::append(&mut tx, now, event.with("role", card.role.as_str())).await?;
        tx.commit().await?;
        Ok(opened)
    }

    /// The card, when it says what it must, is signed by whom it must be, and everything on
    /// file verifies with it.
    async fn checked_card(
        &self,
        tx: &mut Tx,
        row: &InvitationRow,
        join: &Join,
        now: Timestamp,
    ) -> Result<Card, Error> {
        name::display(&join.name)?;
        let card: Card = join.card.decode().map_err(|_| Error::CardRefused)?;
        let note: Note = tx.invitation_statement(row.id).await?;
        let invitation: Invitation = note.decode().map_err(|_| Error::CardRefused)?;
        let root = tx.firm().await?.root;
        let fits = card.root == root.key_id()
            && card.role == row.role
            && card.role.is_person()
            && card.epoch == 1
            && card.prev.is_none()
            && card.name_hash == Card::hash_name(card.member, &join.name)
            && card.time.is_plausible_at(now)
            && reads_with(&card)
            && join.card.signed_by(&card.sign)
            && join.card.signed_by(&invitation.public);
        if !fits {
            return Err(Error::CardRefused);
        }
        let mut notes = tx.directory_statements(None).await?;
        Directory::verify(root, &notes).map_err(Error::Directory)?;
        notes.extend([note, join.card.clone()]);
        Directory::verify(root, &notes).map_err(|_| Error::CardRefused)?;
        // No directory shows all of them, and two people with one key would break each that does.
        if tx.is_key_taken(&card).await? {
            return Err(Error::MemberExists);
        }
        Ok(card)
    }
}

/// A card names two recipients that things can be sealed to, one of either kind.
pub(super) fn reads_with(card: &Card) -> bool {
    let good = |recipient: &Option<_>, post_quantum| {
        recipient.as_ref().is_some_and(|text| {
            Recipient::try_from(text).is_ok_and(|r| r.is_post_quantum() == post_quantum)
        })
    };
    good(&card.recipient, false) && good(&card.recipient_pq, true)
}

fn new_member(join: &Join, card: &Card) -> Result<MemberRow, Error> {
    let login = name::login(&join.login)
        .ok_or(Error::Unacceptable("The login name is empty, too long or not a name."))?;
    let ways = checked_keyring(&join.keyring)?;
    if ways.contains(&Unlock::Opaque) != join.registration.is_some() {
        return Err(Error::Unacceptable("A registration and its keyring header go together."));
    }
    let password_file = join
        .registration
        .as_ref()
        .map(|upload| opaque::server_register_finish(&upload.0))
        .transpose()
        .map_err(|_| Error::Unacceptable("The registration upload is not one."))?;
    Ok(MemberRow {
        id: card.member,
        login,
        name: join.name.clone(),
        role: card.role,
        key: card.sign.key_id(),
        active: true,
        password_file,
        kit_token_hash: join.kit_token_hash,
        keyring: join.keyring.payload.0.clone(),
        epoch: card.epoch,
    })
}

async fn insert(
    tx: &mut Tx,
    row: &InvitationRow,
    member: &MemberRow,
    join: &Join,
    now: Timestamp,
) -> Result<(), Error> {
    match tx.member_by_login(&member.login).await {
        Ok(_) => return Err(Error::LoginTaken),
        Err(store::Error::NotFound) => {}
        Err(error) => return Err(error.into()),
    }
    let exists = |error| match error {
        store::Error::Conflict => Error::MemberExists,
        other => other.into(),
    };
    tx.insert_member(member, now).await.map_err(exists)?;
    if let Some(client) = row.client {
        tx.add_membership(member.id, client, member.role).await?;
    }
    // One first card a member: the gateway's own keys and the recovery key count too.
    tx.insert_statement(&join.card, now).await.map_err(exists)
}

/// The member that this very request made before. Whoever repeats it must know what only the
/// member and the gateway know: the kit's token hash and the sealed keyring.
async fn replayed(tx: &mut Tx, row: &InvitationRow, join: &Join) -> Result<MemberRow, Error> {
    let id: MemberId = row.used_by.ok_or(Error::NotFound)?;
    let member = tx.member(id).await?;
    let card = tx.statement(Card::KIND, &id.to_string()).await?;
    let proof = |kit: &Hash, keyring: &[u8]| Hash::of(&[&kit.0, keyring].concat());
    let known = proof(&member.kit_token_hash, &member.keyring);
    let shown = proof(&join.kit_token_hash, &join.keyring.payload.0);
    let same = bool::from(known.0.ct_eq(&shown.0)) && card.text() == join.card.text();
    if same && member.active { Ok(member) } else { Err(Error::NotFound) }
}
