//! The counters and their own listener.

use std::net::SocketAddr;
use std::sync::Arc;

use strongroom::http::metrics::Listener;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::gateway::Gateway;

async fn ask(address: SocketAddr, line: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connects");
    let request = format!("{line} HTTP/1.1\r\nhost: metrics\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    answer
}

#[tokio::test]
async fn requests_are_counted_by_template_and_told_on_a_listener_of_their_own() {
    let gateway = Gateway::start();
    let client = gateway.client();
    for path in ["/healthz", "/healthz", "/probe/slow/1", "/probe/slow/2", "/guess/1", "/guess/2"] {
        client.get(path).await;
    }
    let local = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = Listener::bind(local).expect("a free port");
    let address = listener.local_addr();
    tokio::spawn(listener.serve(Arc::clone(&gateway.metrics), gateway.shutdown.clone()));
    let answer = ask(address, "GET /metrics").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    for line in [
        r#"strongroom_http_requests_total{route="/healthz",method="GET",status="200"} 2"#,
        r#"strongroom_http_requests_total{route="/probe/slow/{milliseconds}",method="GET",status="200"} 2"#,
        r#"strongroom_http_requests_total{route="unmatched",method="GET",status="404"} 2"#,
        r#"strongroom_http_request_duration_seconds_count{route="/healthz"} 2"#,
        "strongroom_connections_opened_total 6",
        "process_resident_memory_bytes ",
    ] {
        assert!(answer.contains(line), "{line}\n{answer}");
    }
    assert!(!answer.contains("guess"));
    assert!(ask(address, "GET /healthz").await.starts_with("HTTP/1.1 404 "));
    assert!(ask(address, "POST /metrics").await.starts_with("HTTP/1.1 405 "));
    let over_tls = client.get("/metrics").await;
    assert_eq!(over_tls.status(), 404, "not on the public port");
}

/// The shape that Prometheus reads: every sample after its TYPE, histograms cumulative.
#[tokio::test]
async fn the_text_format_is_well_formed() {
    let gateway = Gateway::start();
    gateway.client().get("/healthz").await;
    let text = gateway.metrics.render();
    let mut typed = String::new();
    let mut last = 0;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            typed = rest.split(' ').next().expect("a name").to_owned();
            last = 0;
        } else if !line.starts_with('#') {
            assert!(line.starts_with(&typed), "{line} after {typed}");
            let value = line.rsplit(' ').next().expect("a value");
            assert!(value.parse::<f64>().is_ok(), "{line}");
            if line.contains("_bucket") {
                let count: u64 = value.parse().expect("a count");
                assert!(count >= last, "{line}");
                last = count;
            }
        }
    }
}
