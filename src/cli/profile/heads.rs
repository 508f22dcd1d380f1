//! What this device has seen last, so that a gateway cannot show it less later: the newest own
//! manifest for each client, and the statements of each client's directory.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::envelope::statement::{Hash, Note};
use crate::ids::ClientId;

use super::{Error, Lock, Profile, Word, file_error, read_json, write_json};

const HEADS: &str = "heads";
const SEEN: &str = "directories";

/// The newest own manifest for one client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Its number.
    pub seq: u64,
    /// The manifest.
    pub manifest: Note,
}

/// Hashes of statements that a client's directory held and must go on holding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenStatements {
    /// H of each statement's text.
    pub statements: BTreeSet<Hash>,
}

impl Profile {
    /// The newest own manifest for `client` that this device knows.
    ///
    /// # Errors
    /// [`Word::ProfileDamaged`].
    pub fn head(&self, client: ClientId) -> Result<Option<Head>, Error> {
        read_json(&self.folder(HEADS)?.join(format!("{client}.json")))
    }

    /// Remembers the newest own manifest for `client`.
    ///
    /// # Errors
    /// [`Word::CannotWrite`].
    pub fn store_head(&self, client: ClientId, head: &Head) -> Result<(), Error> {
        write_json(&self.folder(HEADS)?.join(format!("{client}.json")), head)
    }

    /// The turn of one command to sign its next manifest for `client`.
    ///
    /// # Errors
    /// [`Word::CannotWrite`].
    pub async fn head_turn(&self, client: ClientId) -> Result<Lock, Error> {
        let path = self.folder(HEADS)?.join(format!("{client}.lock"));
        Lock::wait_async(path.clone()).await.map_err(|e| file_error(Word::CannotWrite, &path, &e))
    }

    /// The statements seen in the directory called `scope`.
    ///
    /// # Errors
    /// [`Word::ProfileDamaged`].
    pub fn seen_statements(&self, scope: &str) -> Result<SeenStatements, Error> {
        Ok(read_json(&self.folder(SEEN)?.join(format!("{scope}.json")))?.unwrap_or_default())
    }

    /// Remembers the statements seen in the directory called `scope`.
    ///
    /// # Errors
    /// [`Word::CannotWrite`].
    pub fn store_seen(&self, scope: &str, seen: &SeenStatements) -> Result<(), Error> {
        write_json(&self.folder(SEEN)?.join(format!("{scope}.json")), seen)
    }
}
