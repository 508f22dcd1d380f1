//! Who somebody is: joining with an invitation, logging in by passphrase or recovery kit,
//! sessions and their tokens, the sealed keyring and the ways to unlock it.
//!
//! The gateway never sees a passphrase, a kit or an opened keyring. Refuses cards that an
//! invitation does not vouch for, and answers alike for names that exist and names that do
//! not. Invariants: a token names a session and nothing else, rights are read from the
//! database on every request; of every token and proof only a hash is stored; a change
//! commits in one transaction with its audit entry before anybody is told.

mod join;
mod keyring;
mod login;
mod name;
mod opened;
mod passphrase;
mod rotate;
mod secrets;
mod session;
mod throttle;
mod token;

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::ids::MemberId;
use crate::opaque::Setup;
use crate::secrets::Secret;
use crate::{store, trust};

pub use secrets::{GatewaySecrets, SecretsError};
pub use token::ACCESS_TOKEN_SECS;

use token::{AccessKeys, RefreshKey};

/// What a caller can do something about.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Unknown, used, expired, ended, or not the caller's: one answer.
    #[error("there is nothing here for the caller")]
    NotFound,
    /// A login, kit or token that proves nothing.
    #[error("the proof is not accepted")]
    Unauthorized,
    /// Tried too often.
    #[error("tried too often; again in {retry_after_secs} seconds")]
    TooMany {
        /// When it may be tried again.
        retry_after_secs: u64,
    },
    /// Somebody else has this login name.
    #[error("the login name is taken")]
    LoginTaken,
    /// There is a member with this id or key already.
    #[error("there is a member with this id or key")]
    MemberExists,
    /// A card that does not say what it must, or is not signed by whom it must be.
    #[error("the card is refused")]
    CardRefused,
    /// A card that does not follow the newest one: another device was faster.
    #[error("the card does not follow the newest one")]
    ChainMoved,
    /// A value that cannot be meant; says which.
    #[error("{0}")]
    Unacceptable(&'static str),
    /// The statements on file do not verify: nothing is decided on them.
    #[error("the statements on file do not verify")]
    Directory(#[source] trust::Error),
    /// The database.
    #[error(transparent)]
    Store(store::Error),
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NotFound => Self::NotFound,
            other => Self::Store(other),
        }
    }
}

/// The gateway's keys for everything in this module. Cheap to clone.
#[derive(Clone)]
pub struct Identity {
    keys: Arc<Keys>,
}

struct Keys {
    access: AccessKeys,
    refresh: RefreshKey,
    invented: Secret<32>,
    throttle: Secret<32>,
    setup: Setup,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(…)")
    }
}

impl Identity {
    /// With the gateway's secrets.
    pub fn new(secrets: &GatewaySecrets) -> Self {
        Self {
            keys: Arc::new(Keys {
                access: AccessKeys::new(&secrets.access),
                refresh: RefreshKey::new(secrets.refresh.clone()),
                invented: secrets.invented.clone(),
                throttle: secrets.throttle.clone(),
                setup: secrets.opaque.clone(),
            }),
        }
    }

    /// The member id that a name which does not exist is answered with: the same one each
    /// time, so that asking twice tells nothing (RFC 9807, section 10.9).
    fn invented_member(&self, login: &str) -> MemberId {
        let digest = mac(&self.keys.invented, &[b"strongroom/v1/invented", login.as_bytes()]);
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        MemberId::from_bytes(id)
    }
}

/// HMAC-SHA-256 over the parts, a zero byte between them: no part but the last may hold one.
fn mac(key: &Secret<32>, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key.expose()).expect("HMAC takes keys of every length");
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            mac.update(&[0]);
        }
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}
