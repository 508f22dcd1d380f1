//! Why something was not done with a document, as far as the caller can act on it.

use crate::access::Reason;
use crate::envelope::statement::Note;
use crate::trust::DemandError;
use crate::{objects, store, trust};

use super::admission::NotSealed;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such document, upload or link for this caller.
    #[error("there is no such document")]
    NotFound,
    /// Not allowed, and why; unknown and foreign look the same from outside.
    #[error("not allowed: {0:?}")]
    Denied(Reason),
    /// A document with this id was begun before.
    #[error("a document with this id exists")]
    Exists,
    /// The document is not in a state that allows this.
    #[error("the document is not in a state that allows this")]
    WrongState,
    /// The upload stands elsewhere: at this byte of `header ‖ payload`.
    #[error("the upload stands at {0}")]
    OffsetMismatch(u64),
    /// Somebody else is writing.
    #[error("somebody else is writing this upload")]
    Locked,
    /// The manifest does not continue its chain, whose newest is this.
    #[error("the manifest does not continue its chain")]
    ChainMoved(Option<Box<store::ChainHead>>),
    /// The manifest does not name exactly those the statements demand.
    #[error("the recipients are not those that the assignment demands")]
    Recipients,
    /// The document is not what its manifest says; the key that differs.
    #[error("the manifest does not agree with the document: {0}")]
    Mismatch(&'static str),
    /// A statement that does not verify, or whose signer may not say that.
    #[error("the statement is refused")]
    Statement(#[from] trust::Error),
    /// Not a sealed document.
    #[error(transparent)]
    NotSealed(#[from] NotSealed),
    /// No age file has this length.
    #[error("no age file has this length")]
    ImpossibleLength,
    /// Something about the request that cannot be.
    #[error("{0}")]
    Malformed(&'static str),
    /// Longer than is taken.
    #[error("longer than {0} bytes")]
    TooLarge(u64),
    /// More unfinished uploads than one member may have.
    #[error("too many unfinished uploads")]
    TooManyUploads,
    /// Whom documents are recovered for is not assigned to the client.
    #[error("the successor is not assigned to the client")]
    NotAssigned,
    /// The document's period is closed, and nobody said why it is opened.
    #[error("the period is closed: say why")]
    ReasonRequired,
    /// Nobody can be named to seal to.
    #[error(transparent)]
    NoReaders(#[from] DemandError),
    /// The body does not have the checksum that was sent with it.
    #[error("the body does not have its checksum")]
    Checksum,
    /// The gateway may not seal for this client.
    #[error("sealing on arrival is not allowed for this client")]
    NotOnArrival,
    /// The firm's recovery has not been rehearsed.
    #[error("the recovery shares have not been rehearsed")]
    NotRehearsed,
    /// The sender went away or was too slow; what was whole of a resumable upload is kept.
    #[error("the body broke off")]
    Broken,
    /// No room.
    #[error("no room is left")]
    Full,
    /// A statement in the database is none.
    #[error("the envelope failed")]
    Envelope(#[from] crate::envelope::Error),
    /// The database failed.
    #[error("the database failed")]
    Store(#[source] store::Error),
    /// The object store failed.
    #[error("the object store failed")]
    Objects(#[source] objects::Error),
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NotFound => Self::NotFound,
            store::Error::Full => Self::Full,
            other => Self::Store(other),
        }
    }
}

impl From<objects::Error> for Error {
    fn from(error: objects::Error) -> Self {
        match error {
            objects::Error::Full => Self::Full,
            // A row names it: its absence is a fault of ours and not an answer.
            other => Self::Objects(other),
        }
    }
}

/// The head of a chain, for the answer to a race.
pub(super) fn moved(head: Option<store::ChainHead>) -> Error {
    Error::ChainMoved(head.map(Box::new))
}

/// A note in the form statements are compared in.
pub(super) fn same(a: &Note, b: &Note) -> bool {
    a.text() == b.text()
}
