//! Whether every payload that the database names is in the object store, whole.
//!
//! Looks at each segment's object: that it is there with its length or, read through, that each
//! piece has the hash its readers will ask for. Constant memory, whatever there is.

use futures_util::{StreamExt, stream};

use crate::envelope::{PieceHasher, piece_of_offset};
use crate::ids::DocumentId;
use crate::objects::{self, ObjectKey, Objects, READ_BYTES};
use crate::store::{self, Segment, Store};

/// Segments looked up at once.
const PAGE: u16 = 500;
/// Objects looked at together.
const TOGETHER: usize = 4;

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Segments that documents name.
    pub(super) segments: u64,
    /// Their bytes.
    pub(super) bytes: u64,
    /// Those whose object is not there.
    pub(super) missing: u64,
    /// Those whose object is of another length or, when it was read, other bytes.
    pub(super) damaged: u64,
}

impl Found {
    /// Whether nothing is missing or damaged.
    pub(super) const fn is_whole(self) -> bool {
        self.missing == 0 && self.damaged == 0
    }
}

/// Why it could not be found out.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The object store failed.
    #[error(transparent)]
    Objects(#[from] objects::Error),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Whole,
    Missing,
    Damaged,
}

/// Looks at every segment; reads all of it where `deep`.
pub(super) async fn check(store: &Store, objects: &Objects, deep: bool) -> Result<Found, Error> {
    let mut found = Found::default();
    let mut after = None;
    loop {
        let page = store.read().await?.segments_after(after, PAGE).await?;
        let Some((document, segment)) = page.last() else { return Ok(found) };
        after = Some((*document, segment.start));
        let mut looking = stream::iter(page)
            .map(|(document, segment)| async move {
                let state = look(objects, &segment, deep).await?;
                // It may have been taken back meanwhile, with its objects.
                let counts = state == State::Whole || is_named(store, document, &segment).await?;
                Ok::<_, Error>((segment.length, state, counts))
            })
            .buffer_unordered(TOGETHER);
        while let Some(looked) = looking.next().await {
            let (length, state, counts) = looked?;
            if counts {
                found.segments += 1;
                found.bytes += length;
                found.missing += u64::from(state == State::Missing);
                found.damaged += u64::from(state == State::Damaged);
            }
        }
    }
}

async fn is_named(store: &Store, document: DocumentId, segment: &Segment) -> Result<bool, Error> {
    Ok(store.read().await?.segments(document).await?.contains(segment))
}

async fn look(objects: &Objects, segment: &Segment, deep: bool) -> Result<State, Error> {
    let Ok(key) = ObjectKey::parse(&segment.object) else { return Ok(State::Missing) };
    let object = match objects.object(&key).await {
        Ok(object) => object,
        Err(objects::Error::NotFound) => return Ok(State::Missing),
        Err(error) => return Err(error.into()),
    };
    if object.length() != segment.length {
        return Ok(State::Damaged);
    }
    if !deep {
        return Ok(State::Whole);
    }
    let Some(piece) = piece_of_offset(segment.start) else { return Ok(State::Damaged) };
    let (mut hasher, mut at) = (PieceHasher::starting_at(piece), 0);
    while at < segment.length {
        let bytes = object.read(at, READ_BYTES).await?;
        if bytes.is_empty() {
            return Ok(State::Damaged);
        }
        at += bytes.len() as u64;
        hasher.update(&bytes);
    }
    Ok(if hasher.finish() == segment.pieces { State::Whole } else { State::Damaged })
}
