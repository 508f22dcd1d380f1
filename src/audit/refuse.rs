//! Refusals that concern a client: whoever asked hears the same as for what does not exist, and
//! the client sees who asked.
//!
//! Invariant: the entry is durable before the refusal is told. What does not exist concerns
//! nobody and is not recorded; the same refusal again within a minute is recorded once, so that
//! nobody fills the log by asking.

use crate::clock::Timestamp;
use crate::envelope::statement::{Entry, Role, Statement};
use crate::ids::{ClientId, DocumentId, MemberId, ShareId};
use crate::store::{Error, Store, Tx};

use super::{Event, append};

/// The action of a refusal.
pub const REFUSED: &str = "access.refused";

/// Repeats within so many seconds are one.
const REPEAT_SECONDS: i64 = 60;

/// So many of the client's newest entries are looked through for a repeat.
const LOOKED_BACK: i64 = 50;

/// What was refused, to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Who asked.
    pub member: MemberId,
    /// Their role.
    pub role: Role,
    /// What they asked for, e.g. `documents.open`.
    pub tried: String,
    /// The document they named.
    pub document: Option<DocumentId>,
    /// The share they named.
    pub share: Option<ShareId>,
    /// The client they named.
    pub client: Option<ClientId>,
}

impl Refusal {
    /// What they named, as the entry's object.
    fn object(&self) -> Option<String> {
        let document = self.document.map(|document| document.to_string());
        document.or_else(|| self.share.map(|share| share.to_string()))
    }
}

/// Records a refusal, if it concerns a client that there is.
pub async fn refuse(store: &Store, now: Timestamp, refusal: &Refusal) -> Result<(), Error> {
    let mut tx = store.read().await?;
    let Some(client) = concerned(&mut tx, refusal).await? else { return Ok(()) };
    let repeated = is_repeated(&mut tx, client, now, refusal).await?;
    drop(tx);
    if repeated {
        return Ok(());
    }
    let mut event = Event::new(REFUSED)
        .by(refusal.member)
        .client(client)
        .with("role", refusal.role.as_str())
        .with("tried", refusal.tried.as_str());
    event.object = refusal.object();
    let mut tx = store.write().await?;
    append(&mut tx, now, event).await?;
    tx.commit().await
}

/// The client whose document or share it is, or who was named. Nobody, for a sender who asks after an
/// upload of their own that has ended.
async fn concerned(tx: &mut Tx, refusal: &Refusal) -> Result<Option<ClientId>, Error> {
    if let Some(document) = refusal.document {
        match tx.document(document).await {
            Ok(row) => {
                let own =
                    row.sender == Some(refusal.member) && refusal.tried.starts_with("uploads.");
                return Ok((!own).then_some(row.client));
            }
            Err(Error::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    if let Some(share) = refusal.share {
        match tx.share(share).await {
            Ok(row) => return Ok(Some(row.client)),
            Err(Error::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    let Some(client) = refusal.client else { return Ok(None) };
    match tx.client(client).await {
        Ok(_) => Ok(Some(client)),
        Err(Error::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn is_repeated(
    tx: &mut Tx,
    client: ClientId,
    now: Timestamp,
    refusal: &Refusal,
) -> Result<bool, Error> {
    let since = now.plus_secs(-REPEAT_SECONDS);
    let object = refusal.object();
    let newest = tx.newest_of_client(client, None, LOOKED_BACK).await?;
    Ok(newest.iter().any(|row| {
        let Ok(entry) = Entry::from_text(&row.text) else { return false };
        let tried = row.data.as_ref().and_then(|(_, data)| {
            let data: serde_json::Value = serde_json::from_str(data).ok()?;
            Some(data.get("tried")?.as_str()? == refusal.tried)
        });
        entry.time > since
            && entry.action.to_string() == REFUSED
            && entry.actor.map(|actor| actor.to_string()) == Some(refusal.member.to_string())
            && entry.object.map(|object| object.to_string()) == object
            && tried == Some(true)
    }))
}
