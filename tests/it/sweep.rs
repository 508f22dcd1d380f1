//! The sweep: what nobody refers to goes, and nothing else.

use axum::body::{Body, Bytes};
use strongroom::documents::Swept;

use crate::support::papers::{Desk, noise};

const DAY: i64 = 24 * 3600;

async fn sweep(desk: &Desk) -> Swept {
    desk.office.state.documents.sweep(DAY).await.expect("swept")
}

async fn orphan(desk: &Desk, n: usize) {
    for _ in 0..n {
        desk.office.state.objects.put(Bytes::from_static(b"nobody's")).await.expect("put");
    }
}

#[tokio::test]
async fn uploads_expire_and_their_bytes_with_them() {
    let mut desk = Desk::open().await;
    let kept = desk.sent(&desk.clerk, "kept").await;
    let paper = desk.seal(desk.place(), noise(3_000_000, 1)).await;
    let at = desk.begun(&desk.clerk, &paper).await;
    let first = Body::from(paper.payload[..2_000_000].to_vec());
    desk.patch(&desk.clerk, paper.id, at, first, &[]).await.ok();
    desk.pass_secs(7 * DAY - 1).await;
    assert_eq!(sweep(&desk).await.expired_uploads, 0);
    desk.standing(&desk.clerk, paper.id).await.ok();
    desk.pass_secs(2).await;
    desk.standing(&desk.clerk, paper.id).await.refused_without_body(404);
    let late = desk.patch(&desk.clerk, paper.id, at, Body::empty(), &[]).await;
    late.refused(404, "not_found");
    let swept = sweep(&desk).await;
    assert_eq!((swept.expired_uploads, swept.removed), (1, 0));
    assert_eq!(desk.objects().await.len(), 1);
    assert_eq!(desk.office.entries("document.expire").await, 1);
    assert_eq!(desk.read(&desk.accountant, kept.id).await, kept.plaintext);
    // The same id may begin again.
    desk.begun(&desk.clerk, &paper).await;
}

#[tokio::test]
async fn what_no_document_refers_to_is_removed_after_a_day() {
    let mut desk = Desk::open().await;
    let kept = desk.sent(&desk.clerk, "kept").await;
    let unfinished = desk.seal(desk.place(), noise(3_000_000, 2)).await;
    let at = desk.begun(&desk.clerk, &unfinished).await;
    let first = Body::from(unfinished.payload[..2_000_000].to_vec());
    desk.patch(&desk.clerk, unfinished.id, at, first, &[]).await.ok();
    orphan(&desk, 20).await;
    let foreign = desk.office.path("objects/segments/aa/README");
    std::fs::write(&foreign, b"not ours").expect("written");
    let young = sweep(&desk).await;
    assert_eq!((young.objects, young.unreferenced, young.removed), (22, 0, 0));
    desk.pass_secs(2 * DAY).await;
    let swept = sweep(&desk).await;
    assert_eq!((swept.unreferenced, swept.removed, swept.stopped), (20, 20, false));
    assert_eq!(desk.objects().await.len(), 2);
    assert!(foreign.exists(), "names that are not ours are never touched");
    assert_eq!(desk.read(&desk.accountant, kept.id).await, kept.plaintext);
    let at = crate::support::papers::offset(&desk.standing(&desk.clerk, unfinished.id).await);
    let rest = unfinished.payload[at as usize - unfinished.header.len()..].to_vec();
    desk.patch(&desk.clerk, unfinished.id, at, Body::from(rest), &[]).await.ok();
    let note = desk.sign(&desk.clerk, &unfinished).await;
    desk.complete(&desk.clerk, &unfinished, &note).await.ok();
    assert!(desk.read(&desk.accountant, unfinished.id).await == unfinished.plaintext);
}

#[tokio::test]
async fn an_unlikely_share_is_reported_and_not_removed() {
    let mut desk = Desk::open().await;
    desk.sent(&desk.clerk, "kept").await;
    orphan(&desk, 21).await;
    desk.pass_secs(2 * DAY).await;
    let swept = sweep(&desk).await;
    assert_eq!((swept.unreferenced, swept.removed, swept.stopped), (21, 0, true));
    assert_eq!(desk.objects().await.len(), 22);
}
