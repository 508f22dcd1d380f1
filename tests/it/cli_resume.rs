//! Sending through faults: a killed sender, a killed gateway, one that stays away, a file that
//! changes between tries, Ctrl-C. Nothing acknowledged is lost, nothing half-done is listed,
//! and a key never meets other bytes.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::demo::{Demo, noise, text};

const SIZE: usize = 192 << 20;

fn journals(demo: &Demo, ending: &str) -> Vec<PathBuf> {
    let folder = demo.profile("principal").join("journals");
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == ending))
        .collect()
}

/// Starts to send `file` and waits until some of it is on its way.
fn begin(demo: &Demo, file: &Path, more: &[&str]) -> Child {
    let file = text(file);
    let mut arguments = vec!["send", file.as_str()];
    arguments.extend(more);
    let mut command = demo.command("principal", &arguments);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
    wait_for_pieces(demo, 24);
    child
}

fn wait_for_pieces(demo: &Demo, count: u64) {
    let until = Instant::now() + Duration::from_secs(60);
    let recorded = || {
        let list = journals(demo, "pieces");
        list.first().and_then(|path| std::fs::metadata(path).ok()).map_or(0, |m| m.len() / 32)
    };
    while recorded() < count {
        assert!(Instant::now() < until, "nothing is sent");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn journalled(demo: &Demo) -> Value {
    let paths = journals(demo, "json");
    assert_eq!(paths.len(), 1, "one journal");
    serde_json::from_slice(&std::fs::read(&paths[0]).expect("read")).expect("JSON")
}

fn pulled(demo: &Demo, document: &str) -> Vec<u8> {
    let to = text(&demo.place("in"));
    let pulled = demo.run("accountant", &["pull", document, "--to", &to]).ok();
    std::fs::read(pulled[0]["path"].as_str().expect("a path")).expect("there")
}

fn listed(demo: &Demo) -> usize {
    demo.run("accountant", &["list"]).ok().as_array().map_or(0, Vec::len)
}

#[test]
fn a_killed_sender_goes_on_with_the_same_command() {
    let demo = Demo::start();
    let contents = noise(SIZE, 5);
    let file = demo.file("big.bin", &contents);
    let before = listed(&demo);
    let mut child = begin(&demo, &file, &[]);
    child.kill().expect("killed");
    child.wait().expect("gone");
    let journal = journalled(&demo);
    assert_eq!(listed(&demo), before, "nothing half-done is listed");
    let sent = demo.run("principal", &["send", &text(&file)]).ok();
    assert_eq!(sent[0]["document"], journal["document"]);
    assert_eq!(sent[0]["resumed"], true);
    assert!(journals(&demo, "json").is_empty() && journals(&demo, "pieces").is_empty());
    assert!(pulled(&demo, sent[0]["document"].as_str().expect("an id")) == contents);
}

#[test]
fn a_file_that_changed_between_tries_meets_a_new_key() {
    let demo = Demo::start();
    let mut contents = noise(SIZE, 6);
    let file = demo.file("big.bin", &contents);
    let mut child = begin(&demo, &file, &[]);
    child.kill().expect("killed");
    child.wait().expect("gone");
    let journal = journalled(&demo);
    contents[1_000_000] ^= 1;
    std::fs::write(&file, &contents).expect("changed");
    let sent = demo.run("principal", &["send", &text(&file)]).ok();
    assert_ne!(sent[0]["document"], journal["document"]);
    assert_eq!(sent[0]["resumed"], false);
    let document = sent[0]["document"].as_str().expect("an id");
    let raw = demo.place("raw.age");
    demo.run("accountant", &["fetch", document, "--raw", &text(&raw)]).ok();
    let raw = std::fs::read(raw).expect("there");
    let (_, header) = strongroom::envelope::Header::parse(&raw).expect("a header");
    assert_ne!(hex::encode(&raw[header..header + 16]), journal["nonce"].as_str().expect("a nonce"));
    assert!(pulled(&demo, document) == contents);
}

#[test]
fn a_killed_gateway_is_waited_for() {
    let mut demo = Demo::start();
    let contents = noise(SIZE, 7);
    let file = demo.file("big.bin", &contents);
    let child = begin(&demo, &file, &[]);
    let address = demo.address();
    demo.kill();
    std::thread::sleep(Duration::from_millis(500));
    demo.serve(address);
    let output = child.wait_with_output().expect("ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let sent: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(pulled(&demo, sent[0]["document"].as_str().expect("an id")) == contents);
}

#[test]
fn a_gateway_that_stays_away_is_status_5_and_the_same_command_goes_on() {
    let mut demo = Demo::start();
    let contents = noise(SIZE, 8);
    let file = demo.file("big.bin", &contents);
    let child = begin(&demo, &file, &["--retry-for", "1"]);
    let address = demo.address();
    demo.kill();
    let output = child.wait_with_output().expect("ends");
    assert_eq!(output.status.code(), Some(5));
    let rows: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(rows[0]["error"]["code"], "unreachable");
    let journal = journalled(&demo);
    demo.serve(address);
    let sent = demo.run("principal", &["send", &text(&file)]).ok();
    assert_eq!(sent[0]["document"], journal["document"]);
    assert!(pulled(&demo, sent[0]["document"].as_str().expect("an id")) == contents);
}

#[test]
fn ctrl_c_stops_in_order_and_says_what_was_sent() {
    let demo = Demo::start();
    let contents = noise(SIZE, 9);
    let small = demo.file("small.txt", b"small");
    let file = demo.file("big.bin", &contents);
    let before = listed(&demo);
    let child = begin(&demo, &file, &[&text(&small)]);
    let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    rustix::process::kill_process(pid.expect("a process"), rustix::process::Signal::INT)
        .expect("signalled");
    let output = child.wait_with_output().expect("ends");
    assert_eq!(output.status.code(), Some(1));
    let rows: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(rows[0]["error"]["code"], "interrupted");
    assert!(rows[1]["document"].is_string(), "the small one was through: {rows}");
    assert_eq!(listed(&demo), before + 1);
    let sent = demo.run("principal", &["send", &text(&file)]).ok();
    assert_eq!(sent[0]["resumed"], true);
}

/// Sends `files` with `with` and says of each which document it is and whether it was sent before.
fn sent(demo: &Demo, who: &str, files: &[&Path], with: &[&str]) -> Vec<(Value, bool)> {
    let files: Vec<String> = files.iter().map(|file| text(file)).collect();
    let words: Vec<&str> = ["send"].into_iter().chain(files.iter().map(String::as_str)).collect();
    let ran = demo.run(who, &[words, with.to_vec()].concat());
    let rows = ran.json.as_array().cloned().unwrap_or_else(|| panic!("{ran:?}"));
    rows.iter().map(|row| (row["document"].clone(), row["sent_before"] == true)).collect()
}

#[test]
fn the_same_command_again_sends_what_is_missing_and_nothing_twice() {
    let demo = Demo::start();
    let before = listed(&demo);
    let link = demo.record["request_link"].as_str().expect("a link").to_owned();
    let mut documents = before;
    for (who, with) in [("principal", vec![]), ("nobody", vec!["--link", &link, "--from", "李四"])]
    {
        let short = demo.file(&format!("short of {who}"), b"short");
        let long = demo.file(&format!("long of {who}"), &noise(SIZE, 9));
        let missing = demo.place(&format!("late of {who}"));
        let files = [short.as_path(), &long, &missing];
        let first = sent(&demo, who, &files, &with);
        assert_eq!(first[2].0, Value::Null, "there is no such file yet");
        assert_eq!(listed(&demo), documents + 2);
        let again = sent(&demo, who, &files, &with);
        assert_eq!(again[..2], [(first[0].0.clone(), true), (first[1].0.clone(), true)]);
        std::fs::write(&missing, b"late").expect("written");
        std::fs::write(&short, b"another").expect("changed");
        let last = sent(&demo, who, &files, &with);
        assert_eq!(last[1], (first[1].0.clone(), true));
        assert!(last[0].0 != first[0].0 && !last[0].1, "what changed is another document");
        assert_eq!(listed(&demo), documents + 4);
        // Nothing is missing any more: from here on it is a new command.
        let anew = sent(&demo, who, &files, &with);
        assert!(anew.iter().all(|(document, before)| document.is_string() && !before));
        documents += 7;
        assert_eq!(listed(&demo), documents);
    }
}
