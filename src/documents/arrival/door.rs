//! The address at which documents arrive: whose it is, who will read, and whether it is still
//! open when a document is complete.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::time::{Instant, Interval, MissedTickBehavior};

use crate::envelope::statement::{Category, Direction, Hash, Role};
use crate::ids::LinkId;
use crate::store::{LinkKind, LinkRow, Tx};
use crate::trust::{Demand, Directory, Reader};

use super::{Broken, Documents, Error, Incoming, WriteLock};

/// How often a running arrival looks whether its link is still open.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// An open address: whose it is, and who will read.
pub(super) struct Door {
    pub(super) link: LinkRow,
    pub(super) readers: Vec<Reader>,
}

/// A body in the course of arriving.
struct Watching {
    documents: Documents,
    link: LinkId,
    lock: Arc<WriteLock>,
    body: Incoming,
    looks: Interval,
}

impl Watching {
    async fn next(&mut self) -> Option<Result<Bytes, Broken>> {
        let stop = self.lock.stop();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Some(Err(Broken)),
                _ = self.looks.tick() => {
                    if !self.documents.is_open(self.link).await {
                        return Some(Err(Broken));
                    }
                }
                part = self.body.next() => {
                    self.lock.moved();
                    return part;
                }
            }
        }
    }
}

impl Documents {
    /// Recipients of the accountants behind an open address, for its page.
    pub async fn arrival_recipients(&self, token: Hash) -> Result<Vec<String>, Error> {
        let mut tx = self.inner.store.read().await?;
        let door = self.door(&mut tx, token, Category::Other).await?;
        let accountants = door.readers.iter().filter(|r| r.role == Role::Accountant);
        Ok(accountants.map(|r| r.recipient.to_string()).collect())
    }

    pub(super) async fn door(
        &self,
        tx: &mut Tx,
        token: Hash,
        category: Category,
    ) -> Result<Door, Error> {
        let link = tx.open_link(LinkKind::Arrival, token, self.now()).await?;
        self.ready(tx).await?;
        let directory = self.inner.firm.directory(tx, link.client).await?;
        if !directory.may_seal_on_arrival(link.client) {
            return Err(Error::NotOnArrival);
        }
        let demand = Demand { client: link.client, category, direction: Direction::In };
        let readers = directory.readers(demand)?;
        Ok(Door { link, readers })
    }

    /// The directory as it stands now. Refuses where, while the body came, the policy was
    /// withdrawn or other readers were named than it was sealed to.
    pub(super) async fn unchanged(
        &self,
        tx: &mut Tx,
        door: &Door,
        category: Category,
    ) -> Result<Arc<Directory>, Error> {
        let client = door.link.client;
        let directory = self.inner.firm.directory(tx, client).await?;
        let demand = Demand { client, category, direction: Direction::In };
        if !directory.may_seal_on_arrival(client) {
            return Err(Error::NotOnArrival);
        }
        if directory.readers(demand)? != door.readers {
            return Err(Error::Recipients);
        }
        Ok(directory)
    }

    /// Whether a link still takes anything; when the database does not say, it counts as open,
    /// and completion will ask again.
    pub(super) async fn is_open(&self, link: LinkId) -> bool {
        let asked = async { self.inner.store.read().await?.is_link_open(link, self.now()).await };
        asked.await.unwrap_or(true)
    }

    /// `body`, as long as the link is open and nobody else asks for the document: whoever ends
    /// a link ends what is arriving through it.
    pub(super) fn watched(&self, link: LinkId, lock: Arc<WriteLock>, body: Incoming) -> Incoming {
        let mut looks = tokio::time::interval_at(Instant::now() + LOOK_EVERY, LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let watching = Watching { documents: self.clone(), link, lock, body, looks };
        let watched = stream::unfold(Some(watching), |watching| async move {
            let mut watching = watching?;
            let part = watching.next().await?;
            let going_on = part.is_ok().then_some(watching);
            Some((part, going_on))
        });
        // Short bodies are asked once more after their end.
        Box::pin(watched.fuse())
    }

    pub(super) async fn charge(&self, tx: &mut Tx, link: LinkId, bytes: u64) -> Result<(), Error> {
        if tx.charge_link(link, bytes, self.now()).await? { Ok(()) } else { Err(Error::NotFound) }
    }
}
