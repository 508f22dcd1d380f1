//! The audit log: one entry for every change, every opening and every listing that releases
//! headers, appended in the caller's transaction, in its final encoding.
//!
//! An entry holds ids and hashes only. What may have to be erased one day (a role at that
//! time, a purpose, a reason) lies in a side table behind HMAC-SHA-256 under a random salt,
//! so that erasing it leaves every leaf as it is.

mod prove;
mod refuse;
mod sequence;
pub mod verify;

use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::envelope::statement::{Entry, Hash, Word};
use crate::faults::Fault;
use crate::ids::{ClientId, MemberId};
use crate::secrets::random_bytes;
use crate::store::{Error, Tx};

pub use prove::{consistency, cosigned, head, inclusion};
pub use refuse::{REFUSED, Refusal, refuse};
pub use sequence::{Sequencer, Signed, log_verifier};

/// What happened, before it is an entry.
#[derive(Clone, Debug)]
pub struct Event {
    /// The stable name of what was done, e.g. `document.complete`.
    pub action: &'static str,
    /// Who did it; none for somebody without an account.
    pub actor: Option<MemberId>,
    /// The client concerned.
    pub client: Option<ClientId>,
    /// Id of what it was done to.
    pub object: Option<String>,
    /// H of the manifest concerned.
    pub manifest: Option<Hash>,
    /// The commitment concerned.
    pub commit: Option<Hash>,
    /// What may have to be erased.
    pub data: Map<String, Value>,
}

impl Event {
    /// An event of which nothing but its action is known yet.
    pub fn new(action: &'static str) -> Self {
        Self {
            action,
            actor: None,
            client: None,
            object: None,
            manifest: None,
            commit: None,
            data: Map::new(),
        }
    }

    /// Done by `member`.
    #[must_use]
    pub fn by(mut self, member: MemberId) -> Self {
        self.actor = Some(member);
        self
    }

    /// Concerning `client`.
    #[must_use]
    pub fn client(mut self, client: ClientId) -> Self {
        self.client = Some(client);
        self
    }

    /// Done to the thing with this id.
    #[must_use]
    pub fn object(mut self, id: impl ToString) -> Self {
        self.object = Some(id.to_string());
        self
    }

    /// About the document with this manifest and commitment.
    #[must_use]
    pub fn sealed_as(mut self, manifest: Option<Hash>, commit: Option<Hash>) -> Self {
        self.manifest = manifest;
        self.commit = commit;
        self
    }

    /// With something that may have to be erased. Never a name, an address or a hash of
    /// plaintext.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.data.insert(key.to_owned(), value.into());
        self
    }
}

/// Appends `event` in the caller's transaction; returns its leaf in the log's tree.
pub async fn append(tx: &mut Tx, now: Timestamp, event: Event) -> Result<Hash, Error> {
    let salt: [u8; 32] = random_bytes();
    let data = Value::Object(event.data).to_string();
    let word =
        |text: &str| text.parse::<Word>().map_err(|_| Error::Corrupt("a word of an audit entry"));
    let entry = Entry {
        time: now,
        actor: event.actor.map(|m| word(&m.to_string())).transpose()?,
        action: word(event.action)?,
        client: event.client,
        object: event.object.as_deref().map(word).transpose()?,
        manifest: event.manifest,
        commit: event.commit,
        data: Entry::mac(&salt, &data),
    };
    if !Fault::SkipAudit.is_on() {
        tx.append_entry(&entry, &salt, &data).await?;
    }
    Ok(entry.leaf())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::statement::Statement;
    use crate::store::Store;

    #[tokio::test]
    async fn an_entry_is_there_only_if_its_transaction_is() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Store::open(&dir.path().join("a.db")).await.expect("a store");
        let event = || Event::new("document.complete").object("x").with("role", "clerk");
        let mut tx = store.write().await.expect("a transaction");
        append(&mut tx, Timestamp::EPOCH, event()).await.expect("appended");
        drop(tx);
        let mut tx = store.write().await.expect("a transaction");
        let leaf = append(&mut tx, Timestamp::EPOCH, event()).await.expect("appended");
        tx.commit().await.expect("committed");
        let mut tx = store.read().await.expect("a transaction");
        let entries = tx.entries(None, 0, 10).await.expect("entries");
        assert_eq!(entries.len(), 1);
        let entry = Entry::from_text(&entries[0].text).expect("canonical");
        assert_eq!(entry.leaf(), leaf);
        let (salt, data) = entries[0].data.clone().expect("not erased");
        assert_eq!(Entry::mac(&salt.try_into().expect("32 bytes"), &data), entry.data);
    }
}
