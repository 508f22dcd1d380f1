//! Rows A4, A10 and U10 over the real program: what the database knows opens no link, what was
//! revoked stays shut and lets go of who no longer reads, and two hundred senders get what is
//! left of a request link and not a byte more.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioIo};
use strongroom::ids::LeaseId;
use strongroom::secrets::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};

use crate::shares::{open_share, sent};
use crate::support::alone::full_size;
use crate::support::demo::{Demo, noise, text};
use crate::support::share_client::{Proven, Version, client, send};

/// Every value of every table that could be 32 bytes of a secret, as a link would bring it.
async fn candidates(demo: &Demo) -> BTreeSet<String> {
    let path = demo.data().join("strongroom.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).read_only(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.expect("the database");
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table'")
            .fetch_all(&pool)
            .await
            .expect("tables");
    let mut found = BTreeSet::new();
    for table in tables {
        let columns: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "SELECT name FROM pragma_table_info('{table}')"
        )))
        .fetch_all(&pool)
        .await
        .expect("columns");
        for column in columns {
            let sql = format!(
                "SELECT CAST(\"{column}\" AS BLOB) FROM \"{table}\" WHERE \"{column}\" IS NOT NULL"
            );
            let values: Vec<Vec<u8>> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
                .fetch_all(&pool)
                .await
                .expect("values");
            for value in values {
                if let Ok(bytes) = <[u8; 32]>::try_from(value.as_slice()) {
                    found.insert(Secret::new(bytes).to_base64url().to_string());
                } else if value.len() == 64
                    && let Ok(Ok(bytes)) = hex::decode(&value).map(<[u8; 32]>::try_from)
                {
                    found.insert(Secret::new(bytes).to_base64url().to_string());
                } else if value.len() == 43
                    && let Ok(text) = String::from_utf8(value)
                {
                    found.insert(text);
                }
            }
        }
    }
    pool.close().await;
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_holds_the_database_holds_no_link() {
    let demo = Demo::start();
    let documents = sent(&demo, "bank", &[("a.bin", &noise(1000, 9))]);
    let with_code = open_share(&demo, &documents, &[]);
    let without = open_share(&demo, &documents, &["--no-code"]);
    let client = client(&demo);
    let found = candidates(&demo).await;
    assert!(found.len() > 20, "there is something to try: {}", found.len());
    let json = ("content-type", "application/json");
    for secret in &found {
        let authorization = format!("Strongroom-Link {secret}");
        let headers = [("authorization", authorization.as_str())];
        let look = send(&client, Version::H1, "GET", "/api/v1/link", &headers, Full::default());
        assert_eq!(look.await.status(), 404);
        for id in [&with_code.id, &without.id] {
            let body = serde_json::json!({
                "find": secret, "open": secret, "lease": LeaseId::random()
            });
            let body = Full::new(Bytes::from(body.to_string()));
            let path = format!("/api/v1/shares/{id}/open");
            let opened = send(&client, Version::H1, "POST", &path, &[json], body).await;
            assert_eq!(opened.status(), 404);
        }
    }
    // Nothing of that counted as a wrong code: both links still open for who holds them.
    for share in [&with_code, &without] {
        assert_eq!(share.receive(&demo, &share.id).ok()[0]["verified"], true);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_revoked_opens_for_nobody_however_often_they_try() {
    let demo = Demo::start();
    let documents = sent(&demo, "bank", &[("a.bin", &noise(1000, 9))]);
    let share = open_share(&demo, &documents, &["--max-downloads", "1000"]);
    let (client, proven) = (client(&demo), Proven::new(&share.url, &share.code));
    let lease = LeaseId::random();
    assert_eq!(proven.post(&client, Version::H2, "open", lease).await.status(), 200);
    demo.run("accountant", &["revoke", &share.id]).ok();
    let stream = client.connect("h2").await.expect("connects");
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .expect("HTTP/2");
    tokio::spawn(connection);
    let tries = if full_size() { 10_000 } else { 1_000 };
    let answers = futures_util::stream::iter(0..tries).map(|at| {
        let mut sender = sender.clone();
        let base = format!("/api/v1/shares/{}", share.id);
        let request = match at % 4 {
            // The lease that was open, a new one, the pieces, and the way back.
            0 => {
                let request = client.request_h2("GET", &format!("{base}/{}/age", documents[0]));
                request.header("strongroom-lease", proven.proof(lease)).body(Full::default())
            }
            1 => {
                let request = client.request_h2("POST", &format!("{base}/open"));
                let body = Bytes::from(proven.body(LeaseId::random()));
                request.header("content-type", "application/json").body(Full::new(body))
            }
            2 => {
                let request = client.request_h2("GET", &format!("{base}/{}/pieces", documents[0]));
                request.header("strongroom-lease", proven.proof(lease)).body(Full::default())
            }
            _ => {
                let request = client.request_h2("GET", "/api/v1/link");
                let token = format!("Strongroom-Link {}", proven.open);
                request.header("authorization", token).body(Full::<Bytes>::default())
            }
        };
        let request = request.expect("a request");
        async move { sender.send_request(request).await.expect("an answer").status().as_u16() }
    });
    let statuses: Vec<u16> = answers.buffer_unordered(64).collect().await;
    assert_eq!(statuses.len(), tries);
    assert!(statuses.iter().all(|status| [404, 429].contains(status)), "{statuses:?}");
    assert!(statuses.iter().filter(|status| **status == 404).count() >= tries * 3 / 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_is_cut_off_too_when_the_share_ends() {
    let demo = Demo::start();
    let size = 64 << 20;
    let documents = sent(&demo, "bank", &[("big.bin", &noise(size, 9))]);
    for version in ["http/1.1", "h2"] {
        let share = open_share(&demo, &documents, &[]);
        let (client, proven) = (client(&demo), Proven::new(&share.url, &share.code));
        let lease = LeaseId::random();
        assert_eq!(proven.post(&client, Version::H1, "open", lease).await.status(), 200);
        let path = format!("/api/v1/shares/{}/{}/age", share.id, documents[0]);
        let mut stream = client.connect(version).await.expect("connects");
        if version == "h2" {
            // By hand, so that nothing but this test reads: preface, empty SETTINGS, one GET.
            let mut frames =
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00".to_vec();
            let mut block = vec![0x82, 0x87];
            let literal = |name: Option<&str>, index: u8, value: &str| {
                let mut bytes = vec![index];
                if let Some(name) = name {
                    bytes.push(name.len() as u8);
                    bytes.extend(name.as_bytes());
                }
                assert!(value.len() < 127);
                bytes.push(value.len() as u8);
                bytes.extend(value.as_bytes());
                bytes
            };
            block.extend(literal(None, 0x04, &path));
            block.extend(literal(None, 0x01, &client.address().to_string()));
            block.extend(literal(Some("strongroom-lease"), 0x00, &proven.proof(lease)));
            frames.extend([0, 0, block.len() as u8, 0x01, 0x05, 0, 0, 0, 1]);
            frames.extend(block);
            stream.write_all(&frames).await.expect("sent");
        } else {
            let head = format!(
                "GET {path} HTTP/1.1\r\nhost: {}\r\nstrongroom-lease: {}\r\n\r\n",
                client.address(),
                proven.proof(lease)
            );
            stream.write_all(head.as_bytes()).await.expect("sent");
        }
        stream.flush().await.expect("sent");
        // Some of it arrives, and then nobody reads.
        let mut first = vec![0; 8192];
        stream.read_exact(&mut first).await.expect("arrives");
        tokio::time::sleep(Duration::from_secs(2)).await;
        demo.run("principal", &["withdraw", &share.id]).ok();
        let acknowledged = Instant::now();
        let (socket, _) = stream.get_ref();
        let broken = tokio::time::timeout(Duration::from_secs(5), socket.ready(Interest::ERROR));
        let broken = broken.await.unwrap_or_else(|_| panic!("{version}: the socket stays open"));
        assert!(broken.expect("polled").is_error(), "{version}: closed, not reset");
        println!("{version}: cut {:?} after the acknowledgement", acknowledged.elapsed());
        let mut rest = Vec::new();
        let read = stream.read_to_end(&mut rest).await;
        assert!(read.is_err(), "{version}: it ended as if it were whole");
        assert!(rest.len() < size / 2, "{version}: {} bytes came after all", rest.len());
    }
}

#[test]
fn two_hundred_senders_get_what_is_left_of_a_link_and_not_a_byte_more() {
    let demo = Demo::start();
    let senders = if full_size() { 200 } else { 40 };
    let bytes = noise(100_000, 7);
    let file = text(&demo.file("x.bin", &bytes));
    let client = demo.client("principal");
    let words = ["request", "--client", &client, "--max-files", "1000", "--max-bytes", "1048576"];
    let made = demo.run("accountant", &words).ok();
    let url = made["url"].as_str().expect("a link").to_owned();
    let before = demo.run("accountant", &["list"]).ok().as_array().map_or(0, Vec::len);
    let taken = std::sync::atomic::AtomicUsize::new(0);
    let left = std::sync::atomic::AtomicUsize::new(senders);
    let less = |counter: &std::sync::atomic::AtomicUsize| {
        use std::sync::atomic::Ordering::Relaxed;
        counter.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).ok()
    };
    std::thread::scope(|scope| {
        // Each a program and a folder of its own; so many at once as this machine bears.
        for _ in 0..16 {
            scope.spawn(|| {
                while let Some(at) = less(&left) {
                    let who = format!("sender-{at}");
                    let ran = demo.run(&who, &["send", &file, "--link", &url, "--from", "寄件人"]);
                    assert!([0, 3].contains(&ran.status), "{} {}", ran.json, ran.stderr);
                    if ran.status == 0 {
                        taken.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let taken = taken.into_inner();
    // A payload is its file and a few dozen bytes: ten fit into one MiB, eleven do not.
    assert_eq!(taken, 10);
    let after = demo.run("accountant", &["list"]).ok().as_array().map_or(0, Vec::len);
    assert_eq!(after - before, taken, "what was refused is not there");
}
