//! What can be wrong with a log, and where.

use std::fmt;

use crate::trust;

/// Where something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At the entry with this position.
    Entry(u64),
    /// At the entry with this id, which has no position.
    Unsequenced(i64),
    /// In the entries from one position up to another, the last not included.
    Between(u64, u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry(index) => write!(f, "entry {index}"),
            Self::Unsequenced(id) => write!(f, "unsequenced entry with id {id}"),
            Self::Between(first, end) => write!(f, "entries {first} to {}", end.saturating_sub(1)),
        }
    }
}

/// The first thing that is wrong with a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A text that is not an entry in its one form.
    #[error("{0}: the text is not a well-formed entry")]
    Text(Place),
    /// A text that does not hash to the leaf beside it.
    #[error("{0}: the text is not the one that was entered")]
    Leaf(Place),
    /// An entry filed under another client than it names.
    #[error("{0}: it is filed under another client than it names")]
    Client(Place),
    /// Side data that is not behind the entry's MAC.
    #[error("{0}: its data is not the data that was entered")]
    Data(Place),
    /// A position that nothing stands at, or twice.
    #[error("{0}: missing, doubled or out of order")]
    Gap(Place),
    /// An entry without a position among those that have one.
    #[error("{0}: it was passed over, or put in later")]
    PassedOver(Place),
    /// A hash of the stored tree that does not agree with the entries below it.
    #[error("{0}: the stored tree disagrees with the entries")]
    Tile(Place),
    /// A checkpoint that does not agree with the entries it covers.
    #[error("{0}: changed since the checkpoint over the first {1} entries was signed")]
    Checkpoint(Place, u64),
    /// A checkpoint that no key signed which the firm's root vouches for.
    #[error("{0}: the checkpoint over the first {1} entries is not signed by the log's key")]
    Signature(Place, u64),
    /// A checkpoint over more entries than there are.
    #[error("{0}: cut off; a checkpoint covers {1} entries")]
    CutOff(Place, u64),
    /// A checkpoint that is filed under another size than its own, or one that no log has.
    #[error("a checkpoint is filed under {0} entries, which is not its size")]
    Misfiled(i64),
    /// Entries in the tree that no checkpoint covers.
    #[error("{0}: in the tree, but no checkpoint covers them")]
    Uncovered(Place),
    /// The held checkpoint is of another tree.
    #[error("{0}: changed since the checkpoint that is held, over the first {1} entries")]
    Held(Place, u64),
    /// The held checkpoint covers more entries than there are.
    #[error("{0}: cut off, or an older copy; the checkpoint that is held covers {1} entries")]
    HeldCutOff(Place, u64),
    /// The held checkpoint is no checkpoint of this firm's log.
    #[error("the checkpoint that is held is not signed by a key of this firm's log")]
    HeldUnsigned,
    /// The firm's root key is another than the known one.
    #[error("the firm's root key is another than the one that is known")]
    ForeignRoot,
    /// The firm's statements do not verify, so no log key does.
    #[error("the firm's statements do not verify against its root key: {0}")]
    Statements(trust::Error),
}

impl Fault {
    /// Where; nowhere in particular for keys.
    pub fn place(&self) -> Option<Place> {
        match *self {
            Self::Text(place)
            | Self::Leaf(place)
            | Self::Client(place)
            | Self::Data(place)
            | Self::Gap(place)
            | Self::PassedOver(place)
            | Self::Tile(place)
            | Self::Checkpoint(place, _)
            | Self::Signature(place, _)
            | Self::CutOff(place, _)
            | Self::Uncovered(place)
            | Self::Held(place, _)
            | Self::HeldCutOff(place, _) => Some(place),
            Self::Misfiled(_) | Self::HeldUnsigned | Self::ForeignRoot | Self::Statements(_) => {
                None
            }
        }
    }

    /// Its stable word.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Leaf(_) => "leaf",
            Self::Client(_) => "client",
            Self::Data(_) => "data",
            Self::Gap(_) => "gap",
            Self::PassedOver(_) => "passed_over",
            Self::Tile(_) => "tile",
            Self::Checkpoint(..) => "checkpoint",
            Self::Signature(..) => "signature",
            Self::CutOff(..) => "cut_off",
            Self::Misfiled(_) => "misfiled",
            Self::Uncovered(_) => "uncovered",
            Self::Held(..) => "held_checkpoint",
            Self::HeldCutOff(..) => "held_cut_off",
            Self::HeldUnsigned => "held_unsigned",
            Self::ForeignRoot => "foreign_root",
            Self::Statements(_) => "statements",
        }
    }

    /// Whether it contradicts the held checkpoint.
    pub fn is_about_held(&self) -> bool {
        matches!(self, Self::Held(..) | Self::HeldCutOff(..) | Self::HeldUnsigned)
    }
}
