//! `request` and `send --link`: somebody without an account sends, by the real program.

use std::time::{Duration, Instant};

use serde_json::Value;
use sqlx::Connection;

use crate::support::demo::{Demo, Serving, noise, text};
use crate::support::proxy::{Break, Cut, Proxy, Way};

fn link_of(demo: &Demo) -> String {
    demo.record["request_link"].as_str().expect("a link").to_owned()
}

fn id_of(url: &str) -> &str {
    url.split_once("/u/").expect("a link").1.split_once('#').expect("a fragment").0
}

/// The link by another address of the same gateway.
fn at(url: &str, address: &str) -> String {
    format!("https://{address}/u/{}", url.split_once("/u/").expect("a link").1)
}

fn row<'a>(listed: &'a Value, document: &Value) -> &'a Value {
    let mut rows = listed.as_array().expect("a list").iter();
    rows.find(|row| row["document"] == *document).expect("listed")
}

/// What the gateway has told the file of notices, once it is as `wanted`.
fn told(demo: &Demo, wanted: impl Fn(&str) -> bool) -> String {
    let began = Instant::now();
    loop {
        let text = std::fs::read_to_string(demo.data().join("notices.jsonl")).unwrap_or_default();
        if wanted(&text) || began.elapsed() > Duration::from_secs(20) {
            return text;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn somebody_without_an_account_sends_and_the_accountant_reads() {
    let serving = Serving::default()
        .with("STRONGROOM_NOTICES__FILE", "notices.jsonl")
        .with("STRONGROOM_NOTICES__POLL_SECONDS", "1");
    let demo = Demo::start_as(&serving);
    let url = link_of(&demo);
    let files = [
        ("三月 对账单.pdf", noise(70_000, 1)),
        ("empty.txt", Vec::new()),
        ("scan.tiff", noise(3 << 20, 2)),
        ("archive.zip", noise((11 << 20) + 5, 3)),
    ];
    let paths: Vec<String> =
        files.iter().map(|(name, bytes)| text(&demo.file(name, bytes))).collect();
    let mut words = vec!["send"];
    words.extend(paths.iter().map(String::as_str));
    words.extend([
        "--link",
        &url,
        "--from",
        "李四（出纳）",
        "--note",
        "请查收",
        "--category",
        "bank",
    ]);
    let sent = demo.run("stranger", &words).ok();
    for (row, (_, bytes)) in sent.as_array().expect("rows").iter().zip(&files) {
        assert_eq!((&row["seal"], &row["size"]), (&"end_to_end".into(), &bytes.len().into()));
        let receipt = std::fs::read_to_string(row["receipt"].as_str().expect("a path"));
        assert!(receipt.expect("kept").starts_with("strongroom/v1/receipt\n"));
    }
    // Nothing that opens anything stays behind.
    let desk = demo.profile("stranger").join("links").join(id_of(&url));
    for folder in ["journals", "pending"] {
        let left = std::fs::read_dir(desk.join(folder)).into_iter().flatten().flatten();
        let left: Vec<_> =
            left.map(|e| e.path()).filter(|p| p.extension() != Some("lock".as_ref())).collect();
        assert!(left.is_empty(), "{left:?}");
    }

    let listed = demo.run("accountant", &["list"]).ok();
    let to = demo.place("inbox");
    demo.run("accountant", &["pull", "--new", "--to", &text(&to)]).ok();
    for (sent, (name, bytes)) in sent.as_array().expect("rows").iter().zip(&files) {
        let row = row(&listed, &sent["document"]);
        assert_eq!((&row["name"], &row["verified"]), (&(*name).into(), &true.into()));
        assert_eq!((&row["from"], &row["note"]), (&"李四（出纳）".into(), &"请查收".into()));
        assert_eq!((&row["request_link"], &row["sender"]), (&id_of(&url).into(), &Value::Null));
        let period = row["period"].as_str().expect("a period");
        let path = to.join(demo.client("principal")).join(period).join("bank").join(name);
        assert!(std::fs::read(path).expect("pulled") == *bytes, "{name}");
    }
    assert!(row(&demo.run("principal", &["list"]).ok(), &sent[0]["document"])["verified"] == true);
    let foreign = demo.run("accountant2", &["list"]).ok();
    assert!(
        foreign.as_array().expect("a list").iter().all(|r| r["document"] != sent[0]["document"])
    );

    // The firm is told, in words that give nothing away.
    let id = id_of(&url);
    let notices = told(&demo, |text| text.contains("\"arrived\""));
    assert!(notices.contains("\"arrived\"") && notices.contains(id), "{notices}");
    let links =
        demo.run("accountant", &["request", "list", "--client", &demo.client("principal")]).ok();
    let listed = links.as_array().expect("links").iter().find(|l| l["link"] == id).expect("listed");
    assert_eq!((&listed["files"], &listed["state"]), (&4.into(), &"open".into()));
    demo.run("accountant", &["request", "revoke", id]).ok();
    let ended = demo.run("stranger", &["send", &paths[0], "--link", &url, "--from", "李四"]);
    assert_eq!((ended.status, ended.code()), (3, "not_found".into()));
    let notices = told(&demo, |text| text.contains("\"revoked\""));
    assert!(notices.contains("\"revoked\""), "{notices}");
    for secret in ["对账单", "李四", "archive", "陈老板", "梧桐", "/u/", "70000"] {
        assert!(!notices.contains(secret), "{secret} in {notices}");
    }
}

#[test]
fn what_makes_no_sense_is_said_before_anything_is_sent() {
    let demo = Demo::start();
    let url = link_of(&demo);
    let file = text(&demo.file("a.txt", b"a"));
    let unnamed = demo.run("stranger", &["send", &file, "--link", &url]);
    assert_eq!((unnamed.status, unnamed.code()), (2, "from_needed".into()));
    let torn = &url[..url.len() - 2];
    let bad = demo.run("stranger", &["send", &file, "--link", torn, "--from", "x"]);
    assert_eq!(bad.code(), "bad_link");
    let both = demo.run("principal", &["send", &file, "--from", "x"]);
    assert_eq!(both.status, 2);
    // Another firm's root in the fragment.
    let (address, fragment) = url.split_once('#').expect("a fragment");
    let other = if fragment.ends_with("AA") { "BA" } else { "AA" };
    let forged = format!("{address}#{}{other}", &fragment[..fragment.len() - 2]);
    let foreign = demo.run("stranger", &["send", &file, "--link", &forged, "--from", "x"]);
    assert_eq!((foreign.status, foreign.code()), (4, "foreign_root".into()));
    // Another secret under the same id.
    let byte = if &fragment[4..5] == "A" { "B" } else { "A" };
    let guessed = format!("{address}#{}{byte}{}", &fragment[..4], &fragment[5..]);
    let unknown = demo.run("stranger", &["send", &file, "--link", &guessed, "--from", "x"]);
    assert_eq!((unknown.status, unknown.code()), (3, "not_found".into()));
    // The limits of a link, by the command that makes one.
    let client = demo.client("principal");
    let one = ["request", "--client", &client, "--max-files", "1", "--expires", "1h"];
    let one = demo.run("accountant", &one).ok();
    let words = ["send", &file, "--link", one["url"].as_str().expect("a link"), "--from", "x"];
    demo.run("stranger", &words).ok();
    let used_up = demo.run("stranger", &words);
    assert_eq!((used_up.status, used_up.stderr), (3, unknown.stderr));
}

#[test]
fn a_send_through_a_link_goes_on_after_cuts() {
    let (demo, proxy) = Proxy::behind(&[]);
    let url = at(&link_of(&demo), &proxy.address.to_string());
    let contents = noise(30 << 20, 8);
    let file = text(&demo.file("big.bin", &contents));
    let cut = |after| Cut { way: Way::Up, after, how: Break::Reset };
    proxy.cut([cut(11 << 20)]);
    let words = ["send", &file, "--link", &url, "--from", "李四", "--retry-for"];
    let broken = demo.run("stranger", &[&words[..], &["0"]].concat());
    assert_eq!(broken.status, 5, "{}", broken.stderr);
    proxy.cut([cut(9 << 20)]);
    let sent = demo.run("stranger", &[&words[..], &["60"]].concat()).ok();
    assert_eq!((&sent[0]["resumed"], proxy.cuts_left()), (&true.into(), 0));
    let document = sent[0]["document"].as_str().expect("an id");
    let to = demo.place("inbox");
    let pulled = demo.run("accountant", &["pull", document, "--to", &text(&to)]).ok();
    let path = pulled[0]["path"].as_str().expect("a path");
    assert!(std::fs::read(path).expect("pulled") == contents);
}

#[test]
fn a_gateway_that_swaps_a_key_gets_not_a_byte() {
    let serving = Serving::default().with("STRONGROOM_LOG__LEVEL", "info").logged();
    let demo = Demo::start_as(&serving);
    let url = link_of(&demo);
    let file = text(&demo.file("a.txt", b"for the accountant"));
    let client = demo.client("principal");
    let readers = demo.run("accountant", &["recipients", "--client", &client]).ok();
    let known = readers[0]["recipient"].as_str().expect("a recipient");
    let mine = strongroom::envelope::Identity::random().recipient().to_string();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let changed = runtime.block_on(async {
        let path = format!("sqlite:{}", demo.data().join("strongroom.db").display());
        let mut db = sqlx::SqliteConnection::connect(&path).await.expect("opens");
        sqlx::query("UPDATE statements SET note = replace(note, $1, $2) WHERE kind = 'card' AND instr(note, $1)")
            .bind(known)
            .bind(mine)
            .execute(&mut db)
            .await
            .expect("changed")
            .rows_affected()
    });
    assert_eq!(changed, 1);
    let refused = demo.run("stranger", &["send", &file, "--link", &url, "--from", "x"]);
    assert_eq!((refused.status, refused.code()), (4, "bad_directory".into()));
    let log = demo.log();
    assert!(log.contains("/api/v1/link"), "asked once: {log}");
    assert!(!log.contains("/api/v1/link/"), "nothing was sent: {log}");
    // Nor does anything of the link stand in the log.
    let fragment = url.split_once('#').expect("a fragment").1;
    assert!(!log.contains(fragment) && !log.contains("Strongroom-Link"));
}

#[test]
fn the_page_of_a_link_says_the_same_for_every_id() {
    let demo = Demo::start();
    let ca = demo.data().join("certs").join("ca.pem");
    let client = crate::support::tls::Client::trusting(&ca, demo.address());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let page = |id: &str| {
        let request = http::Request::builder()
            .uri(format!("/u/{id}"))
            .header("host", demo.address().to_string())
            .header("accept", "text/html")
            .body(http_body_util::Full::default())
            .expect("a request");
        runtime.block_on(client.h1(request))
    };
    let url = link_of(&demo);
    let real = page(id_of(&url));
    assert_eq!(real.status(), 200);
    assert!(
        real.text().contains("strongroom send") && real.text().contains("上传")
            || real.text().contains("发送")
    );
    for id in ["0", &"0".repeat(32), "%3Cscript%3E", "..%2f..%2fetc"] {
        assert_eq!(page(id).body, real.body, "{id}");
    }
    assert_eq!(real.header("cache-control"), "no-store");
    assert_eq!(real.header("referrer-policy"), "no-referrer");
    let policy = real.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("form-action 'none'"));
    assert!(!real.text().contains("<script") && !real.text().contains("http"));
}

/// Everything that stands in the files below `folder`.
fn contents(folder: &std::path::Path, found: &mut Vec<(std::path::PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).expect("listed").flatten() {
        let path = entry.path();
        if path.is_dir() {
            contents(&path, found);
        } else {
            found.push((path.clone(), std::fs::read(&path).expect("read")));
        }
    }
}

#[test]
fn nothing_that_opens_a_link_is_kept_or_said() {
    let serving = Serving::default()
        .with("STRONGROOM_LOG__LEVEL", "trace")
        .with("STRONGROOM_NOTICES__FILE", "notices.jsonl")
        .logged();
    let demo = Demo::start_as(&serving);
    let url = link_of(&demo);
    let file = text(&demo.file("a.txt", b"a"));
    let from = ["--from", "李四"];
    let words = ["send", &file, "--link", &url];
    demo.run("stranger", &[&words[..], &from].concat()).ok();
    let id: strongroom::ids::LinkId = id_of(&url).parse().expect("an id");
    let fragment_text = url.split_once('#').expect("a fragment").1.to_owned();
    let fragment = strongroom::trust::fragment::Fragment::decode(&fragment_text).expect("one");
    let token = fragment.token(strongroom::trust::fragment::Purpose::Link, id.as_bytes());
    // Refusals and nonsense too.
    let ca = demo.data().join("certs").join("ca.pem");
    let client = crate::support::tls::Client::trusting(&ca, demo.address());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let authorization = format!("Strongroom-Link {}", *token.to_base64url());
    for n in 0..40 {
        let routes =
            ["link", "link/uploads", "link/documents", "documents", "link/uploads/0/complete"];
        let request = http::Request::builder()
            .method(if n % 2 == 0 { "GET" } else { "POST" })
            .uri(format!("/api/v1/{}", routes[n % routes.len()]))
            .header("host", demo.address().to_string())
            .header("authorization", &authorization)
            .body(http_body_util::Full::default())
            .expect("a request");
        runtime.block_on(client.h1(request));
    }
    let raw =
        base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, &fragment_text);
    let secret = raw.expect("base64")[1..33].to_vec();
    let canaries: Vec<Vec<u8>> = vec![
        fragment_text.clone().into_bytes(),
        fragment_text[..43].to_owned().into_bytes(),
        token.to_base64url().as_bytes().to_vec(),
        token.expose().to_vec(),
        hex::encode(token.expose()).into_bytes(),
        secret.clone(),
        hex::encode(&secret).into_bytes(),
    ];
    let mut found = Vec::new();
    contents(&demo.data(), &mut found);
    found.push(("gateway.log".into(), demo.log().into_bytes()));
    assert!(
        found.iter().any(|(path, _)| path.ends_with("strongroom.db")) && demo.log().len() > 1000
    );
    // `demo.json` holds the link on purpose, for whoever tries the demo.
    for (path, bytes) in found.iter().filter(|(path, _)| !path.ends_with("demo.json")) {
        for canary in &canaries {
            let there = bytes.windows(canary.len()).any(|window| window == canary.as_slice());
            assert!(!there, "{}", path.display());
        }
    }
}
