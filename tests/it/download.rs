//! Downloads: the whole and single ranges of `header ‖ payload`, rows T6 and the opening in
//! the audit log.

use axum::body::Body;
use http::Method;

use crate::support::papers::{Desk, noise, request};

#[tokio::test]
async fn any_single_range_is_the_bytes_at_that_place() {
    let desk = Desk::open().await;
    let paper = desk.seal(desk.place(), noise(3_000_000, 5)).await;
    let at = desk.begun(&desk.clerk, &paper).await;
    // Two segments, and a piece boundary in each.
    let half = 1_048_848;
    let body = Body::from(paper.payload[..half].to_vec());
    desk.patch(&desk.clerk, paper.id, at, body, &[]).await.ok();
    let body = Body::from(paper.payload[half..].to_vec());
    desk.patch(&desk.clerk, paper.id, at + half as u64, body, &[]).await.ok();
    let note = desk.sign(&desk.clerk, &paper).await;
    desk.complete(&desk.clerk, &paper, &note).await.ok();
    let file = paper.file();
    let (total, header) = (file.len(), paper.header.len());

    let whole = desk.open_age(&desk.accountant, paper.id, &[]).await.ok();
    assert!(whole.status == 200 && whole.body == file);
    assert_eq!(whole.head.headers["content-length"], total.to_string().as_str());
    assert_eq!(whole.head.headers["accept-ranges"], "bytes");
    let etag = whole.head.headers["etag"].to_str().expect("ASCII").to_owned();
    assert!(etag.starts_with('"') && etag.ends_with('"'), "strong");

    let places = [
        0,
        1,
        header - 1,
        header,
        header + 16,
        header + half - 1,
        header + half,
        2_000_000,
        total - 1,
    ];
    for first in places {
        for length in [1, 2, 5000, 1_100_000, total] {
            let last = (first + length - 1).min(total - 1);
            let range = format!("bytes={first}-{last}");
            let answer = desk.open_age(&desk.accountant, paper.id, &[("range", &range)]).await;
            assert_eq!(answer.status, 206, "{range}");
            assert!(answer.body == file[first..=last], "{range}");
            let content_range = format!("bytes {first}-{last}/{total}");
            assert_eq!(answer.head.headers["content-range"], content_range.as_str());
        }
    }
    let suffix = desk.open_age(&desk.accountant, paper.id, &[("range", "bytes=-10")]).await;
    assert!(suffix.body == file[total - 10..]);

    let entries = desk.office.entries("document.open").await;
    let beyond = format!("bytes={total}-");
    for bad in [beyond.as_str(), "bytes=-0", "bytes=5-4", "bytes=0-1,3-4", "bytes=x-"] {
        let answer = desk.open_age(&desk.accountant, paper.id, &[("range", bad)]).await;
        answer.refused(416, "range_not_satisfiable");
        let value = format!("bytes */{total}");
        assert_eq!(answer.head.headers["content-range"], value.as_str());
    }
    assert_eq!(desk.office.entries("document.open").await, entries, "nothing left");

    let headers = [("range", "bytes=0-9"), ("if-range", etag.as_str())];
    assert_eq!(desk.open_age(&desk.accountant, paper.id, &headers).await.status, 206);
    for stale in ["\"other\"", "W/\"x\"", "Tue, 24 Nov 2026 00:00:00 GMT"] {
        let headers = [("range", "bytes=0-9"), ("if-range", stale)];
        let answer = desk.open_age(&desk.accountant, paper.id, &headers).await;
        assert!(answer.status == 200 && answer.body == file, "{stale}");
    }
}

#[tokio::test]
async fn every_get_is_an_opening_and_no_head_is() {
    let desk = Desk::open().await;
    let paper = desk.sent(&desk.clerk, "x").await;
    let path = format!("/api/v1/documents/{}/age", paper.id);
    for _ in 0..3 {
        let head = request(&desk.accountant, Method::HEAD, &path);
        let answer = desk.office.send(head, Body::empty()).await.ok();
        assert!(answer.body.is_empty());
        assert_eq!(answer.head.headers["content-length"], paper.total().to_string().as_str());
        assert!(answer.head.headers.contains_key("etag"));
    }
    assert_eq!(desk.office.entries("document.open").await, 0);
    for n in 1..=3 {
        desk.open_age(&desk.accountant, paper.id, &[("range", "bytes=0-0")]).await.ok();
        assert_eq!(desk.office.entries("document.open").await, n);
    }
    desk.open_age(&desk.accountant2, paper.id, &[]).await.refused(404, "not_found");
    let head = request(&desk.accountant2, Method::HEAD, &path);
    assert_eq!(desk.office.send(head, Body::empty()).await.status, 404);
    assert_eq!(desk.office.entries("document.open").await, 3);
}

#[tokio::test]
async fn bytes_that_are_gone_are_an_error_and_not_an_answer() {
    let desk = Desk::open().await;
    let paper = desk.sent(&desk.clerk, "x").await;
    let objects = desk.objects().await;
    let key = strongroom::objects::ObjectKey::parse(&objects[0]).expect("a key");
    desk.office.state.objects.delete(&[key]).await.expect("deleted");
    let answer = desk.open_age(&desk.accountant, paper.id, &[]).await;
    answer.refused(503, "unavailable");
}
