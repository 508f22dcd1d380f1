//! Notices (通知): what people are told outside of the gateway, from a durable outbox.
//!
//! A notice is put into the outbox in the transaction of what it tells, so it is told if and
//! only if that happened; the worker delivers it at least once, and its id stays the same at
//! every try. Refuses to carry anything but ids and times: no name of a file or person, no
//! amount, no address, and neither link nor access code, which the gateway never holds.

mod channels;
mod checkpoints;
mod outbox;
mod text;

use crate::clock::Timestamp;
use crate::ids::ClientId;
use crate::secrets::random_bytes;
use crate::store::{Error, NoticeRow, Tx};

pub use channels::{Error as ChannelError, Failed, check, signature};
pub use checkpoints::CheckpointMail;
pub use outbox::Outbox;
pub use text::Message;

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $word:literal,)*) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind {
            $($(#[$doc])* $variant,)*
        }

        impl Kind {
            /// Every kind there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its stable word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

kinds!(
    /// Documents were shared with a partner.
    Shared = "shared",
    /// A partner fetched a share.
    Opened = "opened",
    /// A share was locked after wrong codes.
    WrongCodes = "wrong_codes",
    /// A share or link ends soon.
    Expiring = "expiring",
    /// A share or link was ended.
    Revoked = "revoked",
    /// Documents arrived through a link.
    Arrived = "arrived",
    /// A client's documents were recovered with two recovery shares.
    Recovered = "recovered",
);

/// One notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What happened.
    pub kind: Kind,
    /// The client concerned.
    pub client: ClientId,
    /// Id of the share, link or document it happened to.
    pub object: String,
    /// When.
    pub at: Timestamp,
}

impl Notice {
    /// That `kind` happened to `object` of `client` at `at`.
    pub fn new(kind: Kind, client: ClientId, object: impl ToString, at: Timestamp) -> Self {
        Self { kind, client, object: object.to_string(), at }
    }
}

/// Puts `notice` into the outbox in the caller's transaction. While one of the same kind
/// about the same object waits, it stands for this one too.
pub async fn enqueue(tx: &mut Tx, notice: &Notice) -> Result<(), Error> {
    schedule(tx, notice, notice.at).await
}

/// As [`enqueue`], to be told not before `due_at`; [`cancel`] takes it back until then.
pub async fn schedule(tx: &mut Tx, notice: &Notice, due_at: Timestamp) -> Result<(), Error> {
    let id: [u8; 16] = random_bytes();
    let row = NoticeRow {
        id: hex::encode(id),
        kind: notice.kind.as_str().to_owned(),
        client: notice.client,
        object: notice.object.clone(),
        at: notice.at,
    };
    tx.insert_notice(&row, due_at).await
}

/// Takes a notice back that nobody was told yet, e.g. that something expires which has ended.
pub async fn cancel(tx: &mut Tx, kind: Kind, object: impl ToString) -> Result<(), Error> {
    tx.delete_waiting_notice(kind.as_str(), &object.to_string()).await
}

/// A day before `expires`, or half-way there where that is nearer: when to say that
/// something opened at `now` expires.
pub fn reminder(now: Timestamp, expires: Timestamp) -> Timestamp {
    let half = (expires.as_ms() - now.as_ms()) / 2;
    expires.plus_ms(-half.clamp(0, 24 * 3600 * 1000))
}

#[cfg(test)]
mod tests;
