//! What this device knows of the people of its firm, whatever client it met them for: the card of
//! each that was last taken, and what was ever said about them.
//!
//! Refuses nothing by itself. Invariant: commands that run at once add to it one after the
//! other, and nothing is ever taken out.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::envelope::statement::Hash;
use crate::ids::MemberId;

use super::{Desk, Error, Lock, SeenStatements, Word, file_error, read_json, write_json};

const FOLDER: &str = "people";
const KNOWN: &str = "known.json";
const LOCK: &str = "known.lock";

/// The card of a member that was last taken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// H of its text.
    pub card: Hash,
    /// Its epoch.
    pub epoch: u64,
    /// The fingerprint that people compare.
    pub known_by: Hash,
    /// Whether the person of this profile compared it with theirs.
    pub confirmed: bool,
    /// Whether a sender has yet to be told that they read now.
    #[serde(default)]
    pub unannounced: bool,
}

/// Everything known of people, and what was seen in one directory.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// What that one directory held.
    pub scope: SeenStatements,
    /// What is known wherever it was met.
    pub known: Known,
}

/// Cards and statements by whom they are about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// The card of each member.
    pub pins: BTreeMap<MemberId, Pin>,
    /// H of every card, role and revocation of each member.
    pub about: BTreeMap<MemberId, BTreeSet<Hash>>,
    /// H of every statement about the firm as a whole.
    pub firm: BTreeSet<Hash>,
}

impl Memory {
    /// Whether `learned` says nothing that is not here already.
    pub fn holds(&self, learned: &Self) -> bool {
        let (known, more) = (&self.known, &learned.known);
        learned.scope.statements.is_subset(&self.scope.statements)
            && more.firm.is_subset(&known.firm)
            && more.pins.is_empty()
            && more.about.iter().all(|(member, hashes)| {
                known.about.get(member).is_some_and(|all| hashes.is_subset(all))
            })
    }
}

impl Known {
    /// Adds what another command or request learned. A card gives way to a later epoch alone,
    /// and a confirmation of the same card stays.
    fn learn(&mut self, other: Self) {
        for (member, pin) in other.pins {
            let known = self.pins.entry(member).or_insert(pin);
            if pin.epoch > known.epoch || (pin.card == known.card && pin.confirmed) {
                *known = pin;
            }
        }
        for (member, hashes) in other.about {
            self.about.entry(member).or_default().extend(hashes);
        }
        self.firm.extend(other.firm);
    }
}

impl Desk {
    /// What is known before the directory called `scope` is asked for. To be read before the
    /// request leaves: what another command learns meanwhile may be newer than its answer.
    ///
    /// # Errors
    /// [`Word::ProfileDamaged`].
    pub fn memory(&self, scope: &str) -> Result<Memory, Error> {
        Ok(Memory { scope: self.seen_statements(scope)?, known: self.known()? })
    }

    /// What is known of people.
    ///
    /// # Errors
    /// [`Word::ProfileDamaged`].
    pub fn known(&self) -> Result<Known, Error> {
        Ok(read_json(&self.folder(FOLDER)?.join(KNOWN))?.unwrap_or_default())
    }

    /// Adds to what is known, and to what was seen in the directory called `scope`.
    ///
    /// # Errors
    /// [`Word::CannotWrite`], [`Word::ProfileDamaged`].
    pub fn learn(&self, scope: &str, learned: Memory) -> Result<(), Error> {
        let folder = self.folder(FOLDER)?;
        let path = folder.join(LOCK);
        let _turn = Lock::wait(&path).map_err(|e| file_error(Word::CannotWrite, &path, &e))?;
        let mut seen = self.seen_statements(scope)?;
        let before = seen.statements.len();
        seen.statements.extend(learned.scope.statements);
        if seen.statements.len() != before {
            self.store_seen(scope, &seen)?;
        }
        let known = self.known()?;
        let mut more = known.clone();
        more.learn(learned.known);
        if more != known {
            write_json(&folder.join(KNOWN), &more)?;
        }
        Ok(())
    }

    /// Notes that a sender was told of these.
    ///
    /// # Errors
    /// As [`Desk::learn`].
    pub fn announced(&self, members: &[MemberId]) -> Result<(), Error> {
        let folder = self.folder(FOLDER)?;
        let path = folder.join(LOCK);
        let _turn = Lock::wait(&path).map_err(|e| file_error(Word::CannotWrite, &path, &e))?;
        let mut known = self.known()?;
        for member in members {
            if let Some(pin) = known.pins.get_mut(member) {
                pin.unannounced = false;
            }
        }
        write_json(&folder.join(KNOWN), &known)
    }

    /// Takes `pin` as the card of `member`: somebody has confirmed it.
    ///
    /// # Errors
    /// As [`Desk::learn`].
    pub fn pin(&self, member: MemberId, pin: Pin) -> Result<(), Error> {
        let folder = self.folder(FOLDER)?;
        let path = folder.join(LOCK);
        let _turn = Lock::wait(&path).map_err(|e| file_error(Word::CannotWrite, &path, &e))?;
        let mut known = self.known()?;
        known.pins.insert(member, pin);
        write_json(&folder.join(KNOWN), &known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(epoch: u64, confirmed: bool) -> Pin {
        let card = Hash::of(&epoch.to_be_bytes());
        Pin { card, epoch, known_by: card, confirmed, unannounced: false }
    }

    fn learned(epoch: u64, confirmed: bool) -> Memory {
        let mut memory = Memory::default();
        memory.known.pins.insert(MemberId::from_bytes([1; 16]), pin(epoch, confirmed));
        memory.scope.statements.insert(Hash::of(&epoch.to_be_bytes()));
        memory
    }

    #[test]
    fn commands_that_run_at_once_lose_nothing_of_each_other() {
        let dir = tempfile::tempdir().expect("a folder");
        let desk = Desk::at(dir.path().to_owned());
        std::thread::scope(|scope| {
            for thread in 0..4_u64 {
                let desk = desk.clone();
                scope.spawn(move || {
                    for round in 0..10 {
                        desk.learn("c", learned(thread * 10 + round, false)).expect("learned");
                    }
                });
            }
        });
        let memory = desk.memory("c").expect("read");
        assert_eq!(memory.scope.statements.len(), 40);
        assert_eq!(memory.known.pins.values().next(), Some(&pin(39, false)), "the latest epoch");
    }

    #[test]
    fn a_confirmation_is_not_forgotten_and_no_card_gives_way_to_an_older_one() {
        let dir = tempfile::tempdir().expect("a folder");
        let desk = Desk::at(dir.path().to_owned());
        desk.learn("c", learned(2, false)).expect("learned");
        desk.pin(MemberId::from_bytes([1; 16]), pin(2, true)).expect("pinned");
        desk.learn("c", learned(2, false)).expect("learned");
        desk.learn("c", learned(1, false)).expect("learned");
        let known = desk.known().expect("read");
        assert_eq!(known.pins.values().next(), Some(&pin(2, true)));
    }
}
