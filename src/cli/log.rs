//! The firm's audit log as this device knows it: the newest checkpoint it saw, which every later
//! one must have grown out of.
//!
//! Refuses a log that is shorter (cut off, or an older copy) or another one (forked). A
//! checkpoint counts only when a key signed it for which the firm's root vouches.

use crate::api::LogHead;
use crate::envelope::statement::{Note, PublicKey, Role};
use crate::merkle::{Checkpoint, SignedNote, VerifierKey};
use crate::trust::Directory;

use super::error::{Error, file_error};
use super::gateway::Session;
use super::profile::{self, Lock, Profile};
use super::words::Word;

const NEWEST: &str = "checkpoint.txt";
const TURN: &str = "checkpoint.lock";

/// A checkpoint that verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What it says.
    pub head: Checkpoint,
    /// The signed note.
    pub note: SignedNote,
}

/// The keys of the firm's gateway, from cards that its root signed.
#[derive(Debug)]
pub struct GatewayKeys {
    directory: Directory,
}

impl GatewayKeys {
    /// The keys that `cards` name under `root`.
    ///
    /// # Errors
    /// [`Word::BadDirectory`] when the root did not sign them.
    pub fn of(root: PublicKey, cards: &[Note]) -> Result<Self, Error> {
        let directory = Directory::verify(root, cards).map_err(super::directory::refused)?;
        Ok(Self { directory })
    }

    fn keys(&self, role: Role) -> impl Iterator<Item = PublicKey> + '_ {
        self.directory.cards().filter(move |card| card.role == role).map(|card| card.sign)
    }

    /// Whether the key for receipts signed `receipt`.
    pub fn signed_receipt(&self, receipt: &Note) -> bool {
        self.keys(Role::GatewayReceipt).any(|key| receipt.signed_by(&key))
    }

    /// Reads a checkpoint that the log's key signed. `None` for anything else.
    pub fn checkpoint(&self, note: &SignedNote) -> Option<Verified> {
        let head = Checkpoint::from_text(note.text()).ok()?;
        let signed = self.keys(Role::GatewayLog).any(|key| {
            VerifierKey::new(&key.key_id().to_string(), key.0)
                .is_ok_and(|key| key.name() == head.origin && note.signed_by(&key))
        });
        signed.then(|| Verified { head, note: note.clone() })
    }
}

/// Looks at the log's head in the name of a profile: it must have grown out of what the profile
/// saw before.
///
/// # Errors
/// [`Word::BadLog`], [`Word::LogRolledBack`], [`Word::LogForked`], and those of asking.
pub async fn look(session: &Session) -> Result<(), Error> {
    let keys = GatewayKeys { directory: super::directory::fetch(session, None).await? };
    let memory = Memory::of(session.profile()).await?;
    let head: LogHead = session.get(format!("/log/head?since={}", memory.since())).await?;
    let Some(text) = &head.checkpoint else { return memory.nothing_there() };
    let newest = SignedNote::parse(text).ok().and_then(|note| keys.checkpoint(&note));
    memory.advance(&newest.ok_or_else(|| Error::new(Word::BadLog))?, &head)
}

/// The turn of one command to look at the log, and what was seen of it before.
#[derive(Debug)]
pub struct Memory<'a> {
    profile: &'a Profile,
    known: Option<Checkpoint>,
    _turn: Lock,
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
    ///
    /// # Errors
    /// [`Word::LogRolledBack`], [`Word::LogForked`], [`Word::CannotWrite`].
    pub fn advance(self, newest: &Verified, head: &LogHead) -> Result<(), Error> {
        let path = self.profile.dir().join(NEWEST);
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
        profile::replace_private(&path, newest.note.to_string().as_bytes())
            .map_err(|e| file_error(Word::CannotWrite, &path, &e))
    }

    /// What a log without any checkpoint means: nothing was cut off only if nothing was seen.
    ///
    /// # Errors
    /// [`Word::LogRolledBack`].
    pub fn nothing_there(&self) -> Result<(), Error> {
        if self.known.is_none() { Ok(()) } else { Err(Error::new(Word::LogRolledBack)) }
    }
}
