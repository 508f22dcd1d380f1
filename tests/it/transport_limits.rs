//! Slow, silent and many peers (rows T1 and T2), in a tenth of the numbers and with shorter
//! deadlines unless `STRONGROOM_TEST_FULL` is set.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use strongroom::config::Limits;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::support::alone::{alone, full_size, resident_bytes};
use crate::support::gateway::Gateway;
use crate::support::tls::Client;

const SECOND: Duration = Duration::from_secs(1);

/// Deadlines of the tests: a fifth of the real ones in CI.
fn limits() -> Limits {
    if full_size() {
        return Limits { max_connections_per_address: 8192, ..Limits::default() };
    }
    Limits {
        handshake_seconds: 2,
        header_seconds: 2,
        idle_seconds: 4,
        body_window_seconds: 2,
        max_connections_per_address: 8192,
        ..Limits::default()
    }
}

/// After how long the peer closed, or nothing within a minute and a half.
async fn closed_after(mut stream: impl AsyncRead + Unpin) -> Option<Duration> {
    let begun = Instant::now();
    let mut bytes = [0; 16 * 1024];
    let end = async { while matches!(stream.read(&mut bytes).await, Ok(n) if n > 0) {} };
    tokio::time::timeout(90 * SECOND, end).await.ok()?;
    Some(begun.elapsed())
}

/// How many connect at a time: this process makes both ends of every handshake.
fn gate() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(50))
}

/// The 99th percentile of `rounds` requests one after the other, each on a new connection.
async fn p99(client: &Client, rounds: usize) -> Duration {
    let mut times = Vec::new();
    for _ in 0..rounds {
        let begun = Instant::now();
        assert_eq!(client.get("/healthz").await.status(), 200);
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    times[(rounds * 99).div_ceil(100) - 1]
}

#[test]
fn silent_and_stalled_peers_are_closed_and_others_served() {
    alone("transport_limits::slowloris");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run alone by the test above"]
async fn slowloris() {
    let limits = limits();
    let deadline = Duration::from_secs(limits.header_seconds) + 3 * SECOND;
    let number = if full_size() { 2000 } else { 200 };
    let gateway = Gateway::with(limits);
    let client = gateway.client();
    let quiet = p99(&client, 100).await;
    let (address, gate) = (gateway.address, gate());
    let silent = (0..number).map(move |_| async move {
        closed_after(TcpStream::connect(address).await.expect("connects")).await
    });
    let stalled = (0..number).map(move |_| async move {
        let mut stream = TcpStream::connect(address).await.expect("connects");
        // A record that promises a hello of 512 bytes and brings three.
        stream.write_all(&[22, 3, 1, 2, 0, 1, 0, 1]).await.expect("sent");
        closed_after(stream).await
    });
    let dribbling = (0..number).map(|_| {
        let (client, gate) = (client.clone(), gate.clone());
        async move {
            let turn = gate.acquire().await.expect("open");
            let stream = client.connect("http/1.1").await.expect("connects");
            drop(turn);
            let (reading, mut writing) = tokio::io::split(stream);
            let dribble = async {
                let _ = writing.write_all(b"GET /healthz HTTP/1.1\r\n").await;
                while writing.write_all(b"x").await.is_ok() {
                    tokio::time::sleep(SECOND / 2).await;
                }
            };
            tokio::select! {
                closed = closed_after(reading) => closed,
                () = async { dribble.await; std::future::pending().await } => None,
            }
        }
    });
    let attackers = tokio::spawn(async move { (join_all(silent).await, join_all(stalled).await) });
    let dribblers = tokio::spawn(join_all(dribbling.collect::<Vec<_>>()));
    tokio::time::sleep(SECOND).await;
    let busy = p99(&client, 100).await;
    let (silent, stalled) = attackers.await.expect("no panic");
    let dribbling = dribblers.await.expect("no panic");
    for after in silent.into_iter().chain(stalled).chain(dribbling) {
        let after = after.expect("closed");
        assert!(after <= deadline, "closed after {after:?}");
    }
    // Both run on the attackers' own cores here; below a few milliseconds that is all noise.
    assert!(busy <= 2 * quiet + Duration::from_millis(20), "p99 {quiet:?}, then {busy:?}");
}

#[test]
fn stalled_uploads_are_closed_and_cost_little() {
    alone("transport_limits::stalled_uploads");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run alone by the test above"]
async fn stalled_uploads() {
    let limits = limits();
    let (number, most) = if full_size() { (5000, 400 << 20) } else { (500, 80 << 20) };
    let deadline = Duration::from_secs(limits.idle_seconds) + 15 * SECOND;
    let gateway = Gateway::with(limits);
    let client = gateway.client();
    client.get("/healthz").await;
    let (before, gate) = (resident_bytes(), gate());
    let uploads = (0..number).map(|n| {
        let (client, address, gate) = (client.clone(), gateway.address, gate.clone());
        async move {
            let turn = gate.acquire().await.expect("open");
            let mut stream = client.connect("http/1.1").await.expect("connects");
            drop(turn);
            let begun = Instant::now();
            let head = format!(
                "PUT /probe/sink HTTP/1.1\r\nhost: {address}\r\ncontent-length: 1000000\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).await.expect("sent");
            stream.write_all(&vec![7; n % 4096]).await.expect("sent");
            // What a TLS stream was given may wait in it until it is flushed.
            stream.flush().await.expect("sent");
            let mut answer = String::new();
            let read = tokio::time::timeout(90 * SECOND, stream.read_to_string(&mut answer)).await;
            (read.is_ok().then(|| begun.elapsed()), answer)
        }
    });
    let uploads = tokio::spawn(join_all(uploads.collect::<Vec<_>>()));
    tokio::time::sleep(if full_size() { 15 * SECOND } else { SECOND }).await;
    let grown = resident_bytes().saturating_sub(before);
    for (after, answer) in uploads.await.expect("no panic") {
        let after = after.expect("closed");
        assert!(after <= deadline, "closed after {after:?}");
        assert!(answer.starts_with("HTTP/1.1 408 "), "after {after:?}: {answer:?}");
        assert!(answer.contains("too_slow"), "{answer}");
    }
    // Both ends are in this process.
    assert!(grown <= most, "{} MiB for {number}", grown >> 20);
}

#[tokio::test]
async fn an_honest_slow_sender_is_not_cut() {
    let gateway = Gateway::with(limits());
    for protocol in ["http/1.1", "h2"] {
        let stream = gateway.client().connect(protocol).await.expect("connects");
        let pieces = futures_util::stream::unfold(0, |n| async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            (n < 50).then(|| {
                let piece = http_body::Frame::data(Bytes::from(vec![7; 205]));
                (Ok::<_, std::convert::Infallible>(piece), n + 1)
            })
        });
        let body = http_body_util::StreamBody::new(Box::pin(pieces));
        let client = gateway.client();
        let io = TokioIo::new(stream);
        let answer = if protocol == "h2" {
            let request = client.request_h2("PUT", "/probe/sink").body(body).expect("a request");
            let (mut sender, connection) =
                hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.expect("h2");
            tokio::spawn(connection);
            sender.send_request(request).await.expect("an answer")
        } else {
            let request = client.request("PUT", "/probe/sink").body(body).expect("a request");
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(io).await.expect("h1");
            tokio::spawn(connection);
            sender.send_request(request).await.expect("an answer")
        };
        let text = answer.into_body().collect().await.expect("a body").to_bytes();
        assert_eq!(text, "10250", "{protocol}: 2 KiB a second is enough");
    }
}

#[tokio::test]
async fn a_reader_that_stops_is_cut_and_a_slow_one_is_not() {
    let gateway = Gateway::with(limits());
    let idle = Duration::from_secs(limits().idle_seconds);
    let mut ends = Vec::new();
    for protocol in ["http/1.1", "h2"] {
        let client = gateway.client();
        let address = gateway.address;
        ends.push(tokio::spawn(async move {
            let stream = client.connect(protocol).await.expect("connects");
            let io = TokioIo::new(stream);
            let request = Full::<Bytes>::default();
            let mut body = if protocol == "h2" {
                let request = client.request_h2("GET", "/probe/source/64").body(request);
                let (mut sender, connection) =
                    hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
                        .await
                        .expect("h2");
                tokio::spawn(connection);
                let request = request.expect("a request");
                sender.send_request(request).await.expect("an answer").into_body()
            } else {
                let request = client.request("GET", "/probe/source/64").body(request);
                let (mut sender, connection) =
                    hyper::client::conn::http1::handshake(io).await.expect("h1");
                tokio::spawn(connection);
                let request = request.expect("a request");
                sender.send_request(request).await.expect("an answer").into_body()
            };
            assert!(body.frame().await.expect("a piece").is_ok(), "{address}");
            tokio::time::sleep(3 * idle).await;
            let mut failed = false;
            while let Some(frame) = body.frame().await {
                failed |= frame.is_err();
                if failed {
                    break;
                }
            }
            failed
        }));
    }
    let slow = {
        let client = gateway.client();
        tokio::spawn(async move {
            let mut stream = client.connect("http/1.1").await.expect("connects");
            let head = client.request("GET", "/probe/source/1").body(()).expect("a request");
            let host = head.headers()["host"].to_str().expect("text").to_owned();
            let text = format!(
                "GET /probe/source/1 HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
            );
            stream.write_all(text.as_bytes()).await.expect("sent");
            let (mut total, mut piece) = (0, vec![0; 64 * 1024]);
            loop {
                match stream.read(&mut piece).await {
                    Ok(0) => return total,
                    Ok(n) => total += n,
                    Err(e) => panic!("after {total}: {e}"),
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
    };
    assert!(slow.await.expect("no panic") > 1 << 20);
    for (end, protocol) in join_all(ends).await.into_iter().zip(["http/1.1", "h2"]) {
        assert!(end.expect("no panic"), "{protocol}: the download went on");
    }
}

#[tokio::test]
async fn one_address_cannot_take_all_places_and_silence_gives_way() {
    let limits = Limits { max_connections_per_address: 10, ..Limits::default() };
    let gateway = Gateway::with(limits);
    let mut silent = Vec::new();
    for _ in 0..30 {
        silent.push(TcpStream::connect(gateway.address).await.expect("connects"));
    }
    for _ in 0..20 {
        assert_eq!(gateway.client().get("/healthz").await.status(), 200);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(gateway.metrics.open_connections() <= 10);
    drop(silent);
}

#[test]
fn idle_connections_cost_little_and_nothing_over_time() {
    alone("transport_limits::idle_connections");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run alone by the test above"]
async fn idle_connections() {
    let number = if full_size() { 2000 } else { 500 };
    let gateway = Gateway::with(Limits { max_connections_per_address: 8192, ..Limits::default() });
    let client = gateway.client();
    client.get("/healthz").await;
    let before = resident_bytes();
    let mut open = Vec::new();
    for _ in 0..number {
        let mut stream = client.connect("http/1.1").await.expect("connects");
        let request = format!("GET /healthz HTTP/1.1\r\nhost: {}\r\n\r\n", gateway.address);
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut byte = [0; 2048];
        assert!(stream.read(&mut byte).await.expect("answered") > 0);
        open.push(stream);
    }
    let full = resident_bytes();
    tokio::time::sleep(3 * SECOND).await;
    let later = resident_bytes();
    let each = full.saturating_sub(before) / number;
    println!("{each} bytes for both ends of an idle connection");
    assert!(each <= 128 * 1024, "{each} bytes for both ends of one");
    assert!(later <= full + (4 << 20), "grew by {} KiB while idle", (later - full) >> 10);
    drop(open);
}
