//! The life of a document: upload, completion, listing, opening, recall, re-wrap, adoption,
//! sealing on arrival.
//!
//! Refuses whatever is not sealed, not signed by who sends it, or not sealed to everybody
//! that the firm's statements demand. Never sees a file key of an end-to-end document.
//!
//! Invariants: bytes are durable before the row that names them, and a change commits in one
//! transaction with its audit entry before anybody is told; nothing incomplete is listed or
//! read; objects are removed only after the transaction that lets go of them.

mod admission;
mod adopt;
mod arrival;
mod ceremony;
mod chains;
mod check;
mod complete;
mod error;
mod intake;
mod list;
mod open;
mod periods;
mod pulled;
mod recall;
mod receiving;
mod recovery;
mod rewrap;
mod sender;
mod sweep;
mod throttle;
mod upload;
mod whole;
mod writers;
mod writing;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;

use crate::access::{Action, Decision, Facts, decide};
use crate::audit::{self, Event};
use crate::clock::{Clock, Timestamp};
use crate::envelope::statement::{Hash, Role, SealLevel, SigningKey};
use crate::faults::Fault;
use crate::ids::{ClientId, MemberId, RootId};
use crate::objects::{ObjectKey, Objects};
use crate::store::{self, Store, Tx};
use crate::trust::Directory;

pub use admission::NotSealed;
pub use arrival::{Arrived, Wish};
pub use error::Error;
pub use intake::{Broken, Incoming};
pub use list::ListQuery;
pub use open::{Opened, Readable};
pub use sender::{LinkHolder, Sender};
pub use sweep::Swept;
pub use upload::{Creation, Progress};

/// What documents need to know of the firm.
#[async_trait]
pub trait Firm: Send + Sync + 'static {
    /// The verified directory of one client and the firm, as `tx` sees it; the same `Arc` for
    /// as long as no statement was added.
    async fn directory(
        &self,
        tx: &mut Tx,
        client: ClientId,
    ) -> Result<Arc<Directory>, store::Error>;

    /// Whether the recovery key has been recovered with two shares; no document is taken or
    /// given before.
    async fn is_rehearsed(&self, tx: &mut Tx) -> Result<bool, store::Error>;
}

/// Who asks: a member whose session was proven, with the role that the database holds now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker {
    /// The member.
    pub member: MemberId,
    /// Their role.
    pub role: Role,
}

/// Bounds on what is taken.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The longest payload, in bytes.
    pub max_document_bytes: u64,
    /// What stays free on the folder's filesystem, in bytes.
    pub keep_free_bytes: u64,
    /// An upload nobody has added to for so long is given up, in seconds.
    pub upload_lifetime_seconds: i64,
    /// How many unfinished uploads one member may have.
    pub max_unfinished_uploads: u64,
    /// Where the firm is, as ISO 3166-1 alpha-2: partners elsewhere give back only when their
    /// export is recorded.
    pub jurisdiction: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_document_bytes: 16 << 30,
            keep_free_bytes: 256 << 20,
            upload_lifetime_seconds: 7 * 24 * 3600,
            max_unfinished_uploads: 1000,
            jurisdiction: "CN".into(),
        }
    }
}

/// The keys the gateway signs with; different keys for different promises.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The firm's root key id, which statements name.
    pub root: RootId,
    /// Signs receipts.
    pub receipt: SigningKey,
    /// Signs manifests of what was sealed on arrival.
    pub arrival: SigningKey,
}

/// Everything that is done with documents. Cheap to clone.
#[derive(Clone)]
pub struct Documents {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    objects: Objects,
    clock: Clock,
    settings: Settings,
    keys: Keys,
    firm: Arc<dyn Firm>,
    writers: writers::Writers,
    /// When this gateway began.
    started: Timestamp,
    throttle: throttle::Throttle,
    rehearsed: AtomicBool,
}

impl Documents {
    /// Puts the parts together.
    pub fn new(
        store: Store,
        objects: Objects,
        clock: Clock,
        settings: Settings,
        keys: Keys,
        firm: Arc<dyn Firm>,
    ) -> Self {
        let (writers, started) = (writers::Writers::default(), clock.now());
        Self {
            inner: Arc::new(Inner {
                store,
                objects,
                clock,
                settings,
                keys,
                firm,
                writers,
                started,
                throttle: throttle::Throttle::default(),
                rehearsed: AtomicBool::new(false),
            }),
        }
    }

    /// The bounds in force.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Where the firm is and what time it is: by both a partner may give back.
    fn here(&self, now: Timestamp) -> (&str, Timestamp) {
        (&self.inner.settings.jurisdiction, now)
    }

    fn expiry(&self, now: Timestamp) -> Timestamp {
        now.plus_secs(self.inner.settings.upload_lifetime_seconds)
    }

    /// When an upload that advances now is given up: one that nobody can resume soon.
    fn expiry_of(&self, seal: SealLevel, now: Timestamp) -> Timestamp {
        match seal {
            SealLevel::EndToEnd => self.expiry(now),
            SealLevel::OnArrival | SealLevel::RawAge => now.plus_secs(arrival::LIFETIME_SECONDS),
        }
    }

    /// Refuses everything until the recovery key is known to work.
    async fn ready(&self, tx: &mut Tx) -> Result<(), Error> {
        // Once it has worked it is not asked again.
        if self.inner.rehearsed.load(Ordering::Relaxed) {
            return Ok(());
        }
        if !self.inner.firm.is_rehearsed(tx).await? {
            return Err(Error::NotRehearsed);
        }
        self.inner.rehearsed.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Refuses what would leave less than the floor free.
    fn room_for(&self, bytes: u64) -> Result<(), Error> {
        let floor = self.inner.settings.keep_free_bytes;
        match self.inner.objects.free_bytes()?.checked_sub(floor) {
            Some(free) if free >= bytes => Ok(()),
            _ => Err(Error::Full),
        }
    }

    /// Removes objects that no row names any more. A failure leaves them to the sweep.
    async fn discard(&self, objects: &[ObjectKey]) {
        if let Err(error) = self.inner.objects.delete(objects).await {
            tracing::warn!(%error, count = objects.len(), "objects are left to the sweep");
        }
    }

    async fn discard_named(&self, names: &[String]) {
        let keys: Vec<_> = names.iter().filter_map(|name| ObjectKey::parse(name).ok()).collect();
        self.discard(&keys).await;
    }
}

/// Refuses an `action` that concerns a client to whoever the database does not entitle to it. What
/// `asker` may not know of is [`Error::NotFound`], like what is not there.
async fn permit(tx: &mut Tx, asker: Asker, action: Action, client: ClientId) -> Result<(), Error> {
    let (of_client, assigned) = tx.client_relation(asker.member, client).await?;
    tx.client(client).await?;
    allow(asker, action, &Facts { of_client, assigned, ..Facts::default() })
}

/// Asks `access`; what it denies becomes the error that outsiders may see.
fn allow(asker: Asker, action: Action, facts: &Facts) -> Result<(), Error> {
    match decide(asker.role, action, facts) {
        Decision::Allow => Ok(()),
        Decision::Deny(reason) => Err(Error::Denied(reason)),
    }
}

/// Appends to the audit log in the transaction of what it records.
async fn record(tx: &mut Tx, now: Timestamp, event: Event) -> Result<Hash, Error> {
    Ok(audit::append(tx, now, event).await?)
}

/// Commits, and only then lets anybody be told.
async fn commit(tx: Tx) -> Result<(), Error> {
    if Fault::AckBeforeCommit.is_on() {
        return Ok(());
    }
    Ok(tx.commit().await?)
}

impl Asker {
    /// An event done by this member in their role.
    fn did(self, action: &'static str) -> Event {
        Event::new(action).by(self.member).with("role", self.role.as_str())
    }
}
