//! Verified directories, kept until a statement is filed: verifying one costs a hundred
//! signatures or so.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::ids::ClientId;
use crate::store::Tx;
use crate::trust::Directory;

use super::Error;

/// More than this many clients' directories are not kept at once.
const MAX_KEPT: usize = 1024;

type Kept = HashMap<Option<ClientId>, (i64, Arc<Directory>)>;

/// A cache of verified directories. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Directories {
    kept: Arc<Mutex<Kept>>,
}

impl Directories {
    /// The directory about `client`, as it stands in `tx`.
    pub async fn of(&self, tx: &mut Tx, client: Option<ClientId>) -> Result<Arc<Directory>, Error> {
        let version = tx.directory_version().await?;
        if let Some(kept) = self.kept(client, version) {
            return Ok(kept);
        }
        let root = tx.firm().await?.root;
        let notes = tx.directory_statements(client).await?;
        let directory = Arc::new(Directory::verify(root, &notes).map_err(Error::Directory)?);
        let mut kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(client, (version, directory.clone()));
        Ok(directory)
    }

    fn kept(&self, client: Option<ClientId>, version: i64) -> Option<Arc<Directory>> {
        let kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        kept.get(&client).filter(|(at, _)| *at == version).map(|(_, directory)| directory.clone())
    }
}
