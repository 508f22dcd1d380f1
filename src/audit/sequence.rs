//! The sequencer: gives entries their positions in the tree and signs its head.
//!
//! Any number of gateways may run one; a lease in the database lets one of them work at a time,
//! and the positions, the tiles and the checkpoint commit in the transaction that holds it.
//! Invariant: nothing is signed over a tree whose edge does not agree with the newest
//! checkpoint, so a damaged log is never certified anew.

use crate::clock::Clock;
use crate::envelope::statement::SigningKey;
use crate::merkle::{Checkpoint, Edge, SignedNote, TileSet, VerifierKey};
use crate::secrets::random_bytes;
use crate::store::{Error, Store, StoredCheckpoint, Tx};

/// What the lease is called.
const LEASE: &str = "sequencer";

/// Whoever has it and dies keeps others waiting for so long, in seconds.
const LEASE_SECONDS: i64 = 10;

/// Entries of one transaction.
const BATCH: i64 = 4096;

/// Gives positions and signs checkpoints. Cheap to clone; clones share the lease.
#[derive(Clone, Debug)]
pub struct Sequencer {
    store: Store,
    clock: Clock,
    key: SigningKey,
    holder: String,
}

/// A checkpoint that was signed and is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Entries it covers.
    pub size: u64,
    /// The note.
    pub note: SignedNote,
}

/// The log's key under the name that its checkpoints bear: its key id.
///
/// # Panics
/// Never: a key id is a name.
pub fn log_verifier(key: &crate::envelope::statement::PublicKey) -> VerifierKey {
    VerifierKey::new(&key.key_id().to_string(), key.0).expect("hex digits are a name")
}

impl Sequencer {
    /// A sequencer that signs with the log's `key`.
    pub fn new(store: Store, clock: Clock, key: SigningKey) -> Self {
        let holder = hex::encode(random_bytes::<16>());
        Self { store, clock, key, holder }
    }

    /// Sequences what there is, up to one batch. `None` where there is nothing, or somebody else
    /// has the lease.
    pub async fn turn(&self) -> Result<Option<Signed>, Error> {
        if self.store.read().await?.unsequenced(1).await?.is_empty() {
            return Ok(None);
        }
        let now = self.clock.now();
        let mut tx = self.store.write().await?;
        if !tx.take_lease(LEASE, &self.holder, now, now.plus_secs(LEASE_SECONDS)).await? {
            return Ok(None);
        }
        let entries = tx.unsequenced(BATCH).await?;
        if entries.is_empty() {
            return Ok(None);
        }
        let mut edge = edge(&mut tx).await?;
        for (id, leaf) in &entries {
            tx.sequence_entry(*id, edge.size()).await?;
            edge.push(leaf.0, |_, _, _| {});
        }
        for (level, index, hashes) in edge.take_tiles() {
            tx.put_tile(level, index, hashes.as_flattened()).await?;
        }
        let verifier = log_verifier(&self.key.public());
        let head =
            Checkpoint { origin: verifier.name().into(), size: edge.size(), root: edge.root() };
        let note = head.sign(&verifier, |text| self.key.sign(text));
        let row =
            StoredCheckpoint { size: head.size, root: head.root.to_vec(), note: note.to_string() };
        tx.insert_checkpoint(&row, now).await?;
        tx.commit().await?;
        Ok(Some(Signed { size: head.size, note }))
    }

    /// Sequences everything that there is now.
    pub async fn all(&self) -> Result<Option<Signed>, Error> {
        let mut newest = None;
        while let Some(signed) = self.turn().await? {
            newest = Some(signed);
        }
        Ok(newest)
    }

    /// Lets another gateway go on at once.
    pub async fn release(&self) -> Result<(), Error> {
        let mut tx = self.store.write().await?;
        tx.drop_lease(LEASE, &self.holder).await?;
        tx.commit().await
    }
}

/// The edge of the tree as it stands, which must be that of the newest checkpoint.
async fn edge(tx: &mut Tx) -> Result<Edge, Error> {
    let newest = tx.newest_checkpoint().await?;
    let size = newest.as_ref().map_or(0, |newest| newest.size);
    if tx.sequenced().await? != size {
        return Err(Error::Corrupt("the audit log is not as long as its newest checkpoint"));
    }
    let mut tiles = TileSet::default();
    for (level, index) in Edge::places(size) {
        for (level, index, hashes) in tx.tiles(level, index, index).await? {
            tiles.insert(level, index, &hashes);
        }
    }
    let edge = Edge::load(size, &tiles)
        .ok_or(Error::Corrupt("tiles of the audit log's edge are missing"))?;
    match newest {
        Some(newest) if newest.root != edge.root() => {
            Err(Error::Corrupt("the audit log's edge is not that of its newest checkpoint"))
        }
        _ => Ok(edge),
    }
}
