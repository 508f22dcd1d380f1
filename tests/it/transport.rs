//! HTTP over real TLS: what the front door does with every request (rows T5, T7, T9, T13).

use bytes::Bytes;
use http_body_util::Full;
use strongroom::http::server::Ended;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::gateway::Gateway;

#[tokio::test]
async fn health_is_served_over_both_protocols() {
    let gateway = Gateway::start();
    let client = gateway.client();
    let h1 = client.get("/healthz").await;
    assert_eq!((h1.status(), h1.text()), (200, r#"{"status":"ok"}"#));
    let request = client.request_h2("GET", "/healthz").body(Full::<Bytes>::default());
    let h2 = client.h2(request.expect("a request")).await;
    assert_eq!((h2.status(), h2.text()), (200, r#"{"status":"ok"}"#));
    let contact = client.get("/.well-known/security.txt").await;
    assert!(contact.text().starts_with("Contact: mailto:security@"), "{contact:?}");
}

#[tokio::test]
async fn every_answer_carries_the_security_headers_and_an_id_of_ours() {
    let gateway = Gateway::start();
    let client = gateway.client();
    let mut ids = std::collections::BTreeSet::new();
    for path in ["/healthz", "/nothing", "/api/x.css", "/probe/panic/x"] {
        let request = client.request("GET", path).header("x-request-id", "theirs");
        let answer = client.h1(request.body(Full::default()).expect("a request")).await;
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("strict-transport-security"), "max-age=63072000");
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"));
        assert_eq!(answer.header("x-request-id").len(), 32);
        assert!(ids.insert(answer.header("x-request-id").to_owned()));
    }
}

#[tokio::test]
async fn whatever_goes_wrong_is_a_problem() {
    let gateway = Gateway::start();
    let client = gateway.client();
    let unknown = client.get("/api/v1/nothing").await;
    assert_eq!((unknown.status(), unknown.code().as_str()), (404, "not_found"));
    let panicked = client.get("/probe/panic/secret-word").await;
    assert_eq!((panicked.status(), panicked.code().as_str()), (500, "internal"));
    assert!(!panicked.text().contains("secret-word"));
    assert_eq!(client.get("/healthz").await.status(), 200, "a panic ends one request alone");
}

#[tokio::test]
async fn unexpected_methods_get_405_and_allow() {
    let gateway = Gateway::start();
    let client = gateway.client();
    let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"];
    for (path, expected) in [
        ("/healthz", "GET,HEAD"),
        ("/readyz", "GET,HEAD"),
        ("/api/openapi.json", "GET,HEAD"),
        ("/.well-known/security.txt", "GET,HEAD"),
        ("/probe/sink", "PUT"),
    ] {
        for method in methods {
            for header in ["x-http-method-override", "x-method-override", "x-http-method"] {
                let request = client.request(method, path).header(header, "GET");
                let answer = client.h1(request.body(Full::default()).expect("a request")).await;
                if expected.split(',').any(|allowed| allowed == method) {
                    assert_eq!(answer.status(), 200, "{method} {path}");
                } else {
                    assert_eq!(answer.status(), 405, "{method} {path}");
                    assert_eq!(answer.header("allow"), expected);
                    if method != "HEAD" {
                        assert_eq!(answer.code(), "method_not_allowed");
                    }
                }
            }
        }
    }
    let connect = client.raw(
        b"CONNECT example.cn:443 HTTP/1.1\r\nhost: example.cn:443\r\nconnection: close\r\n\r\n",
    );
    assert!(connect.await.starts_with("HTTP/1.1 421 "), "not a proxy");
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let gateway = Gateway::start();
    let client = gateway.client();
    let request = client.request("HEAD", "/healthz").body(Full::default());
    let head = client.h1(request.expect("a request")).await;
    assert_eq!((head.status(), head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), "15");
}

#[tokio::test]
async fn only_our_own_names_are_answered() {
    let gateway = Gateway::start();
    let client = gateway.client();
    let ours = gateway.address.to_string();
    let hosts = [
        "evil.example",
        "evil.example:8443",
        "127.0.0.1",
        "127.0.0.1:1",
        "localhost",
        "evil.example#127.0.0.1",
        "127.0.0.1.evil.example",
        "[::1]",
        "0x7f000001",
        "",
    ];
    for host in hosts {
        for path in ["/healthz", "/api/openapi.json", "/nothing", "/.well-known/security.txt"] {
            let request = format!(
                "GET {path} HTTP/1.1\r\nhost: {host}\r\nx-forwarded-host: {ours}\r\n\
                 forwarded: host={ours}\r\nconnection: close\r\n\r\n"
            );
            let answer = client.raw(request.as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 421 "), "{host}: {answer}");
            assert!(host.is_empty() || !answer.contains("evil.example"), "{answer}");
        }
    }
    for (request, status) in [
        (format!("GET /healthz HTTP/1.1\r\nhost: {ours}\r\nhost: evil.example\r\n"), 400),
        (format!("GET https://evil.example/healthz HTTP/1.1\r\nhost: {ours}\r\n"), 421),
        (format!("GET https://{ours}/healthz HTTP/1.1\r\nhost: evil.example\r\n"), 421),
        ("GET /healthz HTTP/1.1\r\n".to_owned(), 400),
        (format!("GET https://{ours}/healthz HTTP/1.1\r\nhost: {ours}\r\n"), 200),
    ] {
        let answer = client.raw(format!("{request}connection: close\r\n\r\n").as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}{answer}");
    }
    let forwarded = client
        .request("GET", "/.well-known/security.txt")
        .header("x-forwarded-host", "evil.example")
        .header("x-forwarded-proto", "http");
    let answer = client.h1(forwarded.body(Full::default()).expect("a request")).await;
    assert!(!answer.text().contains("evil.example"));
}

#[tokio::test]
async fn encoded_bodies_are_refused_unread() {
    let gateway = Gateway::start();
    let client = gateway.client();
    for encoding in ["gzip", "deflate", "br", "zstd", "gzip, gzip", "identity, gzip", "GZIP", "x"] {
        let request = client.request("PUT", "/probe/sink").header("content-encoding", encoding);
        let body = Full::new(Bytes::from(vec![0x1f; 1 << 20]));
        let answer = client.h1(request.body(body).expect("a request")).await;
        assert_eq!(answer.status(), 415, "{encoding}");
        assert_eq!(answer.code(), "unsupported_media_type");
    }
    let request = client.request("PUT", "/probe/sink").header("content-encoding", "identity");
    let answer = client.h1(request.body(Full::from("plain")).expect("a request")).await;
    assert_eq!((answer.status(), answer.text()), (200, "5"));
}

#[tokio::test]
async fn plain_http_on_the_tls_port_is_told_so() {
    let gateway = Gateway::start();
    let mut stream = TcpStream::connect(gateway.address).await.expect("connects");
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("closed in order, not reset");
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("plain_http"), "{answer}");
    let mut stream = TcpStream::connect(gateway.address).await.expect("connects");
    stream.write_all(b"\x00\x01\x02").await.expect("sent");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(answer.is_empty());
}

#[tokio::test]
async fn bodies_of_many_sizes_go_up_and_come_down() {
    let gateway = Gateway::start();
    let client = gateway.client();
    for size in [0, 1, 65_535, 65_536, 1 << 20, 9 << 20] {
        let body = Bytes::from(vec![7; size]);
        let request = client.request("PUT", "/probe/sink").body(Full::new(body.clone()));
        assert_eq!(client.h1(request.expect("a request")).await.text(), size.to_string());
        let request = client.request_h2("PUT", "/probe/sink").body(Full::new(body));
        assert_eq!(client.h2(request.expect("a request")).await.text(), size.to_string());
    }
    let down = client.get("/probe/source/9").await;
    assert_eq!(down.body.len(), 9 << 20);
    let request = client.request_h2("GET", "/probe/source/9").body(Full::default());
    assert_eq!(client.h2(request.expect("a request")).await.body.len(), 9 << 20);
}

#[tokio::test]
async fn a_drain_finishes_what_is_in_progress_and_takes_nothing_new() {
    let mut gateway = Gateway::start();
    let client = gateway.client();
    let idle = client.connect("http/1.1").await.expect("connects");
    let slow = {
        let client = client.clone();
        tokio::spawn(async move { client.get("/probe/slow/700").await })
    };
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    gateway.shutdown.drain();
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert!(client.connect("http/1.1").await.is_err(), "the port is closed");
    assert_eq!(slow.await.expect("no panic").text(), "at last");
    assert_eq!(gateway.ended().await, Ended::Drained);
    assert_eq!(gateway.metrics.open_connections(), 0);
    drop(idle);
}

#[tokio::test]
async fn a_second_signal_stops_at_once() {
    let mut gateway = Gateway::start();
    let client = gateway.client();
    let slow = tokio::spawn(async move {
        let request = client.request("GET", "/probe/slow/60000").body(Full::<Bytes>::default());
        let stream = client.connect("http/1.1").await.expect("connects");
        let io = hyper_util::rt::TokioIo::new(stream);
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(io).await.expect("HTTP/1.1");
        tokio::spawn(connection);
        sender.send_request(request.expect("a request")).await.is_err()
    });
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    gateway.shutdown.drain();
    gateway.shutdown.stop();
    assert_eq!(gateway.ended().await, Ended::Cut { connections: 1 });
    assert!(slow.await.expect("no panic"));
}

#[tokio::test]
async fn a_session_route_is_for_its_roles_alone() {
    let gateway = Gateway::start();
    let client = gateway.client();
    for (bearer, status) in [
        ("", 401),
        ("Bearer nobody", 401),
        ("Bearer accountant", 403),
        ("Bearer principal", 403),
        ("Bearer lead", 200),
        ("Bearer admin", 200),
    ] {
        let request =
            client.request("GET", "/api/v1/probe/session").header("authorization", bearer);
        let answer = client.h1(request.body(Full::default()).expect("a request")).await;
        assert_eq!(answer.status(), status, "{bearer}");
    }
}

#[tokio::test]
async fn readiness_names_what_is_missing() {
    let readiness = strongroom::http::Readiness::new()
        .with("database", async || true)
        .with("storage", async || false);
    let gateway = Gateway::with_readiness(strongroom::config::Limits::default(), readiness);
    let answer = gateway.client().get("/readyz").await;
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.text(), r#"{"status":"not_ready","waiting_for":["storage"]}"#);
}

/// What arrived of an upload is worth keeping: its handler must see the end of the body and
/// have the time to save it, however the connection went.
#[tokio::test]
async fn a_broken_upload_is_told_to_its_handler_which_may_finish() {
    let gateway = Gateway::start();
    for (mark, reset) in [("fin", false), ("rst", true)] {
        let mut stream = gateway.client().connect("http/1.1").await.expect("connects");
        let head = format!(
            "PUT /probe/fate/{mark} HTTP/1.1\r\nhost: {}\r\ncontent-length: 1000000\r\n\r\nsome",
            gateway.address
        );
        stream.write_all(head.as_bytes()).await.expect("sent");
        stream.flush().await.expect("sent");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        if reset {
            socket2::SockRef::from(stream.get_ref().0)
                .set_linger(Some(std::time::Duration::ZERO))
                .expect("an option");
        }
        drop(stream);
    }
    let stream = gateway.client().connect("h2").await.expect("connects");
    let (mut sender, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    let driver = tokio::spawn(connection);
    let mut bodies = Vec::new();
    for mark in ["stream-reset", "connection-gone"] {
        let request = gateway.client().request_h2("PUT", &format!("/probe/fate/{mark}"));
        let (response, mut body) =
            sender.send_request(request.body(()).expect("a request"), false).expect("sent");
        body.send_data(Bytes::from_static(b"some"), false).expect("sent");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        if mark == "stream-reset" {
            body.send_reset(h2::Reason::CANCEL);
        }
        bodies.push((response, body));
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    driver.abort();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    for mark in ["fin", "rst", "stream-reset", "connection-gone"] {
        assert_eq!(gateway.hits(&format!("{mark} broken")), 1, "{mark}: {:?}", gateway.all_hits());
    }
}
