//! Bad input by real commands: a clear error with the next step, or it works; never a panic.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::books::files;
use crate::support::demo::{Demo, Ran, copy, noise, text};
use crate::support::proxy::{Break, Cut, Proxy, Way};

fn word(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}")).to_owned()
}

/// An error that says what it is and what to do, in both languages.
fn clear(ran: &Ran) -> String {
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    assert!((1..=5).contains(&ran.status), "{} {}", ran.status, ran.stderr);
    let code = ran.code();
    assert!(code != "internal" && code != "bad_answer", "{}", ran.stderr);
    code
}

#[test]
fn files_with_strange_names_are_sent_under_them() {
    let demo = Demo::start();
    let folder = demo.place("strange");
    std::fs::create_dir(&folder).expect("a folder");
    let names = [
        "a\nb.pdf".to_owned(),
        "\u{202e}fdp.exe".to_owned(),
        "账".repeat(85),
        "x".repeat(255),
        " ".to_owned(),
        "-".to_owned() + "rf",
        "\\..\\up".to_owned(),
    ];
    let paths: Vec<String> = names
        .iter()
        .map(|name| {
            let path = folder.join(name);
            std::fs::write(&path, name).expect("written");
            text(&path)
        })
        .collect();
    let mut words = vec!["send"];
    words.extend(paths.iter().map(String::as_str));
    let sent = demo.run("principal", &words).ok();
    let to = demo.place("in");
    let pulled = demo.run("accountant", &["pull", "--all", "--to", &text(&to)]).ok();
    for (row, name) in sent.as_array().expect("rows").iter().zip(&names) {
        let rows = pulled.as_array().expect("rows");
        let there = rows.iter().find(|there| there["document"] == row["document"]).expect("pulled");
        assert_eq!(there["name"], name.as_str());
        let path = Path::new(there["path"].as_str().expect("a path"));
        assert_eq!(std::fs::read(path).expect("there"), name.as_bytes());
    }
    // A name of no bytes, and one that no name can be as long as.
    let file = text(&demo.file("f", b"x"));
    let sent = demo.run("principal", &["send", &file, "--name", ""]);
    if sent.status == 0 {
        let id = word(&sent.json[0], "document");
        let pulled = demo.run("accountant", &["pull", &id, "--to", &text(&to)]).ok();
        let path = word(&pulled[0], "path");
        assert!(Path::new(&path).starts_with(&to) && !path.ends_with('/'), "{path}");
    } else {
        clear(&sent);
    }
    let long = demo.run("principal", &["send", &file, "--name", &"n".repeat(100_000)]);
    assert_eq!(clear(&long), "name_too_long");
}

#[test]
fn a_file_that_changes_while_it_is_sent_meets_a_new_key() {
    let (demo, proxy) = Proxy::behind(&["principal"]);
    let mut contents = noise(20 << 20, 1);
    let file = demo.file("big.bin", &contents);
    proxy.cut([Cut { way: Way::Up, after: 10 << 20, how: Break::Hold }]);
    let mut sending = demo.command("principal", &["send", &text(&file)]);
    let sending = sending.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
    proxy.wait_for_cuts();
    let journals = files(&demo.profile("principal").join("journals"));
    let journal = journals.iter().find(|path| path.extension().is_some_and(|e| e == "json"));
    let bytes = std::fs::read(journal.expect("begun")).expect("read");
    let before: Value = serde_json::from_slice(&bytes).expect("JSON");
    contents[3] ^= 1;
    contents.truncate(19 << 20);
    std::fs::write(&file, &contents).expect("changed");
    proxy.go_on();
    let output = sending.wait_with_output().expect("ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let sent: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let document = word(&sent[0], "document");
    assert_ne!(document, word(&before, "document"));
    let to = text(&demo.place("in"));
    let pulled = demo.run("accountant", &["pull", &document, "--to", &to]).ok();
    assert!(std::fs::read(word(&pulled[0], "path")).expect("there") == contents);
    let listed = demo.run("accountant", &["list"]).ok();
    assert!(!listed.to_string().contains(&word(&before, "document")), "one document");
}

#[test]
fn an_hour_to_either_side_changes_nothing() {
    let demo = Demo::start();
    let client = demo.client("principal");
    let file = text(&demo.file("a.bin", &noise(30_000, 2)));
    let big = text(&demo.file("b.bin", &noise(9 << 20, 3)));
    for (at, shift) in ["-1h", "+1h"].into_iter().enumerate() {
        let run = |who: &str, words: &[&str]| {
            let usual = demo.command(who, words);
            let mut shifted = Command::new("faketime");
            shifted
                .args(["-f", shift])
                .arg(usual.get_program())
                .args(usual.get_args())
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
                .env_remove("STRONGROOM_PROFILE");
            let ran = Ran::with_input(shifted, b"");
            assert_eq!(ran.status, 0, "{shift} {words:?}: {} {}", ran.json, ran.stderr);
            ran.json
        };
        let sent = run("principal", &["send", &file, &big]);
        let to = text(&demo.place(shift));
        let ids = [word(&sent[0], "document"), word(&sent[1], "document")];
        let pulled = run("accountant", &["pull", &ids[0], &ids[1], "--to", &to]);
        assert!(pulled.as_array().expect("rows").iter().all(|row| row["verified"] == true));
        let url = word(&run("lead", &["invite", "--role", "accountant"]), "url");
        let new = format!("new{at}");
        let member = word(&run(&new, &["join", &url, "--login", &new]), "member");
        run("lead", &["assign", "--client", &client, "--to", &member]);
        run("accountant", &["rewrap", "--client", &client]);
        run(&new, &["pull", &ids[1], "--to", &to]);
        run("accountant", &["request", "--client", &client, "--on-arrival"]);
        run("lead", &["member", "suspend", &member]);
    }
    // Those whose clocks are right still verify what the others signed.
    let listed = demo.run("accountant", &["list"]).ok();
    let rows = listed.as_array().expect("rows");
    assert_eq!(rows.len(), 4);
    assert!(rows.iter().all(|row| row["verified"] == true), "{listed}");
    demo.run("principal", &["send", &file]).ok();
}

/// Files that a profile cannot do without.
const NEEDED: [&str; 4] = ["profile.json", "keyring.json", "device.key", "tokens.json"];

#[test]
fn a_damaged_profile_is_a_clear_error() {
    let demo = Demo::start();
    let file = text(&demo.file("a.bin", b"contents"));
    demo.run("lead", &["client", "list"]).ok();
    demo.run("principal", &["send", &file]).ok();
    for (who, words) in
        [("principal", &["send", file.as_str()][..]), ("lead", &["invite", "--role", "lead"])]
    {
        let whole = demo.profile(who);
        for path in files(&whole) {
            let name = path.strip_prefix(&whole).expect("below").to_owned();
            let bytes = std::fs::read(&path).expect("read");
            let mut flipped = bytes.clone();
            let middle = flipped.len() / 2;
            if let Some(byte) = flipped.get_mut(middle) {
                *byte ^= 0x15;
            }
            let cut = bytes[..bytes.len() / 2].to_vec();
            let damages = [Vec::new(), cut, flipped, vec![0xff; 40], b"{}".to_vec()];
            for (at, damage) in damages.into_iter().enumerate() {
                let damaged = demo.place("damaged");
                copy(&whole, &damaged);
                std::fs::write(damaged.join(&name), &damage).expect("damaged");
                let ran = demo.run("damaged", words);
                if ran.status != 0 {
                    clear(&ran);
                } else if at != 2 {
                    // One byte may be one that means nothing; more are not.
                    let needed = NEEDED.iter().any(|needed| name == Path::new(needed));
                    assert!(!needed, "{who} without {name:?} ({at})");
                }
                std::fs::remove_dir_all(damaged).expect("removed");
            }
        }
    }
}

#[test]
fn five_commands_that_need_new_tokens_at_once_share_them() {
    let demo = Demo::start();
    let path = demo.profile("principal").join("tokens.json");
    let mut tokens: Value =
        serde_json::from_slice(&std::fs::read(&path).expect("read")).expect("JSON");
    tokens["obtained_at"] = json!("2020-01-01T00:00:00.000Z");
    std::fs::write(&path, tokens.to_string()).expect("written");
    let before = demo.token("principal");
    let running: Vec<_> = (0..5)
        .map(|n| {
            let file = text(&demo.file(&format!("{n}.bin"), &noise(5000, n + 1)));
            let mut command = demo.command("principal", &["send", &file]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs")
        })
        .collect();
    for child in running {
        let output = child.wait_with_output().expect("ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_ne!(demo.token("principal"), before);
    assert_eq!(demo.run("accountant", &["list"]).ok().as_array().expect("rows").len(), 5);
}

#[test]
fn who_may_not_send_or_join_is_told_before_a_byte_leaves() {
    let (demo, proxy) = Proxy::behind(&[]);
    let file = text(&demo.file("a.bin", &noise(3 << 20, 4)));
    let new = word(&demo.run("lead", &["client", "add", "无会计"]).ok(), "client");
    let invite = ["invite", "--role", "principal", "--client", &new];
    let url = word(&demo.run("lead", &invite).ok(), "url");
    demo.run("boss", &["join", &url, "--login", "boss"]).ok();
    proxy.lead(&demo, &["boss"]);
    let (before, documents) = (proxy.bytes(Way::Up), demo.books().documents.len());
    let ran = demo.run("boss", &["send", &file]);
    assert_eq!((ran.status, clear(&ran)), (3, "no_accountant".into()));
    assert!(proxy.bytes(Way::Up) - before < 64 << 10, "nothing of the file left");
    assert_eq!(demo.books().documents.len(), documents);

    let used = demo.run("again", &["join", &url]);
    assert_eq!((used.status, clear(&used)), (3, "not_found".into()));
    let expired = word(&demo.run("lead", &["invite", "--role", "auditor"]).ok(), "url");
    demo.sql("UPDATE invitations SET expires_at = 1 WHERE used_by IS NULL OR used_by = ''");
    let late = demo.run("late", &["join", &expired]);
    assert_eq!((late.status, &late.stderr), (3, &used.stderr), "expired and used look alike");
    for who in ["again", "late"] {
        assert!(!demo.place(who).join("profile.json").exists());
        assert!(!demo.place(who).join("recovery-kit.txt").exists());
    }
}
