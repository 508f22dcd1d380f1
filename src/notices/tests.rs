//! The outbox: what waits is told once for each channel, again until it is taken.

use super::*;
use crate::store::{DeliveryEnd, Store};

async fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::open(&dir.path().join("db")).await.expect("opens");
    (dir, store)
}

fn notice(kind: Kind, object: &str) -> Notice {
    Notice::new(kind, ClientId::from_bytes([7; 16]), object, Timestamp::EPOCH)
}

#[tokio::test]
async fn a_notice_that_waits_stands_for_later_ones_of_its_kind() {
    let (_dir, store) = store().await;
    let mut tx = store.write().await.expect("begins");
    for _ in 0..3 {
        enqueue(&mut tx, &notice(Kind::Arrived, "a")).await.expect("kept");
    }
    enqueue(&mut tx, &notice(Kind::Arrived, "b")).await.expect("kept");
    enqueue(&mut tx, &notice(Kind::Opened, "a")).await.expect("kept");
    let channels = ["file", "mail"];
    let now = Timestamp::EPOCH;
    assert_eq!(tx.take_due_notices(&channels, now, 100).await.expect("taken"), 3);
    assert_eq!(tx.take_due_notices(&channels, now, 100).await.expect("taken"), 0);
    enqueue(&mut tx, &notice(Kind::Arrived, "a")).await.expect("kept");
    assert_eq!(tx.take_due_notices(&channels, now, 100).await.expect("taken"), 1);
    assert_eq!(tx.due_deliveries(now, 100).await.expect("found").len(), 8);
}

#[tokio::test]
async fn one_claims_a_try_and_what_is_not_ended_comes_again() {
    let (_dir, store) = store().await;
    let mut tx = store.write().await.expect("begins");
    let (now, later) = (Timestamp::EPOCH, Timestamp::EPOCH.plus_secs(60));
    enqueue(&mut tx, &notice(Kind::Shared, "a")).await.expect("kept");
    tx.take_due_notices(&["file"], now, 100).await.expect("taken");
    let first = tx.due_deliveries(now, 100).await.expect("found").remove(0);
    assert!(tx.claim_delivery(&first, later).await.expect("asked"));
    assert!(!tx.claim_delivery(&first, later).await.expect("asked"), "claimed already");
    assert!(tx.due_deliveries(now, 100).await.expect("found").is_empty());
    let again = tx.due_deliveries(later, 100).await.expect("found").remove(0);
    assert_eq!((again.attempts, &again.notice.id), (1, &first.notice.id));
    tx.end_delivery(&again, DeliveryEnd::Dead).await.expect("noted");
    assert_eq!(tx.dead_deliveries().await.expect("counted"), 1);
    assert!(tx.due_deliveries(later, 100).await.expect("found").is_empty());
    tx.purge_notices(later).await.expect("purged");
    assert_eq!(tx.dead_deliveries().await.expect("counted"), 0);
}

#[tokio::test]
async fn what_is_scheduled_waits_and_can_be_taken_back() {
    let (_dir, store) = store().await;
    let mut tx = store.write().await.expect("begins");
    let (now, due) = (Timestamp::EPOCH, Timestamp::EPOCH.plus_secs(60));
    for object in ["a", "b"] {
        schedule(&mut tx, &notice(Kind::Expiring, object), due).await.expect("kept");
    }
    assert_eq!(tx.take_due_notices(&[], now, 100).await.expect("taken"), 0);
    cancel(&mut tx, Kind::Expiring, "a").await.expect("taken back");
    assert_eq!(tx.take_due_notices(&[], due, 100).await.expect("taken"), 1);
}

#[test]
fn reminders_come_a_day_before_or_half_way() {
    let now = Timestamp::EPOCH;
    assert_eq!(reminder(now, now.plus_secs(10 * 86_400)), now.plus_secs(9 * 86_400));
    assert_eq!(reminder(now, now.plus_secs(3600)), now.plus_secs(1800));
    assert_eq!(reminder(now, now), now);
}
