//! What a device remembers of the log: the newest checkpoint that it believed, and since when it has
//! seen more than the required witness had cosigned.
//!
//! Invariant: how long something has gone without a cosignature is measured from when this device
//! saw it first. The time of a cosignature says nothing of that: a witness cosigns the same
//! checkpoint again whenever it is asked.

use serde::{Deserialize, Serialize};

use crate::api::LogHead;
use crate::cli::error::{Error, file_error};
use crate::cli::profile::{self, Lock, Profile, read_json, write_json};
use crate::cli::words::Word;
use crate::clock::Timestamp;
use crate::merkle::{COSIGNED_SECONDS, Checkpoint, CosignerKey, SignedNote};

use super::Verified;

const NEWEST: &str = "checkpoint.txt";
const TURN: &str = "checkpoint.lock";
const UNCOVERED: &str = "uncovered.json";
/// Sizes that are seen within so many seconds count as seen with the first of them, so that what
/// is remembered of a day stays short.
const APART_SECONDS: i64 = 600;

/// The turn of one command to look at the log, and what was seen of it before.
#[derive(Debug)]
pub struct Memory<'a> {
    profile: &'a Profile,
    known: Option<Checkpoint>,
    _turn: Lock,
}

/// A size of the log that was seen before the witness had cosigned so much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Uncovered {
    /// Entries.
    size: u64,
    /// When this device first saw so many.
    since: Timestamp,
}

impl<'a> Memory<'a> {
    /// Waits for the turn and reads what `profile` saw last.
    ///
    /// # Errors
    /// [`Word::CannotWrite`], [`Word::ProfileDamaged`].
    pub async fn of(profile: &'a Profile) -> Result<Self, Error> {
        let lock = profile.dir().join(TURN);
        let turn = Lock::wait_async(lock.clone())
            .await
            .map_err(|e| file_error(Word::CannotWrite, &lock, &e))?;
        let path = profile.dir().join(NEWEST);
        let damaged = || Error::new(Word::ProfileDamaged).about_path(&path);
        let known = match profile::read(&path)? {
            Some(bytes) => {
                let text = String::from_utf8(bytes).map_err(|_| damaged())?;
                let note = SignedNote::parse(&text).map_err(|_| damaged())?;
                Some(Checkpoint::from_text(note.text()).map_err(|_| damaged())?)
            }
            None => None,
        };
        Ok(Self { profile, known, _turn: turn })
    }

    /// Entries of the log when it was last seen.
    pub fn since(&self) -> u64 {
        self.known.as_ref().map_or(0, |known| known.size)
    }

    /// Whether `head` contradicts what was seen without any proof: another root over as many
    /// entries.
    pub fn contradicts(&self, head: &Checkpoint) -> bool {
        self.known.as_ref().is_some_and(|known| known.size == head.size && known.root != head.root)
    }

    /// Takes a head that must have grown out of the one that was seen before, and remembers it.
    /// `cosigned` is what the required witness cosigned of it; whatever more this device saw, it
    /// must not have seen for more than a day.
    ///
    /// # Errors
    /// [`Word::LogRolledBack`], [`Word::LogForked`], [`Word::NotCosigned`], [`Word::CannotWrite`].
    pub fn advance(
        self,
        newest: &Verified,
        head: &LogHead,
        cosigned: Option<(&CosignerKey, &Verified)>,
        now: Timestamp,
    ) -> Result<(), Error> {
        if let Some(known) = &self.known {
            if newest.head.size < known.size {
                return Err(Error::new(Word::LogRolledBack));
            }
            let proof: Option<Vec<_>> =
                head.consistency.as_ref().map(|proof| proof.iter().map(|hash| hash.0).collect());
            if !proof.is_some_and(|proof| known.grew_into(&newest.head, &proof)) {
                return Err(Error::new(Word::LogForked));
            }
        }
        if let Some((witness, older)) = cosigned {
            self.cover(witness, newest.head.size, older.head.size, now)?;
        }
        let path = self.profile.dir().join(NEWEST);
        profile::replace_private(&path, newest.note.to_string().as_bytes())
            .map_err(|e| file_error(Word::CannotWrite, &path, &e))
    }

    /// Remembers that the log has `newest` entries, of which `witness` cosigned `cosigned`.
    fn cover(
        &self,
        witness: &CosignerKey,
        newest: u64,
        cosigned: u64,
        now: Timestamp,
    ) -> Result<(), Error> {
        let path = self.profile.dir().join(UNCOVERED);
        let before: Vec<Uncovered> = read_json(&path)?.unwrap_or_default();
        let after = covered(&before, newest, cosigned, now);
        if after != before {
            write_json(&path, &after)?;
        }
        match after.first() {
            Some(first) if first.since.plus_secs(COSIGNED_SECONDS) < now => {
                Err(Error::new(Word::NotCosigned).about(witness.name()))
            }
            _ => Ok(()),
        }
    }

    /// What a log without any checkpoint means: nothing was cut off only if nothing was seen, and
    /// a `witness` that is required has cosigned nothing.
    ///
    /// # Errors
    /// [`Word::LogRolledBack`], [`Word::NotCosigned`].
    pub fn nothing_there(&self, witness: Option<&CosignerKey>) -> Result<(), Error> {
        match (&self.known, witness) {
            (Some(_), _) => Err(Error::new(Word::LogRolledBack)),
            (None, Some(witness)) => Err(Error::new(Word::NotCosigned).about(witness.name())),
            (None, None) => Ok(()),
        }
    }
}

/// What is left of `before`, oldest first, where of `newest` entries `cosigned` are cosigned.
fn covered(before: &[Uncovered], newest: u64, cosigned: u64, now: Timestamp) -> Vec<Uncovered> {
    // A clock that was ahead is no excuse.
    let left = before.iter().map(|seen| Uncovered { since: seen.since.min(now), ..*seen });
    let mut left: Vec<_> = left.filter(|seen| seen.size > cosigned).collect();
    let late = left.first().is_some_and(|seen| seen.since.plus_secs(COSIGNED_SECONDS) < now);
    match left.last_mut() {
        _ if newest <= cosigned => {}
        Some(last) if last.size >= newest => {}
        Some(last) if last.since.plus_secs(APART_SECONDS) > now => last.size = newest,
        // Refused whatever else is seen: no need to remember more.
        Some(_) if late => {}
        _ => left.push(Uncovered { size: newest, since: now }),
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::EPOCH.plus_secs(minutes * 60)
    }

    #[test]
    fn a_size_is_remembered_from_when_it_was_first_seen_until_it_is_cosigned() {
        let seen = |size, minutes| Uncovered { size, since: at(minutes) };
        let first = covered(&[], 5, 1, at(0));
        assert_eq!(first, [seen(5, 0)]);
        assert_eq!(covered(&first, 5, 1, at(60)), first, "the same size is no news");
        assert_eq!(covered(&first, 6, 1, at(9)), [seen(6, 0)], "soon after");
        let second = covered(&first, 7, 1, at(30));
        assert_eq!(second, [seen(5, 0), seen(7, 30)]);
        assert_eq!(covered(&second, 7, 6, at(40)), [seen(7, 30)]);
        assert_eq!(covered(&second, 7, 7, at(40)), []);
        assert_eq!(
            covered(&second, 7, 1, at(10)),
            [seen(5, 0), seen(7, 10)],
            "the clock went back"
        );
        // Looked at every minute for a week while nothing is cosigned: a day of it is kept.
        let mut all = Vec::new();
        for minute in 0..7 * 24 * 60 {
            all = covered(&all, 2 + minute as u64, 1, at(minute));
        }
        assert_eq!(all[0].since, at(0));
        assert!(all.len() <= 146, "{}", all.len());
    }
}
