//! The address at which documents arrive: whose it is, who will read, and whether it is still
//! open when a document is complete.

use std::sync::Arc;

use crate::envelope::statement::{Category, Direction, Hash, Role};
use crate::ids::LinkId;
use crate::store::{LinkKind, LinkRow, Tx};
use crate::trust::{Demand, Directory, Reader};

use super::{Documents, Error};

/// An open address: whose it is, and who will read.
pub(super) struct Door {
    pub(super) link: LinkRow,
    pub(super) readers: Vec<Reader>,
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

    pub(super) async fn charge(&self, tx: &mut Tx, link: LinkId, bytes: u64) -> Result<(), Error> {
        if tx.charge_link(link, bytes, self.now()).await? { Ok(()) } else { Err(Error::NotFound) }
    }
}
