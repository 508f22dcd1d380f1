//! The outbox at work: hands notices to the channels, tries again what failed, gives up what
//! failed for about a day.
//!
//! Invariant: a delivery is claimed before it is tried and ended after it was taken, so a
//! crash leads to a repeat with the same id and never to silence.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::config;
use crate::store::{self, DeliveryEnd, DeliveryRow, Store};

use super::channels::{self, Channel};
use super::text::Message;
use super::{Kind, channels::Error};

/// Notices and deliveries of one turn.
const BATCH: u16 = 100;
/// Tries before a delivery is given up; with ten seconds as the first pause, about a day.
const MAX_ATTEMPTS: u64 = 15;
/// The longest pause, in seconds.
const LONGEST_PAUSE: i64 = 6 * 3600;
/// How long what was told is remembered, in seconds.
const MEMORY_SECONDS: i64 = 30 * 24 * 3600;

/// Delivers notices. Cheap to clone.
#[derive(Clone)]
pub struct Outbox {
    store: Store,
    clock: Clock,
    channels: Arc<[Arc<dyn Channel>]>,
    first_pause: i64,
    every: Duration,
}

impl Outbox {
    /// An outbox with the channels that `settings` name.
    pub fn open(settings: &config::Notices, store: Store, clock: Clock) -> Result<Self, Error> {
        Ok(Self {
            channels: channels::open(settings, &clock)?.into(),
            store,
            clock,
            first_pause: i64::try_from(settings.retry_seconds).unwrap_or(LONGEST_PAUSE),
            every: Duration::from_secs(settings.poll_seconds),
        })
    }

    /// How often to take a [`Outbox::turn`].
    pub fn every(&self) -> Duration {
        self.every
    }

    /// Tells everything whose time has come, each channel for itself. Returns how many
    /// deliveries were tried.
    pub async fn turn(&self) -> Result<usize, store::Error> {
        let now = self.clock.now();
        let names: Vec<&str> = self.channels.iter().map(|channel| channel.name()).collect();
        {
            let mut tx = self.store.read().await?;
            if !tx.has_due_notices(now).await? {
                return Ok(0);
            }
        }
        let mut tx = self.store.write().await?;
        tx.take_due_notices(&names, now, BATCH).await?;
        tx.purge_notices(now.plus_secs(-MEMORY_SECONDS)).await?;
        let due = tx.due_deliveries(now, BATCH).await?;
        tx.commit().await?;
        let mine = |name: &str| -> Vec<&DeliveryRow> {
            due.iter().filter(|delivery| delivery.channel == name).collect()
        };
        let told = self.channels.iter().map(|channel| self.tell(&**channel, mine(channel.name())));
        for outcome in futures_util::future::join_all(told).await {
            outcome?;
        }
        for delivery in due.iter().filter(|d| !names.contains(&d.channel.as_str())) {
            self.end(delivery, DeliveryEnd::Dead).await?;
        }
        Ok(due.len())
    }

    async fn tell(
        &self,
        channel: &dyn Channel,
        due: Vec<&DeliveryRow>,
    ) -> Result<(), store::Error> {
        for delivery in due {
            self.try_once(channel, delivery).await?;
        }
        Ok(())
    }

    async fn try_once(
        &self,
        channel: &dyn Channel,
        delivery: &DeliveryRow,
    ) -> Result<(), store::Error> {
        let Some(kind) = Kind::ALL.iter().find(|kind| kind.as_str() == delivery.notice.kind) else {
            // A newer version wrote it, and will tell it.
            return Ok(());
        };
        let again_at = self.clock.now().plus_secs(self.pause(delivery.attempts));
        let mut tx = self.store.write().await?;
        let mine = tx.claim_delivery(delivery, again_at).await?;
        tx.commit().await?;
        if !mine {
            return Ok(());
        }
        let notice = delivery.notice.clone();
        let message = Message::new(notice.id, *kind, notice.client, notice.object, notice.at);
        match channel.deliver(&message).await {
            Ok(()) => self.end(delivery, DeliveryEnd::Delivered).await,
            Err(why) if delivery.attempts + 1 >= MAX_ATTEMPTS => {
                let (channel, notice) = (channel.name(), &message.id);
                tracing::error!(channel, notice, %why, "a notice was given up");
                self.end(delivery, DeliveryEnd::Dead).await
            }
            Err(why) => {
                let (channel, notice) = (channel.name(), &message.id);
                tracing::warn!(channel, notice, %why, "a notice was not delivered; it is tried again");
                Ok(())
            }
        }
    }

    fn pause(&self, attempts: u64) -> i64 {
        let doublings = u32::try_from(attempts.min(20)).unwrap_or(20);
        self.first_pause.saturating_mul(1 << doublings).min(LONGEST_PAUSE)
    }

    async fn end(&self, delivery: &DeliveryRow, end: DeliveryEnd) -> Result<(), store::Error> {
        let mut tx = self.store.write().await?;
        tx.end_delivery(delivery, end).await?;
        tx.commit().await
    }
}
