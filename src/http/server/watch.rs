//! What one connection is doing, for its deadlines.
//!
//! Invariant: a connection is exactly one of silent (no request yet), idle (between
//! requests) and busy; [`Watch::verdict`] says how long it may stay so. Times are
//! milliseconds since the connection was made, so one word holds one.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::config::Limits;

use super::connection::{CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES};
use super::leash::Leash;

/// No time noted.
const NEVER: u64 = u64::MAX;

/// The state of one connection.
#[derive(Debug)]
pub(super) struct Watch {
    made: Instant,
    requests: AtomicU64,
    active: AtomicU32,
    multiplexed: AtomicBool,
    /// Last end of a request or progress of writing.
    last: AtomicU64,
    /// First byte since the last request ended.
    head: AtomicU64,
    traffic: Traffic,
    /// HTTP/2 replies in progress: since when the peer has left each unread.
    unread: Mutex<Vec<Arc<AtomicU64>>>,
    /// Answers that may be ended from elsewhere.
    leashes: Mutex<Vec<Leash>>,
    /// Whether what waits unsent is to be thrown away.
    thrown_away: AtomicBool,
}

/// After its leash ended an answer breaks off by itself within this, if its reader reads.
const LEASH_GRACE: Duration = Duration::from_secs(1);
/// How often leashes are looked at.
const LEASH_CHECK: Duration = Duration::from_millis(500);

/// What went over one connection, to tell work from flood.
#[derive(Debug, Default)]
struct Traffic {
    read: AtomicU64,
    written: AtomicU64,
    bodies: AtomicU64,
    abandoned: AtomicU64,
}

/// What HTTP/2 may spend on anything but request bodies (frames, headers, pings, settings):
/// once, a second, and a request; beside a quarter of the bodies and a hundredth of what we
/// send, for small frames and window updates.
///
/// Bodies count when their handlers read them, so a whole window may wait.
const OVERHEAD_ONCE: u64 = CONNECTION_WINDOW_BYTES as u64 + (1 << 20);
const OVERHEAD_PER_SECOND: u64 = 16 << 10;
const OVERHEAD_PER_REQUEST: u64 = 4 << 10;

/// Requests that may be taken back before they are answered, beside a third of all.
const ABANDONED_ONCE: u64 = 200;

/// What is to be done with a connection now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Look again at this time, or after the next event.
    Until(Instant),
    /// Idle for too long: take leave.
    Idle,
    /// A promise was broken: cut.
    Cut(&'static str),
}

/// One request in progress, until dropped.
#[derive(Debug)]
pub(super) struct Active(Arc<Watch>);

impl Drop for Active {
    fn drop(&mut self) {
        self.0.last.store(self.0.elapsed(), Ordering::Relaxed);
        self.0.head.store(NEVER, Ordering::Relaxed);
        self.0.active.fetch_sub(1, Ordering::Release);
    }
}

/// One HTTP/2 reply whose reading is watched, until dropped.
#[derive(Debug)]
pub(super) struct Unread {
    since: Arc<AtomicU64>,
    watch: Arc<Watch>,
}

impl Unread {
    /// A piece was handed over; the peer has to take it.
    pub(super) fn handed(&self) {
        self.since.store(self.watch.elapsed(), Ordering::Relaxed);
    }

    /// The peer has taken all so far; waiting now is ours.
    pub(super) fn taken(&self) {
        self.since.store(NEVER, Ordering::Relaxed);
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        let mut unread = self.watch.unread.lock().unwrap_or_else(PoisonError::into_inner);
        unread.retain(|other| !Arc::ptr_eq(other, &self.since));
    }
}

/// One answer on a leash, until dropped.
#[derive(Debug)]
pub(super) struct Leashed {
    leash: Leash,
    watch: Arc<Watch>,
}

impl Drop for Leashed {
    fn drop(&mut self) {
        let mut leashes = self.watch.leashes.lock().unwrap_or_else(PoisonError::into_inner);
        leashes.retain(|other| !other.is(&self.leash));
    }
}

impl Watch {
    pub(super) fn new() -> Self {
        Self {
            made: Instant::now(),
            requests: AtomicU64::new(0),
            active: AtomicU32::new(0),
            multiplexed: AtomicBool::new(false),
            last: AtomicU64::new(0),
            head: AtomicU64::new(NEVER),
            traffic: Traffic::default(),
            unread: Mutex::default(),
            leashes: Mutex::default(),
            thrown_away: AtomicBool::new(false),
        }
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.made.elapsed().as_millis()).unwrap_or(NEVER - 1)
    }

    /// It speaks HTTP/2.
    pub(super) fn multiplexed(&self) {
        self.multiplexed.store(true, Ordering::Relaxed);
    }

    /// A request's headers are complete.
    pub(super) fn begin(self: &Arc<Self>) -> Active {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.active.fetch_add(1, Ordering::Acquire);
        Active(self.clone())
    }

    /// A reply on a multiplexed connection begins.
    pub(super) fn reply(self: &Arc<Self>) -> Unread {
        let since = Arc::new(AtomicU64::new(NEVER));
        let mut unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
        unread.push(since.clone());
        drop(unread);
        Unread { since, watch: self.clone() }
    }

    /// An answer on a leash begins.
    pub(super) fn leashed(self: &Arc<Self>, leash: Leash) -> Leashed {
        self.leashes.lock().unwrap_or_else(PoisonError::into_inner).push(leash.clone());
        Leashed { leash, watch: self.clone() }
    }

    /// Whether what waits unsent must not arrive any more.
    pub(super) fn is_thrown_away(&self) -> bool {
        self.thrown_away.load(Ordering::Relaxed)
    }

    /// Bytes of a request's body arrived at its handler.
    pub(super) fn body(&self, bytes: usize) {
        self.traffic.bodies.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// A body was left unread; what its sender had on the way is not held against it.
    pub(super) fn body_left(&self) {
        self.body(STREAM_WINDOW_BYTES as usize);
    }

    /// A request was taken back before it was answered.
    pub(super) fn abandoned(&self) {
        self.traffic.abandoned.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether the peer spends far more on HTTP/2 itself than on requests: floods of pings,
    /// settings, resets, continuations, empty or tiny frames.
    fn floods(&self) -> bool {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (requests, bodies) = (load(&self.requests), load(&self.traffic.bodies));
        let overhead = load(&self.traffic.read).saturating_sub(bodies);
        let allowed = OVERHEAD_ONCE
            + OVERHEAD_PER_SECOND * (self.elapsed() / 1000)
            + OVERHEAD_PER_REQUEST * requests
            + bodies / 4
            + load(&self.traffic.written) / 100;
        overhead > allowed || load(&self.traffic.abandoned) > ABANDONED_ONCE + requests / 3
    }

    /// Bytes came in.
    pub(super) fn heard(&self, bytes: usize) {
        self.traffic.read.fetch_add(bytes as u64, Ordering::Relaxed);
        if self.active.load(Ordering::Relaxed) == 0 && self.head.load(Ordering::Relaxed) == NEVER {
            self.head.store(self.elapsed(), Ordering::Relaxed);
        }
    }

    /// Bytes went out.
    pub(super) fn wrote(&self, bytes: usize) {
        self.traffic.written.fetch_add(bytes as u64, Ordering::Relaxed);
        self.last.store(self.elapsed(), Ordering::Relaxed);
    }

    /// Whether a request is in progress or its headers have begun to arrive.
    pub(super) fn is_busy(&self) -> bool {
        self.active.load(Ordering::Acquire) > 0
            || (self.head.load(Ordering::Relaxed) != NEVER
                && !self.multiplexed.load(Ordering::Relaxed))
    }

    /// Its turn to make room: silent ones first, then idle ones, each the oldest first;
    /// nothing while busy.
    pub(super) fn gives_way(&self) -> Option<(bool, Instant)> {
        if self.active.load(Ordering::Acquire) > 0 {
            return None;
        }
        let silent = self.requests.load(Ordering::Relaxed) == 0;
        let since = if silent { 0 } else { self.last.load(Ordering::Relaxed) };
        Some((!silent, self.made + Duration::from_millis(since)))
    }

    /// Whether it may stay, at `now`.
    pub(super) fn verdict(&self, now: Instant, limits: &Limits) -> Verdict {
        let at = |ms: u64| self.made + Duration::from_millis(ms);
        if self.multiplexed.load(Ordering::Relaxed) && self.floods() {
            return Verdict::Cut("more frames than work");
        }
        if self.active.load(Ordering::Acquire) > 0 {
            let leashed = self.leash_verdict(now);
            return match (leashed, self.unread_verdict(now, limits)) {
                (Some(Verdict::Until(soon)), Verdict::Until(then)) => {
                    Verdict::Until(soon.min(then))
                }
                (Some(cut @ Verdict::Cut(_)), _) => cut,
                (_, verdict) => verdict,
            };
        }
        if self.requests.load(Ordering::Relaxed) == 0 {
            let deadline = self.made + limits.header();
            return if now >= deadline {
                Verdict::Cut("no request in time")
            } else {
                Verdict::Until(deadline)
            };
        }
        let idle = at(self.last.load(Ordering::Relaxed)) + limits.idle();
        let head = self.head.load(Ordering::Relaxed);
        if head != NEVER && !self.multiplexed.load(Ordering::Relaxed) {
            let deadline = at(head) + limits.header();
            return if now >= deadline {
                Verdict::Cut("headers not complete in time")
            } else {
                Verdict::Until(deadline)
            };
        }
        if now >= idle { Verdict::Idle } else { Verdict::Until(idle) }
    }

    fn leash_verdict(&self, now: Instant) -> Option<Verdict> {
        let leashes = self.leashes.lock().unwrap_or_else(PoisonError::into_inner);
        if leashes.is_empty() {
            return None;
        }
        let over = leashes.iter().filter_map(Leash::ended_at).any(|at| now >= at + LEASH_GRACE);
        if over {
            self.thrown_away.store(true, Ordering::Relaxed);
            return Some(Verdict::Cut("what was being read has ended"));
        }
        Some(Verdict::Until(now + LEASH_CHECK))
    }

    fn unread_verdict(&self, now: Instant, limits: &Limits) -> Verdict {
        let unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
        let since = unread.iter().map(|s| s.load(Ordering::Relaxed)).min().unwrap_or(NEVER);
        drop(unread);
        // Replies are polled by tasks of their own, which do not wake the connection: it has
        // to look again by itself.
        let again = now + limits.idle() / 4;
        if since == NEVER {
            return Verdict::Until(again);
        }
        let deadline = self.made + Duration::from_millis(since) + limits.idle();
        if now >= deadline {
            Verdict::Cut("a reply was left unread")
        } else {
            Verdict::Until(deadline.min(again))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(watch: &Watch, seconds: u64) -> Instant {
        watch.made + Duration::from_secs(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn the_header_deadline_counts_from_accept() {
        let (watch, limits) = (Arc::new(Watch::new()), Limits::default());
        tokio::time::advance(Duration::from_secs(9)).await;
        watch.heard(1);
        assert_eq!(watch.verdict(Instant::now(), &limits), Verdict::Until(after(&watch, 10)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(matches!(watch.verdict(Instant::now(), &limits), Verdict::Cut(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_head_has_its_own_deadline_and_idling_a_longer_one() {
        let (watch, limits) = (Arc::new(Watch::new()), Limits::default());
        drop(watch.begin());
        assert_eq!(watch.verdict(Instant::now(), &limits), Verdict::Until(after(&watch, 60)));
        tokio::time::advance(Duration::from_secs(30)).await;
        watch.heard(1);
        tokio::time::advance(Duration::from_secs(5)).await;
        watch.heard(1);
        assert_eq!(watch.verdict(Instant::now(), &limits), Verdict::Until(after(&watch, 40)));
        tokio::time::advance(Duration::from_secs(5)).await;
        assert!(matches!(watch.verdict(Instant::now(), &limits), Verdict::Cut(_)));
        drop(watch.begin());
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(watch.verdict(Instant::now(), &limits), Verdict::Idle);
    }

    #[tokio::test(start_paused = true)]
    async fn pings_do_not_look_like_headers() {
        let (watch, limits) = (Arc::new(Watch::new()), Limits::default());
        watch.multiplexed();
        drop(watch.begin());
        tokio::time::advance(Duration::from_secs(20)).await;
        watch.heard(1);
        assert_eq!(watch.verdict(Instant::now(), &limits), Verdict::Until(after(&watch, 60)));
    }

    #[tokio::test(start_paused = true)]
    async fn work_is_told_from_flood() {
        let limits = Limits::default();
        let flooded = |watch: &Arc<Watch>| {
            matches!(watch.verdict(Instant::now(), &limits), Verdict::Cut("more frames than work"))
        };
        let fresh = || {
            let watch = Arc::new(Watch::new());
            watch.multiplexed();
            watch
        };
        let upload = fresh();
        upload.heard(1_100 << 20);
        assert!(flooded(&upload));
        upload.body(1_000 << 20);
        assert!(!flooded(&upload), "a tenth of overhead");
        let download = fresh();
        download.heard(20 << 20);
        assert!(flooded(&download));
        download.wrote(2 << 30);
        assert!(!flooded(&download), "window updates");
        let resets = fresh();
        for _ in 0..302 {
            drop(resets.begin());
            resets.abandoned();
        }
        assert!(flooded(&resets));
        let tiny = fresh();
        let _active = tiny.begin();
        for _ in 0..3000 {
            tiny.heard(10);
            tiny.body(1);
            tokio::time::advance(Duration::from_millis(100)).await;
        }
        assert!(!flooded(&tiny), "ten tiny frames a second for five minutes");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_ended_elsewhere_is_cut_when_nobody_reads_it() {
        let (watch, limits) = (Arc::new(Watch::new()), Limits::default());
        let _active = watch.begin();
        let leash = Leash::default();
        let held = watch.leashed(leash.clone());
        let verdict = || watch.verdict(Instant::now(), &limits);
        tokio::time::advance(Duration::from_secs(600)).await;
        assert_eq!(verdict(), Verdict::Until(Instant::now() + LEASH_CHECK));
        leash.end();
        assert!(matches!(verdict(), Verdict::Until(_)), "a moment to break off by itself");
        tokio::time::advance(LEASH_GRACE).await;
        assert!(!watch.is_thrown_away());
        assert!(matches!(verdict(), Verdict::Cut(_)) && watch.is_thrown_away());
        drop(held);
        assert!(matches!(verdict(), Verdict::Until(_)), "it broke off");
    }

    #[tokio::test(start_paused = true)]
    async fn an_unread_reply_is_cut_and_a_waiting_handler_is_not() {
        let (watch, limits) = (Arc::new(Watch::new()), Limits::default());
        let _active = watch.begin();
        let reply = watch.reply();
        tokio::time::advance(Duration::from_secs(600)).await;
        assert!(matches!(watch.verdict(Instant::now(), &limits), Verdict::Until(_)));
        reply.handed();
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(matches!(watch.verdict(Instant::now(), &limits), Verdict::Cut(_)));
        reply.taken();
        assert!(matches!(watch.verdict(Instant::now(), &limits), Verdict::Until(_)));
    }
}
