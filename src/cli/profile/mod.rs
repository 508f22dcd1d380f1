//! The profile folder: what a person's own device holds. Gateway address, pinned CA and root
//! key, the sealed keyring with the device's secret, tokens, chain heads, journals, receipts.
//!
//! Everything is for its owner alone (0700, 0600) and replaced as a whole. Refuses a folder
//! that holds another profile. Invariant: `profile.json` is written last, so a folder with it
//! is complete; whatever cannot be read is reported with the next step, never guessed.

mod files;
mod heads;
mod keyring;
mod known;
mod rotation;
mod tokens;

use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::envelope::statement::{PublicKey, Role};
use crate::ids::{MemberId, SessionId};

use super::error::{Error, file_error};
use super::words::Word;

pub use files::{
    Lock, beside, create_private, make_private_dir, replace_private, sync_parent, write_new_private,
};
pub use heads::{Desk, Head, SeenStatements};
pub use keyring::{DeviceKeyring, StoredKeyring, keys_match_card};
pub use known::{Known, Memory, Pin};
pub use rotation::PendingRotation;
pub use tokens::StoredTokens;

const VERSION: u32 = 1;
const INFO: &str = "profile.json";
const CA: &str = "ca.pem";

/// What a profile knows of its owner and gateway; nothing of it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileInfo {
    /// The form of this folder.
    pub version: u32,
    /// The gateway's address, e.g. `https://files.example:8443`.
    pub gateway: String,
    /// The firm's name, for people.
    pub firm: String,
    /// The pinned root key.
    pub root: PublicKey,
    /// Who.
    pub member: MemberId,
    /// As what.
    pub role: Role,
    /// The login name.
    pub login: String,
    /// The display name.
    pub name: String,
    /// This device's session.
    pub session: SessionId,
    /// The newest epoch of the keyring that was seen; older ones are refused.
    pub epoch: u64,
}

impl ProfileInfo {
    /// The version that is written.
    pub const VERSION: u32 = VERSION;
}

/// A complete profile folder.
#[derive(Clone, Debug)]
pub struct Profile {
    dir: PathBuf,
    info: ProfileInfo,
}

/// Everything a new profile begins with.
#[derive(Debug)]
pub struct NewProfile<'a> {
    /// What it knows.
    pub info: ProfileInfo,
    /// The CA that signs the gateway's certificate, where it is not one of the system's (PEM).
    pub ca: Option<&'a [u8]>,
    /// The keyring, sealed, with this device's way of unlocking it.
    pub keyring: &'a DeviceKeyring,
    /// The first tokens; none where the person logs in later.
    pub tokens: Option<StoredTokens>,
}

impl Profile {
    /// Where a profile is when nobody says: `$XDG_DATA_HOME/strongroom` or
    /// `~/.local/share/strongroom`.
    pub fn default_dir() -> Option<PathBuf> {
        let set = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        set("XDG_DATA_HOME")
            .or_else(|| set("HOME").map(|home| home.join(".local/share")))
            .map(|data| data.join("strongroom"))
    }

    /// Opens the profile in `dir`.
    ///
    /// # Errors
    /// [`Word::NoProfile`], [`Word::ProfileDamaged`].
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(INFO);
        let info: ProfileInfo =
            read_json(&path)?.ok_or_else(|| Error::new(Word::NoProfile).about_path(dir))?;
        if info.version != VERSION {
            return Err(Error::new(Word::ProfileDamaged).about_path(&path));
        }
        Ok(Self { dir: dir.to_owned(), info })
    }

    /// Whether `dir` holds a profile.
    pub fn exists(dir: &Path) -> bool {
        dir.join(INFO).exists()
    }

    /// Makes the folder of a profile, for its owner alone.
    ///
    /// # Errors
    /// [`Word::ProfileExists`], [`Word::CannotWrite`].
    pub fn prepare(dir: &Path) -> Result<(), Error> {
        if Self::exists(dir) {
            return Err(Error::new(Word::ProfileExists).about_path(dir));
        }
        make_private_dir(dir).map_err(|e| file_error(Word::CannotWrite, dir, &e))
    }

    /// Writes a new profile into `dir`, the file that makes it one last.
    ///
    /// # Errors
    /// [`Word::ProfileExists`], [`Word::CannotWrite`], [`Word::DiskFull`].
    pub fn create(dir: &Path, new: NewProfile<'_>) -> Result<Self, Error> {
        Self::prepare(dir)?;
        Self { dir: dir.to_owned(), info: new.info.clone() }.write(new)
    }

    /// Writes a new login of the same member over this profile; journals, heads and receipts
    /// stay.
    ///
    /// # Errors
    /// [`Word::CannotWrite`], [`Word::DiskFull`].
    pub fn renew(self, new: NewProfile<'_>) -> Result<Self, Error> {
        Self { dir: self.dir, info: new.info.clone() }.write(new)
    }

    fn write(self, new: NewProfile<'_>) -> Result<Self, Error> {
        let profile = self;
        if let Some(ca) = new.ca {
            profile.replace(CA, ca)?;
        }
        profile.store_keyring(new.keyring)?;
        if let Some(tokens) = &new.tokens {
            profile.store_tokens(tokens)?;
        }
        profile.replace_json(INFO, &profile.info)?;
        Ok(profile)
    }

    /// Writes another address of the same gateway, e.g. after it moved to another port.
    ///
    /// # Errors
    /// [`Word::BadUrl`], [`Word::CannotWrite`].
    pub fn relocate(&self, url: &str) -> Result<Self, Error> {
        let gateway = crate::cli::gateway::origin_of(url)?;
        let info = ProfileInfo { gateway, ..self.info.clone() };
        self.replace_json(INFO, &info)?;
        Ok(Self { dir: self.dir.clone(), info })
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What it knows.
    pub fn info(&self) -> &ProfileInfo {
        &self.info
    }

    /// The pinned CA, when there is one.
    pub fn ca(&self) -> Result<Option<Vec<u8>>, Error> {
        read(&self.dir.join(CA))
    }

    /// Writes `ca` as the pinned CA.
    pub fn store_ca(&self, ca: &[u8]) -> Result<(), Error> {
        self.replace(CA, ca)
    }

    /// Journals, heads and receipts.
    pub fn desk(&self) -> Desk {
        Desk::at(self.dir.clone())
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.dir.join(name);
        replace_private(&path, bytes).map_err(|e| file_error(Word::CannotWrite, &path, &e))
    }

    fn replace_json(&self, name: &str, value: &impl Serialize) -> Result<(), Error> {
        let path = self.dir.join(name);
        write_json(&path, value)
    }
}

/// Replaces `path` by `value` as JSON.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Error> {
    let mut text = serde_json::to_vec_pretty(value)
        .map_err(|e| Error::new(Word::Internal).about_path(path).because(e))?;
    text.push(b'\n');
    let written = replace_private(path, &text);
    zeroize::Zeroize::zeroize(&mut text);
    written.map_err(|e| file_error(Word::CannotWrite, path, &e))
}

/// The bytes of `path`, or `None` when there is no such file.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(file_error(Word::CannotRead, path, &e)),
    }
}

/// The JSON in `path`, or `None` when there is no such file.
///
/// # Errors
/// [`Word::ProfileDamaged`] when it is no such JSON.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    let Some(bytes) = read(path)?.map(zeroize::Zeroizing::new) else {
        return Ok(None);
    };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|_| Error::new(Word::ProfileDamaged).about_path(path))
}

#[cfg(test)]
pub(in crate::cli) mod tests;
