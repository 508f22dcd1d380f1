//! Guessing costs time: tries are counted before they are evaluated, by login name and by
//! network, and forgiven when one succeeds.
//!
//! Counts under a keyed hash, so the table holds neither names nor addresses. A name that
//! does not exist is counted like one that does.

use std::net::IpAddr;

use crate::clock::Timestamp;
use crate::envelope::statement::Hash;
use crate::store::{ThrottleRow, Tx};

use super::{Error, Identity, mac};

const WINDOW_SECS: i64 = 15 * 60;
const LONGEST_LOCK_SECS: i64 = 24 * 3600;
/// A lock is remembered for so long after its end: the next one is longer.
const MEMORY_SECS: i64 = 24 * 3600;

/// How many tries without success are evaluated before the lock: for one name …
pub(super) const PER_LOGIN: u32 = 10;
/// … and for one network, where a whole office may sit.
const PER_NETWORK: u32 = 100;

/// What is guessed at.
#[derive(Clone, Copy)]
pub(super) enum Door {
    /// The passphrase of a login name.
    Passphrase,
    /// The recovery kit of a login name.
    Kit,
}

impl Identity {
    /// What tries at `door` for `login` are counted under.
    pub(super) fn throttle_subject(&self, door: Door, login: &str) -> Hash {
        let door: &[u8] = match door {
            Door::Passphrase => b"passphrase",
            Door::Kit => b"kit",
        };
        Hash(mac(&self.keys.throttle, &[door, login.as_bytes()]))
    }

    fn network_subject(&self, peer: IpAddr) -> Hash {
        let network = match peer.to_canonical() {
            IpAddr::V4(address) => address.octets().to_vec(),
            // One subscriber has a whole /64.
            IpAddr::V6(address) => address.octets()[..8].to_vec(),
        };
        Hash(mac(&self.keys.throttle, &[b"network", &network]))
    }

    /// Counts one try for `subject`, and for the network it comes from. Refused while either
    /// is locked; then nothing may be evaluated.
    pub(super) async fn count_try(
        &self,
        tx: &mut Tx,
        subject: Hash,
        peer: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<(), Error> {
        tx.purge_logins(now, now.plus_secs(-MEMORY_SECS)).await?;
        let network = peer.map(|peer| (self.network_subject(peer), PER_NETWORK));
        for (subject, free) in [Some((subject, PER_LOGIN)), network].into_iter().flatten() {
            let next = counted(tx.throttle(subject).await?, free, now)
                .map_err(|retry_after_secs| Error::TooMany { retry_after_secs })?;
            tx.set_throttle(subject, next).await?;
        }
        Ok(())
    }

    /// Forgives the tries for `subject`, and `tries` of its network's.
    pub(super) async fn forgive(
        &self,
        tx: &mut Tx,
        subject: Hash,
        peer: Option<IpAddr>,
        tries: u32,
    ) -> Result<(), Error> {
        tx.clear_throttle(subject).await?;
        if let Some(peer) = peer {
            let network = self.network_subject(peer);
            if let Some(row) = tx.throttle(network).await? {
                let failures = row.failures.saturating_sub(tries);
                tx.set_throttle(network, ThrottleRow { failures, ..row }).await?;
            }
        }
        Ok(())
    }
}

/// One more try, of which `free` are free; or how many seconds it is locked for. Each lock is
/// twice as long as the one before.
fn counted(row: Option<ThrottleRow>, free: u32, now: Timestamp) -> Result<ThrottleRow, u64> {
    let before = match row {
        Some(row) if row.failures < free && now >= row.window_ends_at => 0,
        Some(row) if now >= row.window_ends_at.plus_secs(MEMORY_SECS) => 0,
        Some(row) if row.failures >= free && now < row.window_ends_at => {
            let ms = row.window_ends_at.as_ms() - now.as_ms();
            return Err(u64::try_from(ms).unwrap_or(0).div_ceil(1000));
        }
        Some(row) => row.failures,
        None => 0,
    };
    let failures = before.saturating_add(1);
    let doublings = failures.saturating_sub(free).min(16);
    let secs = (WINDOW_SECS << doublings).min(LONGEST_LOCK_SECS);
    Ok(ThrottleRow { failures, window_ends_at: now.plus_secs(secs) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tries every `every_secs` for `hours`; how many were evaluated.
    fn evaluated(every_secs: i64, hours: i64) -> u32 {
        let (mut row, mut count) = (None, 0);
        for at in (0..hours * 3600).step_by(usize::try_from(every_secs).expect("positive")) {
            if let Ok(next) = counted(row, PER_LOGIN, Timestamp::EPOCH.plus_secs(at)) {
                row = Some(next);
                count += 1;
            }
        }
        count
    }

    #[test]
    fn guessing_gets_slower_and_slower() {
        assert_eq!(evaluated(1, 1), 12, "ten, and one after 15 and one after 30 minutes");
        assert!(evaluated(1, 24) < 18);
        assert!(evaluated(60, 30 * 24) < 60, "about one a day in the end");
    }

    #[test]
    fn a_person_who_mistypes_now_and_then_is_never_locked() {
        let (mut row, mut now) = (None, Timestamp::EPOCH);
        for _ in 0..100 {
            now = now.plus_secs(WINDOW_SECS);
            row = Some(counted(row, PER_LOGIN, now).expect("not locked"));
        }
    }

    #[test]
    fn a_lock_says_how_long_it_lasts() {
        let mut row = None;
        for _ in 0..PER_LOGIN {
            row = Some(counted(row, PER_LOGIN, Timestamp::EPOCH).expect("free"));
        }
        assert_eq!(counted(row, PER_LOGIN, Timestamp::EPOCH), Err(900));
        assert_eq!(counted(row, PER_LOGIN, Timestamp::EPOCH.plus_ms(899_001)), Err(1));
        let next = counted(row, PER_LOGIN, Timestamp::EPOCH.plus_secs(900)).expect("one more");
        assert_eq!(next.window_ends_at, Timestamp::EPOCH.plus_secs(900 + 1800));
    }
}
