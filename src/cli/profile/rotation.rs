//! A rotation on its way: the next keyring and the request that puts it into force, kept from
//! before the gateway is told until this device works with the new keys.
//!
//! Invariant: whatever moment a device stops at, either the old keyring is whole and in its
//! place, or what is here finishes the rotation.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::api::Rotation;
use crate::secrets::Secret;

use super::{
    DeviceKeyring, Error, INFO, Lock, Profile, ProfileInfo, StoredKeyring, Word, file_error,
    read_json,
};

const PENDING: &str = "rotation.json";
const LOCK: &str = "rotation.lock";

/// Everything that finishes a rotation.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PendingRotation {
    /// What the gateway is told.
    pub request: Rotation,
    /// The keyring as it will lie in the profile.
    pub keyring: StoredKeyring,
    /// This device's next secret, base64url.
    secret: String,
    /// The next epoch.
    pub epoch: u64,
    /// Where the next recovery kit was written.
    pub kit: PathBuf,
}

impl Drop for PendingRotation {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.secret);
    }
}

impl PendingRotation {
    /// The rotation that puts `keyring` into force.
    pub fn new(request: Rotation, keyring: &DeviceKeyring, epoch: u64, kit: PathBuf) -> Self {
        let secret = keyring.secret.to_base64url().to_string();
        Self { request, keyring: keyring.stored.clone(), secret, epoch, kit }
    }
}

impl Profile {
    /// The turn of one command to rotate, or to finish a rotation.
    ///
    /// # Errors
    /// [`Word::CannotWrite`].
    pub async fn rotation_turn(&self) -> Result<Lock, Error> {
        let path = self.dir.join(LOCK);
        Lock::wait_async(path.clone()).await.map_err(|e| file_error(Word::CannotWrite, &path, &e))
    }

    /// Waits for a command that puts another keyring in place just now.
    pub(super) fn wait_for_rotation(&self) {
        let path = self.dir.join(LOCK);
        if path.exists() {
            // Whether it can be had or not: the keyring is looked at once more.
            let _ = Lock::wait(&path);
        }
    }

    /// The rotation that was begun and is not finished.
    ///
    /// # Errors
    /// [`Word::ProfileDamaged`].
    pub fn pending_rotation(&self) -> Result<Option<PendingRotation>, Error> {
        read_json(&self.dir.join(PENDING))
    }

    /// Keeps a rotation before the gateway is told of it.
    ///
    /// # Errors
    /// [`Word::CannotWrite`], [`Word::DiskFull`].
    pub fn keep_rotation(&self, pending: &PendingRotation) -> Result<(), Error> {
        self.replace_json(PENDING, pending)
    }

    /// Works with the new keys from now on: the gateway has them. Can be done again.
    ///
    /// # Errors
    /// [`Word::CannotWrite`], [`Word::ProfileDamaged`].
    pub fn finish_rotation(&self, pending: &PendingRotation) -> Result<(), Error> {
        let damaged = || Error::new(Word::ProfileDamaged).about_path(&self.dir.join(PENDING));
        let secret = Secret::from_base64url(&pending.secret).ok_or_else(damaged)?;
        if self.info.epoch < pending.epoch {
            self.desk().retire_heads(self.info.epoch)?;
        }
        self.store_keyring(&DeviceKeyring { stored: pending.keyring.clone(), secret })?;
        let info = ProfileInfo { epoch: pending.epoch, ..self.info.clone() };
        self.replace_json(INFO, &info)?;
        self.forget_rotation()
    }

    /// Forgets a rotation that is finished, or that the gateway did not take.
    ///
    /// # Errors
    /// [`Word::CannotWrite`].
    pub fn forget_rotation(&self) -> Result<(), Error> {
        let path = self.dir.join(PENDING);
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(file_error(Word::CannotWrite, &path, &e))
            }
            _ => Ok(()),
        }
    }
}
