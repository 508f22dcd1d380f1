//! Checkpoints of the audit log beside the payloads: `checkpoints/<size>.txt`, which no sweep
//! touches and which are never replaced by another text.

use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};

use super::{Error, Objects};

impl Objects {
    /// Keeps the checkpoint over `size` entries; durable when it returns. [`Error::Unreliable`]
    /// where another one of this size is there: one of the two is forged.
    pub async fn keep_checkpoint(&self, size: u64, note: &str) -> Result<(), Error> {
        let path = Path::from(format!("checkpoints/{size:020}.txt"));
        match self.inner.store.get(&path).await {
            Ok(found) => {
                let same = found.bytes().await? == note.as_bytes();
                return if same { Ok(()) } else { Err(Error::Unreliable) };
            }
            Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        self.inner.store.put(&path, PutPayload::from(note.to_owned())).await?;
        Ok(())
    }
}
