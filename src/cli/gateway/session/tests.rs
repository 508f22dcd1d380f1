use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::fake::{self, json, problem, status, tokens};
use super::*;

fn bearer(request: &http::Request<Incoming>) -> &str {
    let value = request.headers().get("authorization").and_then(|v| v.to_str().ok());
    value.unwrap_or_default().trim_start_matches("Bearer ")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_renewed_once_however_many_ask() {
    let dir = tempfile::tempdir().expect("a folder");
    let refreshes = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&refreshes);
    let session = fake::session(dir.path(), move |request| {
        let (path, token) = (request.uri().path().to_owned(), bearer(&request).to_owned());
        let count = Arc::clone(&counted);
        async move {
            match path.as_str() {
                "/api/v1/session/refresh" => {
                    count.fetch_add(1, Ordering::SeqCst);
                    json(200, &tokens("second"))
                }
                _ if token == tokens("second").access_token => json(200, &7),
                _ => problem(401, "unauthorized"),
            }
        }
    })
    .await;
    // Another command on the same profile, with its own memory.
    let other = Session::open(session.profile().clone(), None, Clock::System).expect("opens");
    let asked = futures_util::future::join_all(
        [&session, &session, &other, &other].map(|session| session.get::<u64>("/x")),
    )
    .await;
    assert!(asked.into_iter().all(|answer| answer.is_ok_and(|seven| seven == 7)));
    assert_eq!(refreshes.load(Ordering::SeqCst), 1, "the refresh token was used once");
    let kept = session.profile().tokens().expect("read").expect("there");
    assert_eq!(kept.tokens.refresh_token, "refresh-second");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_session_says_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = fake::session(dir.path(), |_| async { problem(401, "unauthorized") }).await;
    let error = session.get::<u64>("/x").await.expect_err("ended");
    assert_eq!(error.code(), "unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_connection_and_a_busy_gateway_are_asked_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let count = Arc::new(AtomicUsize::new(0));
    let session = fake::session(dir.path(), move |_| {
        let n = count.fetch_add(1, Ordering::SeqCst);
        async move {
            match n {
                0 => None,
                1 => status(503),
                _ => json(200, &7),
            }
        }
    })
    .await;
    assert_eq!(session.get::<u64>("/x").await.expect("the third time"), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_certificate_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = fake::session(dir.path(), |_| async { json(200, &7) }).await;
    let other = tempfile::tempdir().expect("a folder");
    let stranger = fake::session(other.path(), |_| async { json(200, &7) }).await;
    let ca = stranger.profile().ca().expect("read").expect("there");
    let session =
        Session::open(session.profile().clone(), Some(&ca), Clock::System).expect("opens");
    let error = session.get::<u64>("/x").await.expect_err("not trusted");
    assert_eq!(error.code(), "certificate");
}
