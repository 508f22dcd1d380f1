//! The session's tokens. They rotate, so several commands on one profile take turns behind a
//! lock, and each looks first whether another has fetched new ones.

use serde::{Deserialize, Serialize};

use crate::api::Tokens;
use crate::clock::Timestamp;

use super::{Error, Lock, Profile, Word, file_error, read_json};

const TOKENS: &str = "tokens.json";
const LOCK: &str = "tokens.lock";

/// An access token is used for so long; it is good for ten minutes. A gateway that ends it
/// earlier says so, and new ones are asked for then.
const USED_FOR_MS: i64 = 9 * 60_000;

/// Tokens and when this device got them.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredTokens {
    /// The pair.
    pub tokens: Tokens,
    /// By this device's clock.
    pub obtained_at: Timestamp,
}

impl std::fmt::Debug for StoredTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredTokens")
            .field("obtained_at", &self.obtained_at)
            .finish_non_exhaustive()
    }
}

impl StoredTokens {
    /// Tokens that arrived at `now`.
    pub fn new(tokens: Tokens, now: Timestamp) -> Self {
        Self { tokens, obtained_at: now }
    }

    /// Whether the access token can still be used at `now`. Measured from when this device got
    /// it, by this device's clock alone: the gateway's may be an hour away.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        let age = now.as_ms() - self.obtained_at.as_ms();
        (0..USED_FOR_MS).contains(&age)
    }
}

impl Profile {
    /// The tokens last stored; none after a logout.
    ///
    /// # Errors
    /// [`Word::ProfileDamaged`].
    pub fn tokens(&self) -> Result<Option<StoredTokens>, Error> {
        read_json(&self.dir.join(TOKENS))
    }

    /// Replaces the tokens.
    ///
    /// # Errors
    /// [`Word::CannotWrite`].
    pub fn store_tokens(&self, tokens: &StoredTokens) -> Result<(), Error> {
        self.replace_json(TOKENS, tokens)
    }

    /// Forgets the tokens.
    ///
    /// # Errors
    /// [`Word::CannotWrite`].
    pub fn forget_tokens(&self) -> Result<(), Error> {
        let path = self.dir.join(TOKENS);
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(file_error(Word::CannotWrite, &path, &e))
            }
            _ => Ok(()),
        }
    }

    /// The turn of one command to fetch new tokens.
    ///
    /// # Errors
    /// [`Word::CannotWrite`].
    pub async fn token_turn(&self) -> Result<Lock, Error> {
        let path = self.dir.join(LOCK);
        Lock::wait_async(path.clone()).await.map_err(|e| file_error(Word::CannotWrite, &path, &e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freshness_rests_on_this_devices_clock_alone() {
        let tokens = Tokens {
            access_token: "a".into(),
            access_expires_at: Timestamp::EPOCH,
            refresh_token: "r".into(),
        };
        let at = Timestamp::from_ms(5_000_000);
        let stored = StoredTokens::new(tokens, at);
        assert!(stored.is_fresh(at) && stored.is_fresh(at.plus_secs(539)));
        assert!(!stored.is_fresh(at.plus_secs(541)));
        assert!(!stored.is_fresh(at.plus_secs(-1)), "the clock was set back");
    }
}
