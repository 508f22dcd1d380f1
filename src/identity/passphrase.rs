//! A new passphrase for somebody who is logged in, e.g. after a login by recovery kit.

use std::net::IpAddr;

use crate::api::{Base64, PassphraseChange, PassphraseStart, PassphraseStarted};
use crate::audit::{self, Event};
use crate::clock::Timestamp;
use crate::envelope::keyring::Unlock;
use crate::ids::MemberId;
use crate::opaque;
use crate::store::Store;

use super::keyring::checked;
use super::throttle::Door;
use super::{Error, Identity};

impl Identity {
    /// Begins the registration of a new passphrase. Counted like a login: together with an
    /// answer to a login, this one lets a thief of the session test one guess.
    pub async fn start_passphrase(
        &self,
        store: &Store,
        member: MemberId,
        start: &PassphraseStart,
        peer: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<PassphraseStarted, Error> {
        let mut tx = store.write().await?;
        let login = tx.member(member).await?.login;
        let throttle = self.throttle_subject(Door::Passphrase, &login);
        self.count_try(&mut tx, throttle, peer, now).await?;
        let response = opaque::server_register_start(&self.keys.setup, member, &start.request.0)
            .map_err(|_| Error::Unacceptable("The registration request is not one."))?;
        tx.commit().await?;
        Ok(PassphraseStarted { response: Base64(response) })
    }

    /// Replaces the passphrase and the keyring's header that it unlocks, both or neither.
    pub async fn change_passphrase(
        &self,
        store: &Store,
        member: MemberId,
        change: &PassphraseChange,
        now: Timestamp,
    ) -> Result<(), Error> {
        if checked(&change.header)? != Unlock::Opaque {
            return Err(Error::Unacceptable("The header must be one for a passphrase."));
        }
        let file = opaque::server_register_finish(&change.registration.0)
            .map_err(|_| Error::Unacceptable("The registration upload is not one."))?;
        let mut tx = store.write().await?;
        tx.set_password_file(member, &file).await?;
        let kind = Unlock::Opaque.as_str();
        tx.put_keyring_header(member, kind, None, &change.header.header.0, now).await?;
        audit::append(&mut tx, now, Event::new("passphrase.change").by(member)).await?;
        tx.commit().await?;
        Ok(())
    }
}
