//! Row D4: whatever comes in, the log has one line for each request and no line of anybody else's.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderValue;
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

use crate::support::demo::{Demo, Serving};
use crate::support::tls::{Client, read};

/// What would begin a line of its own, end the one that is written, or paint the screen.
fn payloads() -> Vec<String> {
    let line =
        r#"{"time":"2026-01-01T00:00:00.000Z","level":"error","message":"request","forged":true}"#;
    let breaks = [
        "\n",
        "\r\n",
        "\r",
        "\u{b}",
        "\u{c}",
        "\u{85}",
        "\u{2028}",
        "\u{2029}",
        "\\n",
        "%0a",
        "\0",
        "\u{1b}[2J",
        "\u{1b}]0;x\u{7}",
        "\u{202e}",
        "\",",
        "\"}",
        "\"}\n",
        "\\\"}\n",
        "'",
        "\u{8}\u{8}\u{8}",
        "\u{9b}31m",
        "${jndi:x}",
        "%s%n",
        "\u{fffd}",
        "\u{feff}",
    ];
    let shapes = |at: &str| [format!("{at}{line}"), format!("a{at}{line}{at}b")];
    breaks.iter().flat_map(|at| shapes(at)).collect()
}

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_payloads_are_five_hundred_lines() {
    let talkative = Serving::default().with("STRONGROOM_LOG__LEVEL", "trace").logged();
    let demo = Demo::start_as(&talkative);
    let ca = demo.record["ca"].as_str().expect("a CA").to_owned();
    let client = Client::trusting(std::path::Path::new(&ca), demo.address());
    let stream = client.connect("http/1.1").await.expect("connects");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("HTTP/1.1");
    tokio::spawn(connection);
    let door = demo.record["on_arrival_url"].as_str().expect("a URL").to_owned();
    let door = door.split_once("/in/").expect("a token").1.trim_end_matches('/').to_owned();
    let before = demo.log().lines().filter(|line| line.contains("\"message\":\"request\"")).count();
    let mut asked = 0;
    for payload in payloads() {
        let name = escaped(&payload);
        let login = json!({ "login": payload, "request": "AAAA" });
        let client_name = json!({ "client": "0".repeat(32), "name": payload });
        let header = |name: &'static str| {
            // What is no header value cannot be sent as one.
            let value = HeaderValue::from_bytes(payload.as_bytes()).ok();
            let value = value.unwrap_or_else(|| name_only(&payload));
            (name, value)
        };
        let requests: [(&str, String, Vec<(&str, HeaderValue)>, Vec<u8>); 10] = [
            ("GET", format!("/{name}"), vec![], vec![]),
            ("GET", format!("/healthz?{name}"), vec![], vec![]),
            ("GET", format!("/api/v1/documents/{name}"), vec![header("authorization")], vec![]),
            ("PUT", format!("/in/{door}/{name}"), vec![header("content-type")], b"x".to_vec()),
            ("PUT", format!("/in/{name}"), vec![header("user-agent")], b"x".to_vec()),
            (
                "POST",
                "/api/v1/login/start".into(),
                vec![json_type()],
                login.to_string().into_bytes(),
            ),
            (
                "POST",
                "/api/v1/clients".into(),
                vec![json_type()],
                client_name.to_string().into_bytes(),
            ),
            ("POST", "/api/v1/uploads".into(), vec![header("upload-metadata")], vec![]),
            ("GET", "/healthz".into(), vec![header("x-request-id"), header("range")], vec![]),
            (
                "POST",
                "/api/v1/session/refresh".into(),
                vec![json_type()],
                payload.clone().into_bytes(),
            ),
        ];
        for (method, path, headers, body) in requests {
            let mut request = client.request(method, &path);
            for (name, value) in headers {
                request = request.header(name, value);
            }
            let request = request.body(Full::new(Bytes::from(body))).expect("a request");
            sender.ready().await.expect("open");
            read(sender.send_request(request).await.expect("an answer")).await;
            asked += 1;
        }
    }
    assert_eq!(asked, 500);
    let is_request = |value: &Value| value["message"] == "request";
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let log = demo.log();
        let lines: Vec<Value> = log
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
            .collect();
        let requests = lines.iter().filter(|value| is_request(value)).count() - before;
        // The last line is written when its answer has gone.
        if requests < asked && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        }
        assert_eq!(requests, asked);
        assert!(lines.iter().all(|value| value["target"].is_string() && value["time"].is_string()));
        assert!(!log.contains("forged"));
        assert!(!log.chars().any(|c| c.is_control() && c != '\n'), "nothing paints the screen");
        return;
    }
}

fn json_type() -> (&'static str, HeaderValue) {
    ("content-type", HeaderValue::from_static("application/json"))
}

fn name_only(payload: &str) -> HeaderValue {
    HeaderValue::try_from(escaped(payload)).expect("percent signs and digits")
}
