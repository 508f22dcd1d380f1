//! Nothing of contents, names, notes, tokens, link secrets or passphrases is left behind: not in
//! the data folder, the database, its write-ahead log, the log at its most talkative, or the
//! metrics; and not after refusals, lost answers, a full disk and panics.

use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http_body_util::Full;
use serde_json::Value;

use crate::support::books::files;
use crate::support::demo::{Demo, Serving, noise, text};
use crate::support::tls::Client;
use crate::support::traces::{Searcher, forms};

const CONTENT: &str = "CANARY-content-7f3a9c21 金丝雀的内容";
const NAME: &str = "canary-name-q8w2e5 金丝雀.pdf";
const NOTE: &str = "canary note zz81kk 金丝雀的备注";
const PASSPHRASE: &str = "canary passphrase 正确的马电池";
const LOGIN: &str = "canary.login.x1y2z3";
const PERSON: &str = "Canary Person 金丝雀会计";
const FROM: &str = "Canary Sender 匿名的金丝雀";
const HEADER: &str = "canary-header-0a1b2c3d";

/// What the searches look for; `everywhere` or only in what is said.
#[derive(Default)]
struct Secrets {
    everywhere: Vec<(String, Vec<u8>)>,
    said: Vec<(String, Vec<u8>)>,
}

impl Secrets {
    fn add(&mut self, name: &str, secret: &str) {
        self.everywhere.push((name.to_owned(), secret.as_bytes().to_vec()));
        // The bytes behind the letters, too.
        for part in secret.split('.') {
            if let Ok(bytes) = URL_SAFE_NO_PAD.decode(part)
                && bytes.len() >= 16
            {
                self.everywhere.push((format!("{name}, decoded"), bytes));
            }
        }
    }

    /// Tokens as the profile of `who` holds them now.
    fn tokens(&mut self, demo: &Demo, who: &str) {
        self.add("an access token", &demo.token(who));
        self.add("a refresh token", &demo.refresh_token(who));
    }

    fn searcher(list: &[(String, Vec<u8>)]) -> Searcher {
        Searcher::new(list.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())))
    }
}

fn word(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}")).to_owned()
}

/// Contents that say what they are all over.
fn contents(length: usize) -> Vec<u8> {
    CONTENT.as_bytes().iter().copied().cycle().take(length).collect()
}

/// A share from its proposal to a partner's disk, with a wrong code on the way.
fn share(demo: &Demo, secrets: &mut Secrets, document: &str) {
    let partner = word(&demo.record, "partner");
    let words = ["share", document, "--partner", &partner, "--purpose", "年度审计"];
    let shared = demo.run("accountant", &words).json;
    let [Some(id), Some(url), Some(code)] =
        ["share", "url", "code"].map(|name| shared[name].as_str())
    else {
        return;
    };
    secrets.add("a share's secret", url.split_once('#').expect("a fragment").1);
    secrets.add("a share's code", code);
    demo.run("principal", &["authorise", id, "--basis", "consent"]);
    let to = text(&demo.place("shared"));
    demo.run("nobody", &["receive", url, "--code", "22222222", "--to", &to]);
    demo.run("nobody", &["receive", url, "--code", code, "--to", &to]);
}

/// Everything that people do, by every way there is; what fails, fails.
fn work(demo: &Demo, secrets: &mut Secrets) {
    let client = demo.client("principal");
    let small = text(&demo.file(NAME, &contents(40_000)));
    let big = text(&demo.file(&format!("big {NAME}"), &contents(9 << 20)));
    let sealed = ["--note", NOTE, "--retry-for", "0"];
    let with = |words: &[&str]| {
        let words: Vec<String> =
            words.iter().chain(&sealed).map(|word| (*word).to_owned()).collect();
        words
    };
    let run = |who: &str, words: Vec<String>| {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        demo.run(who, &words)
    };
    let sent = run("principal", with(&["send", &small, &big, "--category", "bank"]));
    let door = word(&demo.record, "request_link");
    secrets.add("a request link's secret", door.split_once('#').expect("a fragment").1);
    run("nobody", with(&["send", &small, "--link", &door, "--from", FROM]));
    if let Some(document) = sent.json[0]["document"].as_str() {
        share(demo, secrets, document);
    }
    run("accountant", with(&["deliver", &small, "--client", &client]));
    let to = text(&demo.place("in"));
    demo.run("accountant", &["pull", "--all", "--to", &to]);
    demo.run("principal", &["pull", "--new", "--to", &to]);

    let invited = demo.run("lead", &["invite", "--role", "auditor"]);
    if let Some(url) = invited.json["url"].as_str() {
        secrets.add("an invitation's secret", url.split_once('#').expect("a fragment").1);
        let pass = text(&demo.file("pass", format!("{PASSPHRASE}\n").as_bytes()));
        let join = ["join", url, "--login", LOGIN, "--name", PERSON, "--passphrase-file", &pass];
        demo.run("newcomer", &join);
        let gateway = word(&demo.record, "url");
        let login = ["login", "--gateway", &gateway, "--login", LOGIN, "--passphrase-file", &pass];
        demo.run("elsewhere", &login);
        let wrong = text(&demo.file("wrong", b"canary wrong passphrase\n"));
        let login = ["login", "--gateway", &gateway, "--login", LOGIN, "--passphrase-file", &wrong];
        demo.run("nowhere", &login);
    }
}

/// Plain requests as curl and others send them, refused ones too.
async fn requests(demo: &Demo, secrets: &mut Secrets) {
    let client = Client::trusting(std::path::Path::new(&word(&demo.record, "ca")), demo.address());
    let door = word(&demo.record, "on_arrival_url");
    let door = door.split_once("/in/").expect("a token").1.trim_end_matches('/').to_owned();
    secrets.add("the token of an address", &door);
    let token = demo.token("principal");
    let name: String = String::from_utf8(forms(NAME.as_bytes())[5].1.clone()).expect("ASCII");
    let age = {
        let recipients = ["recipients", "--client", &demo.client("principal")];
        let listed = demo.run("principal", &recipients).json;
        let recipient = listed[0]["recipient"].as_str().unwrap_or_default().to_owned();
        let sealed = demo.run_with("x", &["seal", "-r", &recipient], &contents(5_000));
        sealed.stdout
    };
    let form = format!(
        "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{NAME}\"\r\n\r\n{CONTENT}\r\n--b--\r\n"
    );
    let manifest = format!("{CONTENT}\n{NOTE}\n");
    let asked = [
        ("PUT", format!("/in/{door}/{name}"), "application/octet-stream", contents(3 << 20)),
        ("PUT", format!("/in/{door}/{name}"), "text/plain", age),
        ("POST", format!("/in/{door}"), "multipart/form-data; boundary=b", form.into_bytes()),
        ("PUT", format!("/in/{door}x/{name}"), "text/plain", contents(1000)),
        ("GET", format!("/in/{door}"), "", Vec::new()),
        ("GET", format!("/api/v1/documents/{name}?note={name}"), "", Vec::new()),
        ("POST", "/api/v1/documents".into(), "application/octet-stream", contents(3000)),
        ("POST", "/api/v1/documents".into(), "application/vnd.strongroom.document", contents(3000)),
        ("POST", "/api/v1/uploads".into(), "application/offset+octet-stream", contents(3000)),
        ("PATCH", format!("/api/v1/uploads/{}", "0".repeat(32)), "text/plain", contents(3000)),
        ("POST", "/api/v1/clients".into(), "application/json", manifest.clone().into_bytes()),
        ("POST", format!("/{name}/{door}"), "text/plain", contents(2000)),
        ("BREW", format!("/in/{door}/{name}"), "text/plain", contents(2000)),
        ("POST", "/api/v1/session/refresh".into(), "application/json", {
            serde_json::json!({ "refresh_token": door, "x": manifest }).to_string().into_bytes()
        }),
    ];
    for (method, path, kind, body) in asked {
        let request = client
            .request(method, &path)
            .header("content-type", kind)
            .header("authorization", format!("Bearer {token}"))
            .header("cookie", format!("session={HEADER}"))
            .header("referer", format!("https://elsewhere/{HEADER}"))
            .header("user-agent", HEADER)
            .header("x-forwarded-for", HEADER)
            .header("tus-resumable", "1.0.0")
            .header("upload-length", HEADER)
            .header("upload-metadata", HEADER);
        client.h1(request.body(Full::new(Bytes::from(body))).expect("a request")).await;
    }
}

fn metrics(demo: &Demo) -> Vec<u8> {
    let metrics = word(&demo.record, "metrics");
    let address = metrics.trim_start_matches("http://").trim_end_matches("/metrics");
    let mut stream = std::net::TcpStream::connect(address).expect("connects");
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").expect("asked");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("answered");
    assert!(bytes.len() > 500);
    bytes
}

/// Where something is found in the folder of the gateway.
fn found(demo: &Demo, searcher: &Searcher) -> Vec<String> {
    let data = demo.data();
    let mut found = Vec::new();
    let mut bytes = 0;
    for path in files(&data) {
        let below = path.strip_prefix(&data).expect("below");
        if below.starts_with("profiles") || below.as_os_str() == "demo.json" {
            continue;
        }
        // What is removed between the listing and now is not there.
        let Ok(read) = std::fs::read(&path) else { continue };
        bytes += read.len();
        found.extend(searcher.find(&read).into_iter().map(|what| format!("{what} in {below:?}")));
    }
    assert!(bytes > 9 << 20, "the documents are there");
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_behind_of_what_was_sent_said_or_proven() {
    let talkative = || Serving::default().with("STRONGROOM_LOG__LEVEL", "trace").logged();
    let mut demo = Demo::start_as(&talkative());
    let address = demo.address();
    let mut secrets = Secrets::default();
    for (name, secret) in [
        ("contents", CONTENT),
        ("a name", NAME),
        ("a note", NOTE),
        ("a header", HEADER),
        ("a sender", FROM),
    ] {
        secrets.add(name, secret);
    }
    secrets.add("a passphrase", PASSPHRASE);
    secrets.add("a wrong passphrase", "canary wrong passphrase");
    for account in demo.record["accounts"].as_object().expect("accounts").values() {
        secrets.add("a passphrase of the demo", &word(account, "passphrase"));
    }
    let mut kept = Vec::new();
    for fault in [None, Some("LOSE_ANSWER"), Some("DISK_FULL"), Some("PANIC")] {
        if let Some(fault) = fault {
            demo.kill();
            demo.serve_as(address, &talkative().fault(fault));
        }
        work(&demo, &mut secrets);
        requests(&demo, &mut secrets).await;
        for who in ["lead", "principal", "accountant"] {
            secrets.tokens(&demo, who);
        }
        kept.push(metrics(&demo));
        // With the write-ahead log as it is while the gateway runs.
        let searcher = Secrets::searcher(&secrets.everywhere);
        assert_eq!(found(&demo, &searcher), Vec::<String>::new(), "{fault:?}");
    }
    // Who somebody is stands in the database and is never said.
    let people = [("a login name", LOGIN), ("a person's name", PERSON)];
    secrets.said = secrets.everywhere.clone();
    secrets.said.extend(people.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())));
    let log = demo.log();
    let said = Secrets::searcher(&secrets.said);
    assert_eq!(said.find(log.as_bytes()), Vec::<String>::new());
    for metrics in kept {
        assert_eq!(said.find(&metrics), Vec::<String>::new());
    }
    // All of that did happen.
    for happened in [
        "\"status\":201",
        "\"status\":404",
        "\"status\":415",
        "\"status\":500",
        "\"status\":503",
        "\"status\":507",
        "a panic;",
        "\"level\":\"info\"",
    ] {
        assert!(log.contains(happened), "{happened}");
    }
    demo.stop();
    assert_eq!(found(&demo, &Secrets::searcher(&secrets.everywhere)), Vec::<String>::new());
    // The same eyes find what is planted there.
    std::fs::write(demo.data().join("objects/planted"), CONTENT).expect("written");
    assert!(!found(&demo, &Secrets::searcher(&secrets.everywhere)).is_empty());
}

#[test]
fn a_trace_is_found_in_whatever_form_and_wherever() {
    for secret in [CONTENT, NAME, NOTE, "plain-ascii-secret"] {
        let searcher = Searcher::new([("it", secret.as_bytes().to_vec())]);
        let around = noise(5000, 9);
        for before in 1000..1006 {
            let plant = |what: &[u8]| [&around[..before], what, &around[before..]].concat();
            for (form, needle) in forms(secret.as_bytes()) {
                assert!(!searcher.find(&plant(&needle)).is_empty(), "{form} of {secret}");
            }
            // Inside something longer that was encoded as a whole.
            let whole = plant(secret.as_bytes());
            let encoded = [
                base64::engine::general_purpose::STANDARD.encode(&whole),
                URL_SAFE_NO_PAD.encode(&whole),
                hex::encode(&whole),
            ];
            for text in encoded {
                assert!(!searcher.find(text.as_bytes()).is_empty(), "{secret} at {before}");
            }
        }
        assert!(searcher.find(&around).is_empty());
    }
}
