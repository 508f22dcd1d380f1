//! The firm as documents need it.

use std::sync::Arc;

use async_trait::async_trait;

use crate::documents::Firm;
use crate::firm::{self, Directories};
use crate::ids::ClientId;
use crate::store::{self, Tx};
use crate::trust::Directory;

#[async_trait]
impl Firm for Directories {
    async fn directory(
        &self,
        tx: &mut Tx,
        client: ClientId,
    ) -> Result<Arc<Directory>, store::Error> {
        self.of(tx, Some(client)).await.map_err(|error| match error {
            firm::Error::Store(error) => error,
            firm::Error::NotFound => store::Error::NotFound,
            error => {
                tracing::error!(%error, "a client's statements do not verify");
                store::Error::Corrupt("statements")
            }
        })
    }

    async fn is_rehearsed(&self, tx: &mut Tx) -> Result<bool, store::Error> {
        firm::is_rehearsed(tx).await.map_err(|error| match error {
            firm::Error::Store(error) => error,
            _ => store::Error::NotFound,
        })
    }
}
