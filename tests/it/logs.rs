//! What the gateway leaves behind on standard error: nothing that must not be there, at the
//! most talkative level, after errors and panics too (row A9).

use bytes::Bytes;
use http_body_util::Full;
use strongroom::clock::Clock;
use strongroom::config::{Format, Level, Log};
use strongroom::http::logs;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::alone::alone;
use crate::support::gateway::Gateway;

/// Looks like a link's token, 256 bits in base64url.
const TOKEN: &str = "cAnArY7wQxkAm9vVh0Y5cFv1bJd8sLr2pTn6uXzEoGi";
const WORDS: [&str; 5] =
    ["canary-name.xlsx", "canary@files.example.cn", "192.0.2.77", "canary-agent", "canarypass"];

#[test]
fn a_thousand_requests_with_secrets_leave_none() {
    let all = alone("logs::a_gateway_at_its_most_talkative");
    assert!(all.contains("strongroom_panics_total 100\n"), "the metrics were printed");

    let mut requests = 0;
    let mut statuses = std::collections::BTreeSet::new();
    let mut panics = 0;
    for line in all.lines().filter(|line| line.starts_with('{')) {
        let value: serde_json::Value = serde_json::from_str(line).expect("one JSON object a line");
        if value["message"] == "request" {
            requests += 1;
            statuses.insert(value["status"].as_u64().expect("a status"));
        }
        panics += usize::from(line.contains("a panic; what it said is not logged"));
    }
    assert_eq!(requests, 1000);
    assert_eq!(panics, 100);
    assert_eq!(statuses, [200, 401, 404, 405, 415, 421, 500].into());

    let hidden = [TOKEN].into_iter().chain(WORDS).flat_map(|word| {
        use base64::Engine;
        let base64 = base64::engine::general_purpose::STANDARD_NO_PAD.encode(word);
        [word.to_owned(), hex::encode(word), base64, word.replace('@', "%40")]
    });
    for word in hidden {
        assert!(!all.contains(&word), "{word} was logged");
    }
}

/// Runs in a process of its own, because a logger and a panic hook are for a whole process.
#[tokio::test]
#[ignore = "run by the test above"]
async fn a_gateway_at_its_most_talkative() {
    let settings = Log { level: Level::Trace, format: Format::Json };
    logs::init(&settings, Clock::System).expect("the first logger");
    let mut gateway = Gateway::start();
    let client = gateway.client();
    let [name, mail, ip, agent, pass] = WORDS;
    let mut broken = TcpStream::connect(gateway.address).await.expect("connects");
    broken.write_all(format!("GET /in/{TOKEN} HTTP/1.1\r\n\r\n").as_bytes()).await.expect("sent");
    for round in 0..100 {
        for (method, path) in [
            ("GET", format!("/probe/panic/{TOKEN}-{name}-{mail}-{ip}")),
            ("GET", format!("/probe/fail/{TOKEN}")),
            ("GET", format!("/nothing/{TOKEN}/{name}")),
            ("GET", format!("/healthz?token={TOKEN}&mail={mail}")),
            ("BREW", format!("/healthz?{TOKEN}")),
            ("PUT", "/probe/sink".to_owned()),
            ("GET", "/api/v1/probe/session".to_owned()),
        ] {
            let request = client
                .request(method, &path)
                .header("authorization", format!("Bearer {TOKEN}"))
                .header("cookie", format!("__Host-session={TOKEN}"))
                .header("referer", format!("https://files.example.cn/u/1#{TOKEN}"))
                .header("x-request-id", TOKEN)
                .header("x-forwarded-for", ip)
                .header("user-agent", agent);
            let body = Full::new(Bytes::from(format!("{{\"passphrase\":\"{pass}\"}}")));
            client.h1(request.body(body).expect("a request")).await;
        }
        let encoded = client
            .request("PUT", "/probe/sink")
            .header("content-encoding", format!("gzip, {TOKEN}"))
            .header("content-disposition", format!("attachment; filename={name}"));
        client.h1(encoded.body(Full::default()).expect("a request")).await;
        let foreign = format!("GET / HTTP/1.1\r\nhost: {TOKEN}\r\nconnection: close\r\n\r\n");
        client.raw(foreign.as_bytes()).await;
        let h2 = client.request_h2("GET", &format!("/healthz?{TOKEN}")).header("x", TOKEN);
        client.h2(h2.body(Full::default()).expect("a request")).await;
        if round == 0 {
            client.raw(format!("GET /{TOKEN} HTTP/9.9\r\n{TOKEN}\r\n\r\n").as_bytes()).await;
        }
    }
    // The last bodies are logged when their connections let go of them.
    gateway.shutdown.drain();
    gateway.ended().await;
    println!("{}", gateway.metrics.render());
}
