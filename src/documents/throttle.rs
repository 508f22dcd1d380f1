//! How fast one request link may be used. Whoever sends never notices; whoever plays with a
//! link costs little. Counts in memory: each gateway for itself.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use crate::ids::LinkId;

/// Requests at once …
const BURST: f64 = 600.0;
/// … and again so many a second.
const PER_SECOND: f64 = 20.0;
/// Links that are remembered; then those that are full again are forgotten.
const MAX_KEPT: usize = 4096;

/// What each link has left.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    left: Mutex<HashMap<LinkId, (f64, Instant)>>,
}

impl Throttle {
    /// Takes one request of `link`; false when it has none left just now.
    pub(super) fn take(&self, link: LinkId) -> bool {
        let now = Instant::now();
        let refilled = |(left, at): (f64, Instant)| {
            (left + now.duration_since(at).as_secs_f64() * PER_SECOND).min(BURST)
        };
        let mut kept = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.retain(|_, held| refilled(*held) < BURST);
        }
        let left = kept.get(&link).copied().map_or(BURST, refilled);
        if left < 1.0 {
            return false;
        }
        kept.insert(link, (left - 1.0, now));
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_link_that_is_played_with_is_slowed_down_alone() {
        let (throttle, link) = (Throttle::default(), LinkId::random());
        let taken = (0..1000).filter(|_| throttle.take(link)).count();
        assert_eq!(taken, 600);
        assert!(throttle.take(LinkId::random()), "another link");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!((0..100).filter(|_| throttle.take(link)).count(), 20);
    }
}
