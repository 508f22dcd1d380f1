//! Row T5: lengths, offsets and ranges that cannot be meant, over real TLS to the real program:
//! refused or read as what they say, never a fault of ours, and nothing is reserved for them.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use strongroom::api::uploads::{CONTENT_TYPE, UploadMetadata};
use strongroom::envelope::statement::{Category, Direction};
use strongroom::ids::DocumentId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::demo::{Demo, noise, text};
use crate::support::tls::Client;

/// What was never a length.
const NUMBERS: [&str; 42] = [
    "",
    "0",
    "1",
    "-1",
    "+1",
    "-0",
    "00",
    "01",
    "007",
    "0x10",
    "0b1",
    "1e3",
    "1.0",
    "1,1",
    "1, 2",
    "1;1",
    "1_000",
    "\"1\"",
    "NaN",
    "Infinity",
    "-Infinity",
    "null",
    "true",
    "a",
    "1a",
    "１",
    "٣",
    "²",
    "1 2",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "9007199254740991",
    "9007199254740992",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775808",
    "99999999999999999999999999999999",
    "0000000000000000000000000000001",
];

/// Ranges that are lists, backwards, enormous or nonsense.
const RANGES: [&str; 46] = [
    "bytes=",
    "bytes=-",
    "bytes=--1",
    "bytes=-0",
    "bytes=-1",
    "bytes=0-",
    "bytes=0-0",
    "bytes=1-0",
    "bytes=5-1",
    "bytes=0-0,1-1",
    "bytes=0-0, 2-2",
    "bytes=0-,-1",
    "bytes=,",
    "bytes=0-0,",
    "bytes= 0-0",
    "bytes=0 -0",
    "bytes=0- 0",
    "bytes =0-0",
    "bytes:0-0",
    "bytes",
    "byte=0-0",
    "chunks=0-1",
    "=0-0",
    "bytes==0-0",
    "bytes=0x0-0x1",
    "bytes=1e1-2e1",
    "bytes=+0-+1",
    "bytes=-+1",
    "bytes=00-01",
    "bytes=2147483647-",
    "bytes=2147483648-",
    "bytes=4294967296-",
    "bytes=9007199254740991-",
    "bytes=9007199254740992-",
    "bytes=9223372036854775807-",
    "bytes=9223372036854775808-",
    "bytes=18446744073709551615-",
    "bytes=18446744073709551616-",
    "bytes=0-18446744073709551615",
    "bytes=0-9223372036854775808",
    "bytes=-18446744073709551616",
    "bytes=-9007199254740991",
    "bytes=99999999999999999999-99999999999999999999",
    "bytes=a-b",
    "bytes=0-0;1-1",
    "items=0-5",
];

/// Resident memory of a process, in bytes.
fn resident(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).expect("a line");
    line.split_whitespace().nth(1).expect("a number").parse::<u64>().expect("digits") * 1024
}

/// One request written by hand: what a client library would not send. Its status; none when the
/// gateway hung up without a word. One that goes on waiting for a body is told that there is no
/// more.
async fn status(client: &Client, request: &[u8]) -> Option<u16> {
    let mut stream = client.connect("http/1.1").await.expect("connects");
    stream.write_all(request).await.expect("sent");
    stream.flush().await.expect("sent");
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    if tokio::time::timeout(Duration::from_secs(1), reading).await.is_err() {
        // The gateway may have hung up meanwhile, and ends without a close_notify.
        let _ = stream.shutdown().await;
        let _ = stream.read_to_end(&mut answer).await;
    }
    let answer = String::from_utf8_lossy(&answer);
    answer.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_length_makes_the_gateway_fail_or_grow() {
    let demo = Demo::start();
    let file = text(&demo.file("a.bin", &noise(5000, 1)));
    let sent = demo.run("principal", &["send", &file]).ok();
    let document = sent[0]["document"].as_str().expect("an id");
    let ca = demo.record["ca"].as_str().expect("a CA").to_owned();
    let client = Client::trusting(std::path::Path::new(&ca), demo.address());
    let (sender, reader) = (demo.token("principal"), demo.token("accountant"));
    let metadata = UploadMetadata {
        document: DocumentId::random(),
        client: demo.client("principal").parse().expect("an id"),
        direction: Direction::In,
        period: "2026-10".parse().expect("a period"),
        category: Category::Bank,
    };
    let host = demo.address();
    let begin = |method: &str, path: &str, token: &str| {
        format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\
             connection: close\r\ntus-resumable: 1.0.0\r\n"
        )
    };
    let create = format!(
        "{}upload-metadata: {}\r\ncontent-type: {CONTENT_TYPE}\r\n",
        begin("POST", "/api/v1/uploads", &sender),
        metadata.to_header()
    );
    let append = format!(
        "{}content-type: {CONTENT_TYPE}\r\n",
        begin("PATCH", &format!("/api/v1/uploads/{}", metadata.document), &sender)
    );
    let whole = format!(
        "{}content-type: application/vnd.strongroom.document\r\n",
        begin("POST", "/api/v1/documents", &sender)
    );
    let get = begin("GET", &format!("/api/v1/documents/{document}/age"), &reader);
    let mut requests: Vec<(String, String)> = Vec::new();
    for number in NUMBERS {
        let head = |head: &str, name: &str| format!("{head}{name}: {number}\r\n");
        let length = |request: String| format!("{request}content-length: 3\r\n\r\nabc");
        requests.extend([
            (format!("Upload-Length {number}"), length(head(&create, "upload-length"))),
            (format!("Upload-Offset {number}"), length(head(&append, "upload-offset"))),
            (
                format!("Content-Length {number}"),
                format!("{}\r\nabc", head(&whole, "content-length")),
            ),
            (
                format!("Upload-Length and Content-Length {number}"),
                format!("{}content-length: {number}\r\n\r\nabc", head(&create, "upload-length")),
            ),
        ]);
    }
    for (name, begun) in
        [("upload-length", &create), ("upload-offset", &append), ("content-length", &whole)]
    {
        let twice = format!("{begun}{name}: 3\r\n{name}: 4\r\ncontent-length: 3\r\n\r\nabc");
        requests.push((format!("{name} twice"), twice));
    }
    for range in RANGES {
        requests.push((format!("Range {range}"), format!("{get}range: {range}\r\n\r\n")));
    }
    let overlapping = vec!["0-"; 1000].join(",");
    requests.push(("a thousand ranges".into(), format!("{get}range: bytes={overlapping}\r\n\r\n")));
    requests
        .push(("two ranges".into(), format!("{get}range: bytes=0-1\r\nrange: bytes=2-3\r\n\r\n")));
    assert!(requests.len() > 200, "{}", requests.len());

    let ask = async |requests: &[(String, String)]| {
        let asking = requests.iter().map(|(what, request)| {
            let client = &client;
            async move { (what, status(client, request.as_bytes()).await) }
        });
        let mut asking = futures_util::stream::iter(asking).buffer_unordered(8);
        let mut seen = std::collections::BTreeMap::new();
        let mut most = 0;
        while let Some((what, status)) = asking.next().await {
            if let Some(status) = status {
                assert!((200..500).contains(&status), "{what}: {status}");
                *seen.entry(status).or_insert(0) += 1;
            }
            most = most.max(resident(demo.pid()));
        }
        (seen, most)
    };
    // Before measuring: buffers and pages that so many good requests take.
    let good = ("a good one".to_owned(), format!("{get}range: bytes=0-9\r\n\r\n"));
    let short = ("a short one".to_owned(), format!("{whole}content-length: 3\r\n\r\nabc"));
    let usual: Vec<_> = [good, short].into_iter().cycle().take(200).collect();
    let (_, usual) = ask(&usual).await;
    let (seen, most) = ask(&requests).await;
    assert!(most < usual + (8 << 20), "grew by {} bytes", most.saturating_sub(usual));
    for expected in [200, 206, 400, 413, 416] {
        assert!(seen.contains_key(&expected), "{expected} in {seen:?}");
    }
    // Nothing of it began an upload, and the document is served as before.
    assert!(demo.books().documents.values().all(|state| state != "uploading"));
    let stream = client.connect("http/1.1").await.expect("connects");
    let (mut asking, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("HTTP/1.1");
    tokio::spawn(connection);
    let request = client
        .request("GET", &format!("/api/v1/documents/{document}/age"))
        .header("authorization", format!("Bearer {reader}"))
        .body(Empty::<Bytes>::new())
        .expect("a request");
    let answer = asking.send_request(request).await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 200);
    assert!(answer.into_body().collect().await.expect("whole").to_bytes().len() > 5000);
}
