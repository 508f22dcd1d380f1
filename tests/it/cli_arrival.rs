//! Senders with nothing but `curl`: the real `curl` over TLS against the real program, sealed
//! on arrival, and read by those who look after the client.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::curl::{curl, curl_command, curl_with, door, files, listed, pulled, rows};
use crate::support::demo::{Demo, Serving, noise, strongroom, text};

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Another address for the first client.
fn another_door(demo: &Demo, options: &[&str]) -> String {
    let client = demo.client("principal");
    let request = [&["request", "--client", &client, "--on-arrival"], options].concat();
    demo.run("accountant", &request).ok()["url"].as_str().expect("an address").to_owned()
}

fn stored(demo: &Demo) -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(&demo.data().join("objects"), &mut found);
    found.retain(|path| !path.ends_with("lock"));
    found
}

/// Waits until `holds`, at most `within`; how long it took.
fn within(within: Duration, holds: impl Fn() -> bool) -> Duration {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < within, "not within {within:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
    begun.elapsed()
}

#[test]
fn curl_sends_in_every_way_and_the_accountant_pulls_the_same_bytes() {
    let demo = Demo::start();
    let url = door(&demo);
    let name = "对账单 2026年3月.pdf";
    let contents = noise(2_300_000, 1);
    let (file, empty) = (text(&demo.file(name, &contents)), text(&demo.file("empty.txt", b"")));
    let slash = format!("{url}/");
    let form = format!("file=@{file};type=application/pdf");
    // Nine MiB without a length: more than one segment.
    let long = noise((9 << 20) + 5, 2);
    let cases = [
        (curl(&demo, &["-T", &file, &url]), "document", &contents[..]),
        (curl(&demo, &["-T", &file, &slash]), name, &contents[..]),
        (curl(&demo, &["-F", &form, &url]), name, &contents[..]),
        (curl_with(&demo, &["-T", "-", &url], &long), "document", &long[..]),
        (curl_with(&demo, &["--http2", "-T", ".", &slash], b"short"), "document", b"short"),
        (curl(&demo, &["--data-binary", "@/dev/null", &url]), "document", b""),
        (curl(&demo, &["-T", &empty, &slash]), "empty.txt", b""),
    ];
    for (answered, name, contents) in &cases {
        let document = answered.document();
        let said = answered.json();
        assert_eq!(
            (&said["sha256"], &said["seal"]),
            (&sha256(contents).into(), &"on_arrival".into())
        );
        assert!(said["receipt"].as_str().is_some_and(|r| r.starts_with("strongroom/v1/receipt\n")));
        let row = listed(&demo, "accountant", &document);
        assert_eq!((&row["seal"], &row["sender"]), (&"on_arrival".into(), &Value::Null));
        assert_eq!((&row["name"], &row["size"]), (&(*name).into(), &contents.len().into()));
        assert_eq!((&row["verified"], &row["sha256"]), (&true.into(), &sha256(contents).into()));
        let (bytes, row) = pulled(&demo, "accountant", &document);
        assert!(bytes == *contents, "{name}");
        assert_eq!((&row["verified"], &row["reason"]), (&true.into(), &Value::Null));
        let other = demo.run("accountant2", &["list"]).ok();
        assert!(rows(&other).iter().all(|row| row["document"] != document.as_str()));
    }
    let (bytes, _) = pulled(&demo, "principal", &cases[0].0.document());
    assert!(bytes == contents, "the client's own people read it too");

    // Counted apart from what was sealed by its sender.
    let config = text(&demo.data().join("strongroom.toml"));
    let checks = strongroom(&["doctor", "--config", &config]).output().expect("runs");
    let checks = String::from_utf8(checks.stdout).expect("text");
    assert!(checks.contains(&format!("{} on_arrival", cases.len())), "{checks}");

    // What people are shown names the seal as well.
    for (language, seal) in [("en", "sealed on arrival"), ("zh", "到达时封存")] {
        let mut shown = demo.command("accountant", &["list"]);
        let arguments: Vec<_> =
            shown.get_args().filter(|a| *a != "--json").map(ToOwned::to_owned).collect();
        shown = Command::new(shown.get_program());
        let output = shown.args(["--lang", language]).args(arguments).output().expect("runs");
        let text = String::from_utf8(output.stdout).expect("text");
        assert_eq!(text.matches(seal).count(), cases.len(), "{text}");
    }
}

#[test]
fn a_form_with_several_files_answers_for_each() {
    let demo = Demo::start();
    let url = door(&demo);
    let part = |name: &str, contents: &[u8]| format!("file=@{}", text(&demo.file(name, contents)));
    let (one, two) = (part("一.txt", b"one"), part("two.txt", b"two"));
    let armored = part("armored.age", b"-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n");
    let answered = curl(&demo, &["-F", &one, "-F", &two, &url]);
    assert_eq!(answered.status, 201, "{answered:?}");
    let said = answered.json();
    let found: Vec<String> = rows(&said)
        .iter()
        .map(|row| {
            let document = row["document"].as_str().expect("an id");
            listed(&demo, "accountant", document)["name"].as_str().expect("a name").to_owned()
        })
        .collect();
    assert_eq!(found, ["一.txt", "two.txt"]);

    let answered = curl(&demo, &["-F", &one, "-F", &armored, "-F", &two, &url]);
    assert_eq!(answered.status, 415, "{answered:?}");
    let said = answered.json();
    assert_eq!(rows(&said)[1]["error"]["code"], "unsupported_media_type");
    assert!(rows(&said)[1].get("document").is_none() && rows(&said)[0].get("error").is_none());
    for (row, contents) in [(0, b"one"), (2, b"two")] {
        let document = rows(&said)[row]["document"].as_str().expect("an id");
        assert_eq!(pulled(&demo, "accountant", document).0, contents);
    }
    // Other senders write names without quotes, or in RFC 8187's form.
    let body = "--XX\r\nContent-Disposition: form-data; name=f; filename=plain.txt\r\n\r\na\r\n\
        --XX\r\nContent-Disposition: form-data; name=f; filename=\"x\"; \
        filename*=UTF-8''%E5%8D%95.txt\r\n\r\nb\r\n--XX--\r\n";
    let kind = "Content-Type: multipart/form-data; boundary=XX";
    let answered = curl_with(&demo, &["-H", kind, "--data-binary", "@-", &url], body.as_bytes());
    let said = answered.json();
    for (row, name) in rows(&said).iter().zip(["plain.txt", "单.txt"]) {
        let document = row["document"].as_str().expect("an id");
        assert_eq!(listed(&demo, "accountant", document)["name"], name);
    }
    assert_eq!(curl(&demo, &["-F", "note=no file", &url]).status, 400);
}

#[test]
fn an_address_that_takes_nothing_gives_one_answer() {
    let demo = Demo::start();
    let file = text(&demo.file("a.txt", b"contents"));
    let form = format!("file=@{file}");
    let (files, bytes) =
        (another_door(&demo, &["--max-files", "1"]), another_door(&demo, &["--max-bytes", "100"]));
    curl(&demo, &["-T", &file, &files]).document();
    curl_with(&demo, &["-T", "-", &bytes], &[7; 68]).document();
    let unknown = format!("{}x", &files[..files.len() - 1]);
    let mut answers = Vec::new();
    for url in [&unknown, &files, &bytes] {
        answers.push(curl(&demo, &["-T", &file, url]));
        answers.push(curl_with(&demo, &["-T", "-", url], b"contents"));
        answers.push(curl(&demo, &["-F", &form, url]));
        answers.push(curl(&demo, &[url]));
    }
    // The second client's lead has signed no policy, and no address can be opened.
    let client = demo.client("principal2");
    let refused = demo.run("accountant2", &["request", "--client", &client, "--on-arrival"]);
    assert_eq!(refused.status, 3, "{refused:?}");
    // An address stops with its policy, and goes on with it.
    let url = door(&demo);
    let client = demo.client("principal");
    let policy = |word: &str| {
        demo.run("lead", &["policy", "--client", &client, "--on-arrival", word]).ok();
    };
    policy("no");
    answers.push(curl(&demo, &["-T", &file, &url]));
    policy("yes");
    curl(&demo, &["-T", &file, &url]).document();
    // And with the accountant who opened it, although a colleague could read.
    let accountant2 = demo.run("accountant2", &["whoami"]).ok()["member"].clone();
    let accountant = demo.run("accountant", &["whoami"]).ok()["member"].clone();
    let (accountant2, accountant) =
        (accountant2.as_str().expect("an id"), accountant.as_str().expect("an id"));
    demo.run("lead", &["assign", "--client", &client, "--to", accountant2]).ok();
    demo.run("lead", &["member", "suspend", accountant]).ok();
    answers.push(curl(&demo, &["-T", &file, &url]));
    answers.push(curl(&demo, &[&url]));
    for answer in &answers {
        assert_eq!((answer.status, &answer.body), (404, &answers[0].body), "{answers:?}");
    }
}

/// A sender in the middle of a body without a length, with `sent` bytes on the way.
fn sending(demo: &Demo, url: &str, sent: &[u8]) -> Child {
    let before = stored(demo).len();
    let mut child = curl_command(demo, &["-T", "-", url]).spawn().expect("curl runs");
    child.stdin.as_mut().expect("piped").write_all(sent).expect("taken");
    within(Duration::from_secs(20), || stored(demo).len() > before);
    child
}

#[test]
fn what_breaks_off_leaves_nothing() {
    let mut demo = Demo::start();
    let url = door(&demo);
    let sent = noise(10 << 20, 5);
    let before = stored(&demo);
    let mut child = sending(&demo, &url, &sent);
    child.kill().expect("killed");
    child.wait().expect("gone");
    within(Duration::from_secs(5), || stored(&demo) == before);

    // So does what arrives when its address is closed, at once and not at its end.
    let mut child = sending(&demo, &url, &sent);
    let client = demo.client("principal");
    demo.run("lead", &["policy", "--client", &client, "--on-arrival", "yes"]).ok();
    let accountant = demo.run("accountant", &["whoami"]).ok()["member"].clone();
    demo.run("lead", &["member", "suspend", accountant.as_str().expect("an id")]).ok();
    let took = within(Duration::from_secs(5), || stored(&demo) == before);
    drop(child.stdin.take());
    let output = child.wait_with_output().expect("it ends");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(shown.ends_with("404"), "{shown} after {took:?}");
    assert!(rows(&demo.run("lead", &["list"]).ok()).is_empty(), "nothing became a document");

    // A gateway that is killed leaves what no one resumes; the next one removes it.
    demo.kill();
}

#[test]
fn a_body_without_a_length_stops_at_the_floor() {
    const MIB: u64 = 1 << 20;
    let Some(demo) = Demo::start_on_disk((256 + 48) * MIB, &Serving::default()) else { return };
    let disk = demo.disk.as_ref().expect("its own");
    let url = door(&demo);
    let before = stored(&demo);
    let refused = curl_with(&demo, &["-T", "-", &url], &noise(100 << 20, 6));
    assert_eq!(refused.status, 507, "{refused:?}");
    assert!(refused.body.contains("insufficient_storage"), "{refused:?}");
    within(Duration::from_secs(5), || stored(&demo) == before);
    let small = curl_with(&demo, &["-T", "-", &url], b"fits").document();
    assert_eq!(pulled(&demo, "accountant", &small).0, b"fits");
    // And does not begin where there is no room for it.
    disk.fill(256 * MIB);
    assert_eq!(curl_with(&demo, &["-T", "-", &url], b"fits").status, 507);
}

#[test]
fn no_plaintext_touches_the_disk() {
    let demo = Demo::start();
    let url = door(&demo);
    let canary = b"CANARY-OF-ARRIVALS/";
    let name = "NAME-OF-ARRIVALS.txt";
    let contents = canary.repeat(600_000);
    let slash = format!("{url}/");
    // While it comes as well as afterwards.
    let child = sending(&demo, &url, &contents);
    let seen = |needle: &[u8]| {
        let mut found = Vec::new();
        files(&demo.data(), &mut found);
        found.into_iter().find(|path| {
            let bytes = std::fs::read(path).unwrap_or_default();
            bytes.windows(needle.len()).any(|window| window == needle)
        })
    };
    assert_eq!(seen(canary), None);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.stdout.ends_with(b"201"), "{output:?}");
    let file = demo.file(name, &contents);
    let document = curl(&demo, &["-T", &text(&file), &slash]).document();
    assert_eq!(listed(&demo, "accountant", &document)["name"], name);
    assert_eq!((seen(canary), seen(name.as_bytes())), (None, None));
    // The search itself finds what is there.
    std::fs::write(demo.data().join("control"), canary).expect("written");
    assert!(seen(canary).is_some());
}

#[test]
fn the_page_of_an_address_is_there_with_the_slash_too() {
    let demo = Demo::start();
    let url = demo.record["on_arrival_url"].as_str().expect("an address");
    let (bare, slash) = (curl(&demo, &[url]), curl(&demo, &[&format!("{url}/")]));
    assert_eq!((bare.status, slash.status), (200, 200));
    assert_eq!(bare.body, slash.body);
}
