//! Row U11: names and ids that would like to be paths. Whatever they say, nothing appears outside
//! the folder that was meant.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use serde_json::Value;

use crate::support::alone::full_size;
use crate::support::books::files;
use crate::support::demo::{Demo, text};
use crate::support::tls::{Client, read};

/// Names that leave, hide, reverse, break off or pretend.
fn corpus() -> Vec<String> {
    let up = [
        "",
        "../",
        "../../",
        "../../../../../../../../",
        "..\\",
        "..\\..\\",
        "./",
        ".//",
        "/",
        "//",
        "\\",
        "\\\\server\\share\\",
        "C:\\",
        "C:",
        "file:///",
        "~/",
        "~root/",
        "..;/",
        "..%2f",
        "%2e%2e/",
        "%2e%2e%2f",
        "%252e%252e%252f",
        "..%c0%af",
        "..%ef%bc%8f",
        "．．/",
        "．．／",
        "..∕",
        "..⁄",
        ". ./",
        "..\0/",
        "..\n/",
        "..\r\n/",
        "\u{202e}../",
        "a/../../",
        "a/b/../../../",
        "/proc/self/cwd/",
        "/dev/shm/",
        "/tmp/",
        "$HOME/",
        "`pwd`/",
        "|",
        ">",
        "&",
        ";",
        "-",
        "--to=",
        ".",
        "..",
        "...",
        " ",
    ];
    let names = [
        "evil",
        "evil.pdf",
        ".bashrc",
        ".ssh/authorized_keys",
        "manifest.csv",
        "CON",
        "nul.txt",
        "evil\0.pdf",
        "evil\n.pdf",
        "evil\r.pdf",
        "\u{202e}fdp.live",
        "evil.",
        "evil ",
        " evil",
        "evil/",
        "evil/.",
        "evil/..",
        "evil\\",
        "*",
        "?",
        "evil?.pdf",
        "evil:stream",
        "evil\u{7f}",
        "é".repeat(120).leak(),
        "对账单.pdf",
        "a".repeat(255).leak(),
        "a".repeat(1000).leak(),
        "\u{feff}evil",
        "\u{200b}",
        "\u{1b}[31mevil",
        "..",
        ".",
        "",
        "/",
        "\\",
        "%00",
        "%2e%2e",
        "evil%00.pdf",
        "$(touch evil)",
        "';touch evil;'",
    ];
    let mut all = BTreeSet::new();
    for up in up {
        all.extend(names.map(|name| format!("{up}{name}")));
    }
    let all: Vec<String> = all.into_iter().collect();
    assert!(all.len() >= 1900, "{}", all.len());
    all
}

/// A name as it stands in a URL.
fn escaped(name: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    name.bytes().map(byte).collect()
}

/// Requests one after the other over one connection.
struct Line {
    client: Client,
    sender: hyper::client::conn::http1::SendRequest<Full<Bytes>>,
}

impl Line {
    async fn open(demo: &Demo) -> Self {
        let ca = demo.record["ca"].as_str().expect("a CA").to_owned();
        let client = Client::trusting(Path::new(&ca), demo.address());
        let stream = client.connect("http/1.1").await.expect("connects");
        let (sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("HTTP/1.1");
        tokio::spawn(connection);
        Self { client, sender }
    }

    async fn ask(&mut self, method: &str, path: &str, token: &str, body: &[u8]) -> (u16, Value) {
        let request = self
            .client
            .request(method, path)
            .header("authorization", format!("Bearer {token}"))
            .header("tus-resumable", "1.0.0")
            .body(Full::new(Bytes::copy_from_slice(body)))
            .expect("a request");
        self.sender.ready().await.expect("open");
        let answer = read(self.sender.send_request(request).await.expect("an answer")).await;
        (answer.status(), serde_json::from_slice(&answer.body).unwrap_or_default())
    }
}

/// Every file of the demo but those that its gateway and its people write by themselves.
fn tree(demo: &Demo) -> BTreeSet<String> {
    let root = demo.folder.path();
    let ours = |path: &String| {
        !path.starts_with("demo/strongroom.db") && !path.starts_with("demo/objects/segments/")
    };
    let below = |path: &Path| path.strip_prefix(root).expect("below").display().to_string();
    files(root).iter().map(|path| below(path)).filter(ours).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_id_in_an_address_leads_anywhere() {
    let demo = Demo::start();
    let (before, objects) = (tree(&demo), demo.stored());
    let token = demo.token("accountant");
    let mut line = Line::open(&demo).await;
    let routes = [
        ("GET", "/api/v1/documents/", "/age"),
        ("GET", "/api/v1/documents/", ""),
        ("HEAD", "/api/v1/uploads/", ""),
        ("PUT", "/in/", "/x"),
        ("DELETE", "/api/v1/sessions/", ""),
    ];
    for (at, name) in corpus().iter().enumerate() {
        let (method, route, rest) = routes[at % routes.len()];
        let path = format!("{route}{}{rest}", escaped(name));
        let (status, _) = line.ask(method, &path, &token, b"").await;
        assert!((400..500).contains(&status), "{method} {path}: {status}");
    }
    assert_eq!((tree(&demo), demo.stored()), (before, objects));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_of_a_document_leads_anywhere() {
    let demo = Demo::start();
    let client = demo.client("principal");
    let request = ["request", "--client", &client, "--on-arrival", "--max-files", "5000"];
    let door = demo.run("accountant", &request).ok()["url"].as_str().expect("a URL").to_owned();
    let door =
        format!("/in/{}/", door.split_once("/in/").expect("a token").1.trim_end_matches('/'));
    let mut line = Line::open(&demo).await;
    let step = if full_size() { 1 } else { 10 };
    let (mut sent, mut refused) = (Vec::new(), 0);
    for name in corpus().iter().step_by(step) {
        let path = format!("{door}{}", escaped(name));
        let (status, body) = line.ask("PUT", &path, "", name.as_bytes()).await;
        match status {
            201 => sent.push((body["document"].as_str().expect("an id").to_owned(), name.clone())),
            400 => refused += 1,
            _ => panic!("{name:?}: {status} {body}"),
        }
    }
    assert!(sent.len() > 10 * refused, "{} of {refused} refused", sent.len());

    let before = tree(&demo);
    let to = demo.place("in");
    let pulled = demo.run("accountant", &["pull", "--all", "--to", &text(&to)]).ok();
    let rows = pulled.as_array().expect("rows");
    for (document, name) in &sent {
        let row = rows.iter().find(|row| row["document"] == document.as_str()).expect("pulled");
        let shown = if name.is_empty() { "document" } else { name };
        assert_eq!(row["name"], shown, "the name is the sender's");
        let path = Path::new(row["path"].as_str().expect("a path"));
        let below = path.strip_prefix(&to).unwrap_or_else(|_| panic!("{name:?} became {path:?}"));
        let parts: Vec<Component<'_>> = below.components().collect();
        assert!(parts.iter().all(|part| matches!(part, Component::Normal(_))), "{path:?}");
        assert_eq!(parts.len(), 4, "client, period, category, name: {path:?}");
        assert!(std::fs::symlink_metadata(path).expect("there").is_file());
        let safe = path.file_name().expect("a name").to_str().expect("UTF-8");
        assert!(!safe.starts_with(['.', '-']) || !safe.starts_with('.'), "{safe}");
        assert!(!safe.chars().any(|c| c.is_control() || "\\/:*?\"<>|".contains(c)), "{safe}");
    }
    let new: Vec<String> = tree(&demo).difference(&before).cloned().collect();
    // What the device remembers of statements lies in the profile.
    let memory = ["directories", "people", "chains"];
    let memory = memory.map(|name| format!("demo/profiles/accountant/{name}/"));
    let outside = |path: &&String| {
        !path.starts_with("in/") && !memory.iter().any(|folder| path.starts_with(folder))
    };
    assert_eq!(new.iter().filter(outside).count(), 0, "{new:?}");
    // Every document once, and the table.
    assert_eq!(new.iter().filter(|path| path.starts_with("in/")).count(), rows.len() + 1);
    for place in ["/tmp/evil", "/tmp/evil.pdf", "/dev/shm/evil", "/evil", "/evil.pdf"] {
        assert!(!Path::new(place).exists(), "{place}");
    }
}
