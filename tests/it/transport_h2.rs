//! HTTP/2 used as a weapon (row T3): raw frames, one script a weapon, each for a few seconds
//! (a minute with `STRONGROOM_TEST_FULL`). The connection is closed or harmless, memory stays,
//! and somebody honest on another connection never notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use strongroom::config::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::support::alone::{CpuClock, alone, full_size, resident_bytes};
use crate::support::gateway::Gateway;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// A frame (RFC 9113 §4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    out.extend([kind, flags]);
    out.extend(stream.to_be_bytes());
    out.extend(payload);
    out
}

/// A literal header field without indexing (RFC 7541 §6.2.2), names and values below 127 bytes.
fn literal(name: &str, value: &str) -> Vec<u8> {
    let mut out = vec![0, name.len() as u8];
    out.extend(name.as_bytes());
    out.push(value.len() as u8);
    out.extend(value.as_bytes());
    out
}

/// The header block of a request.
fn block(method: &str, path: &str, authority: &str) -> Vec<u8> {
    let fields = [(":method", method), (":scheme", "https"), (":authority", authority)];
    let mut out: Vec<u8> = fields.iter().flat_map(|(name, value)| literal(name, value)).collect();
    out.extend(literal(":path", path));
    out
}

/// A raw HTTP/2 connection, its settings exchanged; what comes back is read and dropped until
/// the end, unless the script is deaf.
struct Raw {
    writing: WriteHalf<TlsStream<TcpStream>>,
    closed: Arc<AtomicBool>,
    authority: String,
    _deaf: Option<ReadHalf<TlsStream<TcpStream>>>,
}

impl Raw {
    async fn open(gateway: &Gateway, deaf: bool, window: Option<u32>) -> Self {
        let stream = gateway.client().connect("h2").await.expect("connects");
        let (mut reading, mut writing) = tokio::io::split(stream);
        let settings = window.map_or(Vec::new(), |w| [&[0, 4][..], &w.to_be_bytes()].concat());
        let hello =
            [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(SETTINGS, 0, 0, &settings)];
        writing.write_all(&hello.concat()).await.expect("sent");
        writing.flush().await.expect("sent");
        let closed = Arc::new(AtomicBool::new(false));
        let mut kept = None;
        if deaf {
            kept = Some(reading);
        } else {
            let closed = closed.clone();
            tokio::spawn(async move {
                let mut bytes = vec![0; 64 * 1024];
                while matches!(reading.read(&mut bytes).await, Ok(n) if n > 0) {}
                closed.store(true, Ordering::SeqCst);
            });
        }
        let authority = gateway.address.to_string();
        Self { writing, closed, authority, _deaf: kept }
    }

    /// Sends `bytes`; false when the gateway has ended it, or lets nothing more in.
    async fn send(&mut self, bytes: &[u8]) -> bool {
        if self.closed.load(Ordering::SeqCst) {
            return false;
        }
        let write = async {
            self.writing.write_all(bytes).await?;
            self.writing.flush().await
        };
        matches!(tokio::time::timeout(Duration::from_secs(2), write).await, Ok(Ok(())))
    }
}

/// What a script does in round `n`: bytes to send.
type Script = fn(n: u32, raw: &Raw) -> Vec<u8>;

fn odd(n: u32) -> u32 {
    2 * n + 1
}

/// Name, deaf, first window, whether the gateway must close it, and the script.
const SCRIPTS: [(&str, bool, Option<u32>, bool, Script); 12] = [
    ("rapid reset", false, None, true, |n, raw| {
        let block = block("GET", "/probe/slow/1000", &raw.authority);
        let flags = END_HEADERS | END_STREAM;
        [frame(HEADERS, flags, odd(n), &block), frame(RST_STREAM, 0, odd(n), &[0, 0, 0, 8])]
            .concat()
    }),
    ("continuation flood", false, None, true, |n, raw| match n {
        0 => frame(HEADERS, 0, 1, &block("GET", "/healthz", &raw.authority)),
        _ => frame(CONTINUATION, 0, 1, &literal("x-a", &"b".repeat(100))),
    }),
    ("empty continuations", false, None, true, |n, raw| match n {
        0 => frame(HEADERS, 0, 1, &block("GET", "/healthz", &raw.authority)),
        _ => frame(CONTINUATION, 0, 1, &[]),
    }),
    ("hpack bomb", false, None, true, |n, raw| {
        // One large entry for the table, then a thousand references to it.
        let mut block = block("GET", "/healthz", &raw.authority);
        block.push(0x40);
        block.extend([1, b'x', 0x7f, 0xa0, 0x1e]);
        block.extend(vec![b'a'; 127 + 0x20 + (0x1e << 7)]);
        block.extend(vec![0xbe; 1000]);
        frame(HEADERS, END_HEADERS | END_STREAM, odd(n), &block)
    }),
    ("empty data", false, None, true, |n, raw| match n {
        0 => frame(HEADERS, END_HEADERS, 1, &block("PUT", "/probe/sink", &raw.authority)),
        _ => frame(DATA, 0, 1, &[]).repeat(64),
    }),
    ("tiny data", false, None, true, |n, raw| match n {
        0 => frame(HEADERS, END_HEADERS, 1, &block("PUT", "/probe/sink", &raw.authority)),
        _ => frame(DATA, 0, 1, &[7]).repeat(1024),
    }),
    ("settings flood", false, None, true, |_, _| frame(SETTINGS, 0, 0, &[]).repeat(1024)),
    ("ping flood", false, None, true, |_, _| frame(PING, 0, 0, &[0; 8]).repeat(1024)),
    ("deaf ping flood", true, None, true, |_, _| frame(PING, 0, 0, &[0; 8]).repeat(1024)),
    ("priority flood", false, None, true, |_, _| {
        frame(PRIORITY, 0, 3, &[0, 0, 0, 0, 1]).repeat(1024)
    }),
    ("window updates", false, None, true, |n, raw| match n {
        0 => frame(
            HEADERS,
            END_HEADERS | END_STREAM,
            1,
            &block("GET", "/probe/slow/60000", &raw.authority),
        ),
        _ => [frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1]); 1].concat().repeat(1024),
    }),
    ("window stall", false, Some(0), true, |n, raw| {
        let block = block("GET", "/probe/source/64", &raw.authority);
        if n < 100 { frame(HEADERS, END_HEADERS | END_STREAM, odd(n), &block) } else { Vec::new() }
    }),
];

#[test]
fn weapons_are_blunt() {
    alone("transport_h2::weapons");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run alone by the test above"]
async fn weapons() {
    let limits = if full_size() {
        Limits::default()
    } else {
        Limits { idle_seconds: 4, body_window_seconds: 2, ..Limits::default() }
    };
    let time = Duration::from_secs(if full_size() { 90 } else { 8 });
    let gateway = Arc::new(Gateway::with(limits));
    let healthy = {
        let gateway = gateway.clone();
        let asked = Arc::new(AtomicU64::new(0));
        let counted = asked.clone();
        let task = tokio::spawn(async move {
            let client = gateway.client();
            loop {
                let request = client.request_h2("GET", "/healthz").body(Full::<Bytes>::default());
                assert_eq!(client.h2(request.expect("a request")).await.status(), 200);
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        (task, asked)
    };
    tokio::time::sleep(Duration::from_millis(500)).await;
    for (name, deaf, window, must_close, script) in SCRIPTS {
        let before = resident_bytes();
        let mut raw = Raw::open(&gateway, deaf, window).await;
        let begun = Instant::now();
        let mut most = 0;
        let mut n = 0;
        let ended = loop {
            let bytes = script(n, &raw);
            if bytes.is_empty() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            if !raw.send(&bytes).await {
                break true;
            }
            n += 1;
            if n % 64 == 0 {
                most = most.max(resident_bytes().saturating_sub(before));
            }
            if begun.elapsed() > time {
                break false;
            }
        };
        println!(
            "{name}: {} after {:?} and {n} rounds, {} KiB more",
            if ended { "closed" } else { "still open" },
            begun.elapsed(),
            most >> 10
        );
        assert!(ended || !must_close, "{name}: still open after {n} rounds");
        assert!(most <= 64 << 20, "{name}: {} MiB more", most >> 20);
        drop(raw);
    }
    let (task, asked) = healthy;
    assert!(!task.is_finished(), "the honest client failed");
    assert!(asked.load(Ordering::SeqCst) > 50);
    task.abort();
    let cpu = CpuClock::open();
    let idle = cpu.now();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(cpu.now() - idle < Duration::from_millis(400), "the processor is still busy");
}

#[tokio::test]
async fn ten_tiny_frames_a_second_are_honest() {
    let time = Duration::from_secs(if full_size() { 300 } else { 6 });
    let limits = if full_size() {
        Limits::default()
    } else {
        Limits { idle_seconds: 2, body_window_seconds: 2, ..Limits::default() }
    };
    let gateway = Gateway::with(limits);
    let stream = gateway.client().connect("h2").await.expect("connects");
    let (mut sender, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    tokio::spawn(connection);
    let request = gateway.client().request_h2("PUT", "/probe/sink").body(()).expect("a request");
    let (response, mut body) = sender.send_request(request, false).expect("sent");
    let begun = Instant::now();
    let mut sent = 0;
    while begun.elapsed() < time {
        body.send_data(Bytes::from_static(&[7]), false).expect("still welcome");
        sent += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    body.send_data(Bytes::new(), true).expect("sent");
    let (head, mut body) = response.await.expect("answered").into_parts();
    assert_eq!(head.status, 200);
    let text = body.data().await.expect("a body").expect("arrives");
    assert_eq!(text, sent.to_string());
}
