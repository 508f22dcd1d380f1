//! The member's keyring on this device: sealed, beside the device's own secret that unlocks it.
//!
//! Refuses a keyring that does not match the member's card or is of an older epoch than the
//! profile remembers: a gateway could have swapped it.

use serde::{Deserialize, Serialize};

use crate::api::Base64;
use crate::envelope::keyring::{self, Unlock};
use crate::envelope::statement::{Card, Note, Recipient};
use crate::envelope::{FileKey, Header, Keyring, MemberKeys};
use crate::ids::MemberId;
use crate::secrets::Secret;

use super::{Error, Profile, Word, read, read_json};

const KEYRING: &str = "keyring.json";
const SECRET: &str = "device.key";

/// A keyring as it lies in the profile: nothing of it opens without the device's secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredKeyring {
    /// The age payload.
    pub payload: Base64,
    /// The header for this device's secret.
    pub header: Base64,
    /// The member's card, which the opened keyring must match.
    pub card: Note,
}

/// A stored keyring and the secret that unlocks it.
#[derive(Clone, Debug)]
pub struct DeviceKeyring {
    /// The keyring.
    pub stored: StoredKeyring,
    /// The device's secret.
    pub secret: Secret<32>,
}

impl DeviceKeyring {
    /// Wraps the file key of a sealed keyring for a new secret of this device.
    pub fn wrap(key: &FileKey, payload: Vec<u8>, member: MemberId, card: Note) -> Self {
        let secret = Secret::random();
        let header = keyring::wrap(key, Unlock::Device, secret.expose(), member);
        let header = Base64(header.as_bytes().to_vec());
        Self { stored: StoredKeyring { payload: Base64(payload), header, card }, secret }
    }
}

/// Whether `keys` are those that `card` names for `member`.
pub fn keys_match_card(keys: &MemberKeys, member: MemberId, epoch: u64, card: &Card) -> bool {
    let recipient = |r: crate::envelope::Recipient| Some(Recipient(r.to_string()));
    card.member == member
        && card.epoch == epoch
        && card.sign == keys.sign.public()
        && card.recipient == recipient(keys.recipient())
        && card.recipient_pq == recipient(keys.recipient_post_quantum())
}

impl Profile {
    pub(super) fn store_keyring(&self, keyring: &DeviceKeyring) -> Result<(), Error> {
        self.replace(SECRET, keyring.secret.to_base64url().as_bytes())?;
        self.replace_json(KEYRING, &keyring.stored)
    }

    fn stored_keyring(&self) -> Result<StoredKeyring, Error> {
        let path = self.dir.join(KEYRING);
        read_json(&path)?.ok_or_else(|| Error::new(Word::ProfileDamaged).about_path(&path))
    }

    /// The member's own card.
    pub fn card(&self) -> Result<Note, Error> {
        Ok(self.stored_keyring()?.card)
    }

    /// Opens the keyring with this device's secret.
    ///
    /// # Errors
    /// [`Word::ProfileDamaged`], [`Word::BadKeyring`].
    pub fn unlock(&self) -> Result<Keyring, Error> {
        self.open_keyring().or_else(|_| {
            // Two files make a keyring: another command may be between them.
            self.wait_for_rotation();
            self.open_keyring()
        })
    }

    fn open_keyring(&self) -> Result<Keyring, Error> {
        let path = self.dir.join(SECRET);
        let damaged = || Error::new(Word::ProfileDamaged).about_path(&path);
        let secret = read(&path)?.map(zeroize::Zeroizing::new).ok_or_else(damaged)?;
        let secret = std::str::from_utf8(&secret)
            .ok()
            .and_then(|text| Secret::<32>::from_base64url(text.trim()))
            .ok_or_else(damaged)?;
        let stored = self.stored_keyring()?;
        let damaged = || Error::new(Word::ProfileDamaged).about_path(&self.dir.join(KEYRING));
        let header = Header::parse_detached(&stored.header.0).map_err(|_| damaged())?;
        let member = self.info.member;
        let keyring =
            keyring::open(&header, &stored.payload.0, Unlock::Device, secret.expose(), member)
                .map_err(|_| damaged())?;
        let card: Card = stored.card.decode().map_err(|_| damaged())?;
        if keyring.epoch < self.info.epoch
            || !keys_match_card(&keyring.keys(), member, keyring.epoch, &card)
        {
            return Err(Error::new(Word::BadKeyring));
        }
        Ok(keyring)
    }

    /// The member's keys.
    ///
    /// # Errors
    /// As [`Profile::unlock`].
    pub fn keys(&self) -> Result<MemberKeys, Error> {
        Ok(self.unlock()?.keys())
    }
}
