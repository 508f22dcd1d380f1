//! A body that is refused before its end: its sender gets the answer, not a broken stream.

use strongroom::app::gateway::routes as all;

use crate::support::curl::curl_command;
use crate::support::demo::{Demo, text};

/// More than what lies on its way when the answer is decided.
const BODY: usize = 6 << 20;

#[test]
fn curl_is_told_why_by_every_route_on_both_versions() {
    let demo = Demo::start();
    let file = demo.place("much");
    std::fs::write(&file, vec![7; BODY]).expect("written");
    let body = format!("@{}", text(&file));
    let origin = demo.record["url"].as_str().expect("an origin");
    let routes = all();
    let unsafe_routes: Vec<_> = routes
        .endpoints()
        .into_iter()
        .filter(|endpoint| !endpoint.verb.method().is_safe())
        .map(|endpoint| {
            let method = endpoint.verb.method().to_string();
            (method, format!("{origin}{}", endpoint.path.replace(['{', '}'], "")))
        })
        .collect();
    assert!(unsafe_routes.len() > 30, "{}", unsafe_routes.len());
    for version in ["--http2", "--http1.1"] {
        // One curl: the connection stays good for the next one.
        let mut arguments: Vec<&str> = vec![];
        let ca = demo.record["ca"].as_str().expect("a CA");
        for (method, url) in &unsafe_routes {
            if !arguments.is_empty() {
                arguments.extend(["--next", "-sS", "--cacert", ca, "-w", "\n%{http_code}"]);
            }
            arguments.extend([version, "-o", "/dev/null", "-X", method, "--data-binary", &body]);
            arguments.push(url);
        }
        let output = curl_command(&demo, &arguments).output().expect("curl runs");
        let shown = String::from_utf8_lossy(&output.stdout);
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert_eq!(complaints, "", "over {version}");
        let statuses: Vec<_> = shown.split_whitespace().collect();
        assert_eq!(statuses.len(), unsafe_routes.len(), "{shown}");
        for (status, (method, url)) in statuses.iter().zip(&unsafe_routes) {
            assert!(status.starts_with('4'), "{status} of {method} {url} over {version}");
        }
    }
}
