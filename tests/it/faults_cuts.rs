//! A line that breaks: what was sent or fetched before is not sent or fetched again, and what
//! arrives is what left.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::support::books::files;
use crate::support::demo::{Demo, noise, text};
use crate::support::proxy::{Break, Cut, Proxy, Way};

const MIB: u64 = 1 << 20;
const SIZE: u64 = 40 * MIB + 12_345;

fn cuts(way: Way, after: u64) -> [Cut; 5] {
    [Break::Reset, Break::Truncate, Break::Flip, Break::Truncate, Break::Reset].map(|how| Cut {
        way,
        after,
        how,
    })
}

fn document(sent: &Value) -> String {
    sent[0]["document"].as_str().unwrap_or_else(|| panic!("{sent}")).to_owned()
}

fn pulled(demo: &Demo, document: &str) -> Vec<u8> {
    let to = text(&demo.place("direct"));
    let pulled = demo.run("accountant", &["pull", document, "--to", &to]).ok();
    std::fs::read(pulled[0]["path"].as_str().expect("a path")).expect("there")
}

#[test]
fn a_line_that_breaks_again_and_again_costs_little_on_the_way_up() {
    let (demo, proxy) = Proxy::behind(&["principal"]);
    let contents = noise(SIZE as usize, 1);
    let file = demo.file("big.bin", &contents);
    proxy.cut(cuts(Way::Up, 6 * MIB));
    let sent = demo.run("principal", &["send", &text(&file)]).ok();
    assert_eq!(proxy.cuts_left(), 0, "it broke");
    assert!(pulled(&demo, &document(&sent)) == contents);
    // What was under way when it broke and the piece that was not whole are sent again.
    let sent = proxy.bytes(Way::Up);
    assert!(sent < SIZE + 5 * 4 * MIB, "{sent} bytes for {SIZE}");
}

#[test]
fn a_line_that_breaks_again_and_again_costs_little_on_the_way_down() {
    let (demo, proxy) = Proxy::behind(&["accountant"]);
    let contents = noise(SIZE as usize, 2);
    let file = demo.file("big.bin", &contents);
    let sent = demo.run("principal", &["send", &text(&file)]).ok();
    proxy.cut(cuts(Way::Down, 6 * MIB));
    let to = demo.place("in");
    let pulled = demo.run("accountant", &["pull", &document(&sent), "--to", &text(&to)]).ok();
    assert_eq!(proxy.cuts_left(), 0, "it broke");
    let path = PathBuf::from(pulled[0]["path"].as_str().expect("a path"));
    assert!(std::fs::read(&path).expect("there") == contents);
    let fetched = proxy.bytes(Way::Down);
    assert!(fetched < SIZE + 5 * 4 * MIB, "{fetched} bytes for {SIZE}");
    assert_eq!(files(&to).len(), 2, "the document and the table, nothing half-written");
}

#[test]
fn a_sender_and_a_reader_that_are_killed_leave_nothing_half_done() {
    let (demo, proxy) = Proxy::behind(&["principal", "accountant"]);
    let contents = noise(SIZE as usize, 3);
    let file = text(&demo.file("big.bin", &contents));
    let start = |who: &str, words: &[&str]| {
        let mut command = demo.command(who, words);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("runs")
    };
    let mut sender = start("principal", &["send", &file]);
    proxy.wait_for(Way::Up, 22 * MIB);
    sender.kill().expect("killed");
    sender.wait().expect("gone");
    let before = proxy.bytes(Way::Up);
    let sent = demo.run("principal", &["send", &file]).ok();
    assert_eq!(sent[0]["resumed"], true);
    let again = proxy.bytes(Way::Up) - before;
    assert!(again < SIZE - 12 * MIB, "{again} bytes more of {SIZE}");

    let to = demo.place("in");
    let down = proxy.bytes(Way::Down);
    let mut reader = start("accountant", &["pull", &document(&sent), "--to", &text(&to)]);
    proxy.wait_for(Way::Down, down + 10 * MIB);
    reader.kill().expect("killed");
    reader.wait().expect("gone");
    assert_eq!(files(&to), Vec::<PathBuf>::new(), "nothing half-written");
    let state = |demo: &Demo| {
        let listed = demo.run("principal", &["list"]).ok();
        let rows = listed.as_array().expect("rows").clone();
        let row = rows.into_iter().find(|row| row["document"] == document(&sent).as_str());
        row.expect("listed")["state"].clone()
    };
    assert_eq!(state(&demo), "received", "a reader that was killed has not pulled it");
    let pulled = demo.run("accountant", &["pull", &document(&sent), "--to", &text(&to)]).ok();
    let path = Path::new(pulled[0]["path"].as_str().expect("a path"));
    assert!(std::fs::read(path).expect("there") == contents);
    assert_eq!(state(&demo), "pulled");
}

#[test]
fn a_file_that_shrank_between_tries_meets_a_new_key() {
    let (demo, proxy) = Proxy::behind(&["principal"]);
    let contents = noise(20 << 20, 4);
    let file = demo.file("big.bin", &contents);
    proxy.cut([Cut { way: Way::Up, after: 12 * MIB, how: Break::Reset }]);
    let words = ["send", &text(&file), "--retry-for", "0"];
    let broke = demo.run("principal", &words);
    assert_eq!(broke.status, 5, "{} {}", broke.json, broke.stderr);
    let journals = files(&demo.profile("principal").join("journals"));
    let journal = journals.iter().find(|path| path.extension().is_some_and(|e| e == "json"));
    let journal: Value =
        serde_json::from_slice(&std::fs::read(journal.expect("resumable")).expect("read"))
            .expect("JSON");
    let shorter = &contents[..15 << 20];
    std::fs::write(&file, shorter).expect("shrunk");
    let sent = demo.run("principal", &words).ok();
    assert_eq!(sent[0]["resumed"], false);
    assert_ne!(document(&sent), journal["document"].as_str().expect("an id"));
    let raw = demo.place("raw.age");
    demo.run("accountant", &["fetch", &document(&sent), "--raw", &text(&raw)]).ok();
    let raw = std::fs::read(raw).expect("there");
    let (_, header) = strongroom::envelope::Header::parse(&raw).expect("a header");
    let nonce = hex::encode(&raw[header..header + 16]);
    assert_ne!(nonce, journal["nonce"].as_str().expect("a nonce"));
    assert!(pulled(&demo, &document(&sent)) == shorter);
}
