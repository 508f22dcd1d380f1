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

fn settings(dir: &std::path::Path) -> crate::config::Notices {
    crate::config::Notices { file: Some(dir.join("notices.jsonl")), ..Default::default() }
}

#[tokio::test]
async fn a_turn_tells_the_file_and_tries_again_what_failed() {
    let (dir, store) = store().await;
    let clock = crate::clock::Clock::fixed(Timestamp::EPOCH);
    let settings = settings(dir.path());
    let path = settings.file.clone().expect("set");
    let outbox = Outbox::open(&settings, store.clone(), clock.clone()).expect("opens");
    let mut tx = store.write().await.expect("begins");
    enqueue(&mut tx, &notice(Kind::WrongCodes, "aa")).await.expect("kept");
    tx.commit().await.expect("committed");
    // Something is in the way of the file.
    std::fs::remove_file(&path).expect("removed");
    std::fs::create_dir(&path).expect("made");
    assert_eq!(outbox.turn().await.expect("turned"), 1);
    assert_eq!(outbox.turn().await.expect("turned"), 0, "not before its pause is over");
    std::fs::remove_dir(&path).expect("removed");
    let later = Timestamp::EPOCH.plus_secs(10);
    let outbox = Outbox::open(&settings, store, crate::clock::Clock::fixed(later)).expect("opens");
    assert_eq!(outbox.turn().await.expect("turned"), 1);
    assert_eq!(outbox.turn().await.expect("turned"), 0);
    let text = std::fs::read_to_string(&path).expect("read");
    let line: serde_json::Value = serde_json::from_str(text.trim_end()).expect("one line");
    assert_eq!((&line["kind"], &line["object"]), (&"wrong_codes".into(), &"aa".into()));
    assert!(line["text"].as_str().expect("text").contains("锁定"));
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
}

#[test]
fn texts_hold_ids_and_times_alone_in_both_languages() {
    let client = ClientId::from_bytes([7; 16]);
    for kind in Kind::ALL {
        let told = Message::new("id".into(), *kind, client, "ab".repeat(16), Timestamp::EPOCH);
        assert!(!told.subject.is_ascii() && told.subject.contains(" · "));
        for place in [&client.to_string(), &"ab".repeat(16), "1970-01-01T00:00:00.000Z"] {
            assert!(told.text.contains(place), "{kind:?}");
        }
        assert!(!told.text.contains("http") && !told.text.contains('#'), "no link in {kind:?}");
    }
}

#[test]
fn the_signature_is_over_time_and_body() {
    let signed = |secret, time, body: &str| signature(secret, time, body.as_bytes());
    assert!(signed("k", 1, "{}").starts_with("v1="));
    for other in [signed("l", 1, "{}"), signed("k", 2, "{}"), signed("k", 1, "{ }")] {
        assert_ne!(signed("k", 1, "{}"), other);
    }
}
