//! What arrives for the gateway to seal, without a network: which addresses take it, and what
//! becomes of it when sender or gateway go away.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use futures_util::StreamExt;
use strongroom::documents::{Broken, Documents, Error, Incoming, Keys, Settings, Wish};
use strongroom::envelope::statement::{
    Category, Hash, Link, Note, Policy, RevocationKind, SealLevel, SigningKey, YesNo,
};
use strongroom::envelope::{FileKey, Header, Nonce, PayloadSealer};
use strongroom::ids::LinkId;
use strongroom::secrets::Secret;
use strongroom::trust::fragment::{Fragment, Purpose, token_hash};

use crate::support::papers::{Desk, noise};

const DAY: i64 = 24 * 3600;

/// An address for the first client, opened by its accountant.
async fn opened(desk: &Desk) -> (LinkId, Hash) {
    let policy = Policy {
        root: desk.office.root.key_id(),
        client: Some(desk.client),
        on_arrival: YesNo::Yes,
        post_quantum: YesNo::No,
        reader_categories: Category::clerk_default(),
        prev: None,
        time: desk.office.now(),
    };
    let statement = Note::sign(&policy, &[&desk.lead.keys.sign]);
    let submit = strongroom::api::Submit { statement };
    desk.office.post("/policies", Some(&desk.lead), &submit).await.ok();
    let id = LinkId::random();
    let fragment = Fragment::new(desk.office.root.key_id());
    let link = Link {
        root: desk.office.root.key_id(),
        link: id,
        client: desk.client,
        public: fragment.signing_key(Purpose::Link, id.as_bytes()).public(),
        expires: desk.office.now().plus_secs(30 * DAY),
        max_files: 100,
        max_bytes: 1 << 30,
        time: desk.office.now(),
    };
    let token_hash = token_hash(&fragment.token(Purpose::Link, id.as_bytes()));
    let statement = Note::sign(&link, &[&desk.accountant.keys.sign]);
    let offer = strongroom::api::Offer { statement, token_hash };
    desk.office.post("/links", Some(&desk.accountant), &offer).await.ok();
    (id, token_hash)
}

fn wish() -> Wish {
    Wish {
        period: "2026-10".parse().expect("a period"),
        category: Category::Other,
        name: zeroize::Zeroizing::new("a.bin".to_owned()),
        media_type: String::new(),
        declared: None,
    }
}

fn body(parts: Vec<Result<Bytes, Broken>>) -> Incoming {
    Box::pin(futures_util::stream::iter(parts))
}

/// `bytes`, and then nothing for ever.
fn stalled(bytes: Vec<u8>) -> Incoming {
    let first = futures_util::stream::iter([Ok(Bytes::from(bytes))]);
    Box::pin(first.chain(futures_util::stream::pending()))
}

/// An age file for the accountant.
fn age_file(desk: &Desk, plaintext: &[u8]) -> Vec<u8> {
    let (key, nonce) = (FileKey::random(), Nonce::random());
    let header = Header::seal(&key, &[desk.accountant.keys.recipient()]).expect("a header");
    let mut file = header.as_bytes().to_vec();
    let mut sealer = PayloadSealer::new(&key, &nonce);
    sealer.push(plaintext, &mut file);
    sealer.finish(&mut file);
    file
}

/// Waits until no object is left: what was on its way to the disk is removed when it is there.
async fn emptied(desk: &Desk) {
    for _ in 0..100 {
        if desk.objects().await.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{:?} stay", desk.objects().await);
}

#[tokio::test]
async fn a_link_that_was_ended_takes_nothing_more() {
    let desk = Desk::open().await;
    let (link, token) = opened(&desk).await;
    let documents = &desk.office.state.documents;
    let file = Bytes::from(age_file(&desk, b"plain"));
    let arrived = documents.arrive(token, wish(), body(vec![Ok(file.clone())])).await;
    let arrived = arrived.expect("taken");
    assert_eq!((arrived.seal, arrived.sha256), (SealLevel::RawAge, None));
    let end = desk.office.revocation(RevocationKind::Link, link, &desk.lead);
    desk.office.post("/revocations", Some(&desk.lead), &end).await.ok();
    let late = documents.arrive(token, wish(), body(vec![Ok(file)])).await;
    assert!(matches!(late, Err(Error::NotFound)), "{late:?}");
    assert!(matches!(documents.arrival_recipients(token).await, Err(Error::NotFound)));
    assert_eq!(desk.objects().await.len(), 1);
}

#[tokio::test]
async fn what_arrives_ends_with_its_link() {
    let desk = Desk::open().await;
    let (link, token) = opened(&desk).await;
    let documents = desk.office.state.documents.clone();
    let arriving =
        tokio::spawn(
            async move { documents.arrive(token, wish(), stalled(noise(9 << 20, 1))).await },
        );
    while desk.objects().await.is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let end = desk.office.revocation(RevocationKind::Link, link, &desk.lead);
    desk.office.post("/revocations", Some(&desk.lead), &end).await.ok();
    let ended = tokio::time::timeout(Duration::from_secs(5), arriving).await;
    let ended = ended.expect("within five seconds").expect("no panic");
    assert!(matches!(ended, Err(Error::NotFound)), "{ended:?}");
    emptied(&desk).await;
}

#[tokio::test]
async fn what_breaks_off_leaves_nothing() {
    let desk = Desk::open().await;
    let (_, token) = opened(&desk).await;
    let documents = &desk.office.state.documents;
    let long = Bytes::from(noise(9 << 20, 2));
    let sealed = documents.arrive(token, wish(), body(vec![Ok(long), Err(Broken)])).await;
    assert!(matches!(sealed, Err(Error::Broken)), "{sealed:?}");
    let raw = Bytes::from(age_file(&desk, &noise(9 << 20, 3)));
    let raw = documents.arrive(token, wish(), body(vec![Ok(raw), Err(Broken)])).await;
    assert!(matches!(raw, Err(Error::Broken)), "{raw:?}");
    emptied(&desk).await;
    let mut desk = desk;
    desk.pass_secs(30 * DAY).await;
    let swept = desk.office.state.documents.sweep(DAY).await.expect("swept");
    assert_eq!(swept.expired_uploads, 0, "no row was left to expire");
}

/// A gateway on the same data that begins now.
fn restarted(desk: &Desk) -> Documents {
    let key = || SigningKey::from_seed(&Secret::random());
    let state = &desk.office.state;
    Documents::new(
        state.store.clone(),
        state.objects.clone(),
        state.clock.clone(),
        Settings::default(),
        Keys { root: desk.office.root.key_id(), receipt: key(), arrival: key() },
        Arc::new(state.directories.clone()),
    )
}

/// Bytes that arrived at a gateway which then was killed.
async fn left_behind(desk: &Desk, token: Hash) {
    let documents = desk.office.state.documents.clone();
    let arriving =
        tokio::spawn(
            async move { documents.arrive(token, wish(), stalled(noise(9 << 20, 4))).await },
        );
    while desk.objects().await.is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Its row is noted beside what arrives.
    tokio::time::sleep(Duration::from_millis(300)).await;
    arriving.abort();
    assert!(arriving.await.expect_err("killed").is_cancelled());
    assert_eq!(desk.objects().await.len(), 1);
}

#[tokio::test]
async fn what_a_killed_gateway_left_goes_with_the_next_or_within_the_hour() {
    let mut desk = Desk::open().await;
    let (_, token) = opened(&desk).await;
    let upload = desk.seal(desk.place(), noise(3_000_000, 5)).await;
    desk.begun(&desk.clerk, &upload).await;
    left_behind(&desk, token).await;
    let sweep = async |documents: &Documents| documents.sweep(DAY).await.expect("swept");
    assert_eq!(sweep(&desk.office.state.documents).await.expired_uploads, 0, "it may be alive");
    desk.pass_secs(1).await;
    assert_eq!(sweep(&restarted(&desk)).await.expired_uploads, 1);
    emptied(&desk).await;
    desk.standing(&desk.clerk, upload.id).await.ok();

    left_behind(&desk, token).await;
    desk.pass_secs(3599).await;
    assert_eq!(sweep(&desk.office.state.documents).await.expired_uploads, 0);
    desk.pass_secs(2).await;
    assert_eq!(sweep(&desk.office.state.documents).await.expired_uploads, 1);
    emptied(&desk).await;
    assert_eq!(desk.office.entries("document.expire").await, 2);
}
