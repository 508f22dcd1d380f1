//! What this device has seen last, so that a gateway cannot show it less later: the newest own
//! manifest for each client, and the statements of each client's directory.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::envelope::statement::{Hash, Note};
use crate::ids::ClientId;

use super::{Error, Lock, Word, file_error, make_private_dir, read_json, write_json};

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

/// The folder of what a sender remembers: journals, heads, receipts. A profile has one, and so
/// has each request link that was sent through.
#[derive(Clone, Debug)]
pub struct Desk {
    dir: PathBuf,
}

impl Desk {
    /// The desk in `dir`.
    pub fn at(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// A folder of it, made when it is missing.
    ///
    /// # Errors
    /// [`Word::CannotWrite`].
    pub fn folder(&self, name: &str) -> Result<PathBuf, Error> {
        let path = self.dir.join(name);
        make_private_dir(&path).map_err(|e| file_error(Word::CannotWrite, &path, &e))?;
        Ok(path)
    }

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

    /// Clients for which this device knows own manifests.
    ///
    /// # Errors
    /// [`Word::CannotRead`].
    pub fn clients_sent_to(&self) -> Result<BTreeSet<ClientId>, Error> {
        self.clients_in(HEADS)
    }

    /// Clients whose directories this device has seen.
    ///
    /// # Errors
    /// [`Word::CannotRead`].
    pub fn clients_met(&self) -> Result<BTreeSet<ClientId>, Error> {
        self.clients_in(SEEN)
    }

    /// Clients of which a folder of it keeps something.
    ///
    /// # Errors
    /// [`Word::CannotRead`].
    pub fn clients_in(&self, name: &str) -> Result<BTreeSet<ClientId>, Error> {
        let folder = self.folder(name)?;
        let unreadable = |e| file_error(Word::CannotRead, &folder, &e);
        let mut clients = BTreeSet::new();
        for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
            let name = entry.map_err(unreadable)?.file_name();
            let client = name.to_str().and_then(|name| name.strip_suffix(".json"));
            clients.extend(client.and_then(|client| client.parse::<ClientId>().ok()));
        }
        Ok(clients)
    }

    /// Puts the own chains of an epoch aside: the next key begins chains of its own.
    ///
    /// # Errors
    /// [`Word::CannotWrite`].
    pub fn retire_heads(&self, epoch: u64) -> Result<(), Error> {
        let folder = self.folder(HEADS)?;
        let aside = self.folder(&format!("{HEADS}-{epoch}"))?;
        let fault = |e| file_error(Word::CannotWrite, &folder, &e);
        for entry in std::fs::read_dir(&folder).map_err(fault)? {
            let entry = entry.map_err(fault)?;
            let name = entry.file_name();
            if name.to_string_lossy().ends_with(".json") {
                std::fs::rename(entry.path(), aside.join(&name)).map_err(fault)?;
            }
        }
        Ok(())
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
