//! Every route against names that are not the gateway's, redirects, header splits, caches.

use http::{Method, Request};
use http_body_util::Full;
use strongroom::app::gateway::routes;

use crate::support::demo::Demo;
use crate::support::tls::{Answer, Client};

const EVIL: &str = "evil.example";

/// Names that a request may claim to be for.
const HOSTS: [&str; 20] = [
    "evil.example",
    "evil.example:443",
    "EVIL.example",
    "evil.example.",
    "127.0.0.1",
    "127.0.0.1:1",
    "localhost",
    "localhost:80",
    "localhost.evil.example",
    "0.0.0.0",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "169.254.169.254",
    "metadata.google.internal",
    "xn--80ak6aa92e.example",
    "a",
    "files.example.cn@evil.example",
    "evil.example/127.0.0.1",
    "evil.example#127.0.0.1",
    "evil.example?127.0.0.1",
];

struct World {
    demo: Demo,
    client: Client,
}

impl World {
    fn new() -> Self {
        let demo = Demo::start();
        let client = Client::trusting(&demo.data().join("certs").join("ca.pem"), demo.address());
        Self { demo, client }
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = Request::builder().method(method).uri(path);
        let request = headers.iter().fold(request, |all, (name, value)| all.header(*name, *value));
        self.client.h1(request.body(Full::default()).expect("a request")).await
    }

    fn host(&self) -> String {
        self.demo.address().to_string()
    }
}

/// A path of the template with `value` in its places.
fn filled(template: &str, value: &str) -> String {
    let parts = template.split('/');
    parts.map(|part| if part.starts_with('{') { value } else { part }).collect::<Vec<_>>().join("/")
}

fn shows(answer: &Answer, what: &str) -> bool {
    let text = String::from_utf8_lossy(&answer.body);
    text.contains(what)
        || answer.head.headers.values().any(|v| v.to_str().is_ok_and(|v| v.contains(what)))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_answers_to_another_name() {
    let world = World::new();
    let id = "0".repeat(32);
    let mut asked = 0;
    for endpoint in routes().endpoints() {
        let path = filled(endpoint.path, &id);
        for host in HOSTS {
            let answer = world.ask(endpoint.verb.method(), &path, &[("host", host)]).await;
            let what = format!("{} {path} {host}", endpoint.verb.method());
            assert!(matches!(answer.status(), 421 | 400), "{what}: {}", answer.status());
            assert!(!shows(&answer, EVIL), "{what}");
            asked += 1;
        }
        let ours = world.host();
        let forwarded = [
            ("host", ours.as_str()),
            ("x-forwarded-host", EVIL),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-for", "203.0.113.9"),
            ("forwarded", "for=203.0.113.9;host=evil.example;proto=http"),
            ("x-original-url", "/healthz"),
        ];
        let answer = world.ask(endpoint.verb.method(), &path, &forwarded).await;
        assert!(!shows(&answer, EVIL) && !shows(&answer, "203.0.113.9"), "{path}");
        let plain = world.ask(endpoint.verb.method(), &path, &[("host", &ours)]).await;
        assert_eq!(answer.status(), plain.status(), "{path}: forwarded headers change nothing");
    }
    assert!(asked >= 20 * 60, "{asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_redirects_splits_or_is_cached() {
    let world = World::new();
    let host = world.host();
    let vectors = [
        "%2F%2Fevil.example",
        "https:%2F%2Fevil.example",
        "%5C%5Cevil.example",
        "%0d%0aset-cookie:%20x=evil.example",
        "%0aLocation:%20https:%2F%2Fevil.example",
        "x%0d%0a%0d%0a%3Chtml%3Eevil.example",
        "%E5%98%8A%E5%98%8Dlocation:evil.example",
        "..%2F..%2Fetc%2Fpasswd",
        "a.css",
        "%00",
    ];
    let mut asked = 0;
    for endpoint in routes().endpoints() {
        for vector in vectors {
            let path = filled(endpoint.path, vector);
            let paths = [path.clone(), format!("{path}?next={vector}"), format!("{path}/x.css")];
            for path in paths {
                let answer = world.ask(endpoint.verb.method(), &path, &[("host", &host)]).await;
                let what = format!("{} {path}", endpoint.verb.method());
                asked += 1;
                assert!(!(300..400).contains(&answer.status()), "{what}");
                assert!(!answer.head.headers.contains_key("location"), "{what}");
                assert!(!answer.head.headers.contains_key("set-cookie"), "{what}");
                assert_eq!(answer.header("cache-control"), "no-store", "{what}");
                let deceptive = path.ends_with("/x.css") && path.starts_with("/api/");
                assert!(!deceptive || answer.status() >= 400, "{what}");
            }
        }
    }
    assert!(asked >= 300 * 3, "{asked}");
    for path in ["/", "/app", "/api/v1/nothing.css", "/api/v1/me/x.css", "/api/index.js"] {
        let answer = world.ask(Method::GET, path, &[("host", &host)]).await;
        assert!(answer.status() >= 400, "{path}: {}", answer.status());
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
}
