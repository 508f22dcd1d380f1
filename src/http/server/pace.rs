//! The least rate at which a body must move, counted only while we wait for the peer.
//!
//! Invariant: time we spend on our own work never counts against the peer. One arrival
//! counts as at least [`LEAST_CREDIT`] bytes, which is about what it costs on the wire: an
//! honest sender of ten tiny frames a second stays, one byte every few seconds does not.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// A frame, a TLS record and a segment around one byte.
const LEAST_CREDIT: u64 = 128;

/// The peer moved less than the least rate over a whole window of waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the peer is too slow")]
pub struct TooSlow;

/// The rate of one direction.
#[derive(Debug)]
pub(super) struct Pace {
    window: Duration,
    need: u64,
    waited: Duration,
    credit: u64,
    since: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    /// At least `bytes_per_second` on average over every `window` of waiting.
    pub(super) fn new(window: Duration, bytes_per_second: u64) -> Self {
        let need = bytes_per_second.saturating_mul(window.as_secs().max(1));
        Self { window, need, waited: Duration::ZERO, credit: 0, since: None, alarm: None }
    }

    /// `bytes` moved. Fails when a window just ended without enough.
    pub(super) fn moved(&mut self, bytes: usize) -> Result<(), TooSlow> {
        self.credit += (bytes as u64).max(LEAST_CREDIT);
        match self.since.take() {
            Some(since) => {
                self.waited += since.elapsed();
                self.settle()
            }
            None => Ok(()),
        }
    }

    /// We wait for the peer: pending, or ready when it has been too slow. Registers a wake-up
    /// for the end of the window.
    pub(super) fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<TooSlow> {
        let now = Instant::now();
        if self.since.is_none() {
            self.since = Some(now);
            self.set_alarm(now);
        }
        loop {
            let Some(alarm) = self.alarm.as_mut() else { return Poll::Pending };
            if alarm.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let now = Instant::now();
            self.waited += self.since.replace(now).map_or(Duration::ZERO, |since| now - since);
            if let Err(slow) = self.settle() {
                return Poll::Ready(slow);
            }
            self.set_alarm(now);
        }
    }

    fn settle(&mut self) -> Result<(), TooSlow> {
        if self.waited < self.window {
            return Ok(());
        }
        let enough = self.credit >= self.need;
        (self.waited, self.credit) = (Duration::ZERO, 0);
        if enough { Ok(()) } else { Err(TooSlow) }
    }

    fn set_alarm(&mut self, now: Instant) {
        let at = now + self.window.saturating_sub(self.waited);
        match &mut self.alarm {
            Some(alarm) => alarm.as_mut().reset(at),
            None => self.alarm = Some(Box::pin(tokio::time::sleep_until(at))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends `bytes` every `pause` for `total`; answers after how long it was cut.
    async fn cut_after(bytes: usize, pause: Duration, total: Duration) -> Option<Duration> {
        let mut pace = Pace::new(Duration::from_secs(30), 1024);
        let begin = Instant::now();
        while begin.elapsed() < total {
            let slow = tokio::time::timeout(
                pause,
                std::future::poll_fn(|cx| pace.poll_wait(cx).map(|slow| slow)),
            );
            if slow.await.is_ok() || pace.moved(bytes).is_err() {
                return Some(begin.elapsed());
            }
        }
        None
    }

    #[tokio::test(start_paused = true)]
    async fn the_slow_are_cut_and_the_steady_are_not() {
        let (second, hour) = (Duration::from_secs(1), Duration::from_secs(3600));
        let stalled = cut_after(1, hour, hour).await.expect("cut");
        assert!(stalled <= Duration::from_secs(31), "{stalled:?}");
        let trickle = cut_after(1, 10 * second, hour).await.expect("cut");
        assert!(trickle <= Duration::from_secs(61), "{trickle:?}");
        assert_eq!(cut_after(2048, second, hour).await, None);
        let tiny_frames = cut_after(1, Duration::from_millis(100), 300 * second).await;
        assert_eq!(tiny_frames, None);
    }

    #[tokio::test(start_paused = true)]
    async fn our_own_time_does_not_count() {
        let mut pace = Pace::new(Duration::from_secs(30), 1024);
        for _ in 0..100 {
            pace.moved(1).expect("the peer had no time to be slow in");
            tokio::time::advance(Duration::from_secs(60)).await;
        }
    }
}
