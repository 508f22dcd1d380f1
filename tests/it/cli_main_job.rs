//! The main job from end to end, by the commands people run: sent, sealed, listed, pulled.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::demo::{Demo, free_address, noise, text};

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn rows(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn documents(value: &Value) -> Vec<String> {
    rows(value).iter().filter_map(|row| row["document"].as_str().map(String::from)).collect()
}

#[test]
fn what_a_client_sends_its_accountant_pulls_and_nobody_else_sees() {
    let demo = Demo::start();
    let client = demo.client("principal");
    let files = [
        ("对账单 2026年3月.pdf", noise(200_000, 1)),
        ("empty.txt", Vec::new()),
        ("scan.tiff", noise(3 << 20, 2)),
        ("archive.zip", noise((12 << 20) + 77, 3)),
    ];
    let mut send = vec!["send".to_owned()];
    send.extend(files.iter().map(|(name, bytes)| text(&demo.file(name, bytes))));
    send.extend(
        ["--period", "2026-03", "--category", "bank", "--note", "请查收"].map(String::from),
    );
    let send: Vec<&str> = send.iter().map(String::as_str).collect();
    let sent = demo.run("principal", &send).ok();
    assert_eq!(rows(&sent).len(), files.len());
    for (row, (name, bytes)) in rows(&sent).iter().zip(&files) {
        assert_eq!(row["file"], text(&demo.place(name)));
        assert_eq!(
            (row["sha256"].as_str(), row["size"].as_u64()),
            (Some(sha256(bytes).as_str()), Some(bytes.len() as u64))
        );
        assert_eq!(row["seal"], "end_to_end");
        let receipt = std::fs::read_to_string(row["receipt"].as_str().expect("a path"));
        assert!(receipt.expect("kept").starts_with("strongroom/v1/receipt\n"));
        assert!(row.get("error").is_none());
    }

    let listed = demo.run("accountant", &["list", "--client", &client]).ok();
    for (name, bytes) in &files {
        let row = rows(&listed).iter().find(|row| row["name"] == *name).expect(name);
        assert_eq!(row["verified"], true);
        assert_eq!(
            (row["sha256"].as_str(), row["size"].as_u64()),
            (Some(sha256(bytes).as_str()), Some(bytes.len() as u64))
        );
        assert_eq!(
            (&row["period"], &row["category"], &row["state"]),
            (&"2026-03".into(), &"bank".into(), &"received".into())
        );
        assert_eq!((&row["note"], &row["reason"]), (&"请查收".into(), &Value::Null));
    }

    let ids: BTreeSet<String> = documents(&sent).into_iter().collect();
    for who in ["accountant2", "principal2"] {
        assert!(documents(&demo.run(who, &["list"]).ok()).iter().all(|id| !ids.contains(id)));
        let first = ids.first().expect("one");
        let to = text(&demo.place("elsewhere"));
        let foreign = demo.run(who, &["pull", first, "--to", &to]);
        assert_eq!((foreign.status, foreign.code()), (3, "not_found".into()));
        let unknown = demo.run(who, &["pull", &"0".repeat(32), "--to", &to]);
        assert_eq!((unknown.status, unknown.stderr), (foreign.status, foreign.stderr));
    }

    let waiting = demo.run("accountant", &["whoami"]).ok()["waiting"].as_u64();
    assert!(waiting >= Some(files.len() as u64));
    let to = demo.place("inbox");
    let pulled = demo.run("accountant", &["pull", "--new", "--to", &text(&to)]).ok();
    for (name, bytes) in &files {
        let path = to.join(&client).join("2026-03").join("bank").join(name);
        assert!(std::fs::read(&path).expect(name) == *bytes, "{name}");
        let row = rows(&pulled).iter().find(|row| row["name"] == *name).expect(name);
        assert_eq!(row["path"], text(&path));
        assert_eq!(row["verified"], true);
    }
    let table = std::fs::read_to_string(to.join("manifest.csv")).expect("a table");
    assert!(
        files.iter().all(|(name, bytes)| table.contains(name) && table.contains(&sha256(bytes)))
    );

    let again = demo.run("accountant", &["pull", "--new", "--to", &text(&to)]).ok();
    assert!(rows(&again).is_empty());
    let document = rows(&sent)[2]["document"].as_str().expect("an id");
    let same = demo.run("accountant", &["pull", document, "--to", &text(&to)]).ok();
    assert_eq!(rows(&same)[0]["skipped"], true);
    let folder = to.join(&client).join("2026-03").join("bank");
    assert_eq!(std::fs::read_dir(&folder).expect("listed").count(), files.len());
    // Somebody's own file of that name is left alone.
    std::fs::write(folder.join("scan.tiff"), b"mine").expect("written");
    let second = demo.run("accountant", &["pull", document, "--to", &text(&to)]).ok();
    assert_eq!(rows(&second)[0]["path"], text(&folder.join("scan (2).tiff")));
    assert_eq!(std::fs::read(folder.join("scan.tiff")).expect("there"), b"mine");
    let state = demo.run("principal", &["list"]).ok();
    let row = rows(&state).iter().find(|row| row["document"] == document).expect("listed");
    assert_eq!((&row["state"], &row["name"]), (&"pulled".into(), &"scan.tiff".into()));
}

#[test]
fn a_raw_document_is_an_age_file_that_the_exported_key_opens() {
    let demo = Demo::start();
    let contents = noise(2_500_000, 9);
    let file = text(&demo.file("a.bin", &contents));
    let sent = demo.run("principal", &["send", &file]).ok();
    let document = rows(&sent)[0]["document"].as_str().expect("an id");
    let (raw, key) = (text(&demo.place("a.age")), text(&demo.place("key.txt")));
    let fetched = demo.run("accountant", &["fetch", document, "--raw", &raw]).ok();
    assert_eq!(fetched["bytes"], std::fs::metadata(&raw).expect("there").len());
    demo.run("accountant", &["key", "export", "--to", &key]).ok();
    let out = demo.place("a.out");
    let opened = demo.run("accountant", &["open", "-i", &key, "-o", &text(&out), &raw]);
    assert_eq!(opened.status, 0, "{}", opened.stderr);
    assert!(std::fs::read(&out).expect("there") == contents);
    if let Ok(age) = std::process::Command::new("age").args(["-d", "-i", &key, &raw]).output() {
        assert!(age.status.success() && age.stdout == contents, "{age:?}");
    }
    let again = demo.run("accountant", &["fetch", document, "--raw", &raw]);
    assert_eq!((again.status, again.code()), (1, "file_exists".into()));
}

#[test]
fn deliver_recall_and_dry_run_do_what_they_say() {
    let demo = Demo::start();
    let client = demo.client("principal");
    let file = text(&demo.file("报表.xlsx", b"PK\x03\x04 not really"));
    let dry = demo.run("principal", &["send", &file, "--dry-run"]).ok();
    assert_eq!(rows(&dry)[0]["document"], Value::Null);
    let readers = rows(&rows(&dry)[0]["dry_run"]);
    let roles: BTreeSet<&str> = readers.iter().filter_map(|r| r["role"].as_str()).collect();
    assert!(roles.contains("accountant") && roles.contains("recovery"), "{roles:?}");
    let before = documents(&demo.run("accountant", &["list"]).ok()).len();

    let sent = demo.run("accountant", &["deliver", &file, "--client", &client]).ok();
    let document = rows(&sent)[0]["document"].as_str().expect("an id").to_owned();
    let listed = demo.run("principal", &["list"]).ok();
    let row = rows(&listed).iter().find(|row| row["document"] == document).expect("listed");
    assert_eq!((&row["direction"], &row["name"]), (&"out".into(), &"报表.xlsx".into()));
    assert_eq!(documents(&demo.run("accountant", &["list"]).ok()).len(), before + 1, "no dry run");

    let recalled = demo.run("accountant", &["recall", &document]).ok();
    assert_eq!(
        (&recalled["document"], &recalled["state"]),
        (&document.clone().into(), &"recalled".into())
    );
    let to = text(&demo.place("p"));
    assert_eq!(demo.run("principal", &["pull", &document, "--to", &to]).status, 3);

    let sent = demo.run("accountant", &["deliver", &file, "--client", &client]).ok();
    let document = rows(&sent)[0]["document"].as_str().expect("an id").to_owned();
    demo.run("principal", &["pull", &document, "--to", &to]).ok();
    let late = demo.run("accountant", &["recall", &document]);
    assert_eq!((late.status, late.code()), (3, "wrong_state".into()));

    let empty = demo.run("lead", &["client", "add", "新客户"]).ok();
    let empty = empty["client"].as_str().expect("an id").to_owned();
    let member =
        demo.run("accountant", &["whoami"]).ok()["member"].as_str().expect("an id").to_owned();
    let nobody = demo.run("accountant", &["deliver", &file, "--client", &empty]);
    assert_eq!(nobody.status, 3);
    demo.run("lead", &["assign", "--client", &empty, "--to", &member]).ok();
    let nobody = demo.run("accountant", &["deliver", &file, "--client", &empty]);
    assert_eq!((nobody.status, nobody.code()), (3, "no_reading_key".into()));
}

#[test]
fn bad_files_are_named_and_the_others_are_sent() {
    let demo = Demo::start();
    let folder = text(demo.folder.path());
    let good = text(&demo.file("好.txt", b"fine"));
    let missing = text(&demo.place("missing.pdf"));
    let ran = demo.run("principal", &["send", &missing, &good, &folder]);
    assert_eq!((ran.status, ran.code()), (1, "no_such_file".into()));
    let sent = rows(&ran.json);
    assert_eq!(sent[0]["error"]["code"], "no_such_file");
    assert!(sent[0]["error"]["message"].as_str().is_some_and(|m| m.contains("missing.pdf")));
    assert!(sent[1]["document"].is_string() && sent[1].get("error").is_none());
    assert_eq!(sent[2]["error"]["code"], "is_folder");
}

#[test]
fn names_arrive_harmless_and_as_they_were() {
    let demo = Demo::start();
    let client = demo.client("principal");
    let file = text(&demo.file("f", b"x"));
    let long = format!("{}.pdf", "a".repeat(251));
    let cases = [
        ("../../evil.sh", "_.._evil.sh"),
        ("a\nb.txt", "a_b.txt"),
        ("exe\u{202e}fdp.pdf", "exefdp.pdf"),
        (".profile", "profile"),
        (long.as_str(), ""),
    ];
    let mut ids = Vec::new();
    for (name, _) in cases {
        let sent = demo.run("principal", &["send", &file, "--name", name]).ok();
        ids.push(documents(&sent)[0].clone());
    }
    let listed = demo.run("accountant", &["list", "--client", &client]).ok();
    let to = demo.place("in");
    for (id, (name, safe)) in ids.iter().zip(cases) {
        let row = rows(&listed).iter().find(|row| row["document"] == id.as_str()).expect(name);
        assert_eq!(row["name"], name, "the name is the sender's");
        let pulled = demo.run("accountant", &["pull", id, "--to", &text(&to)]).ok();
        let path = Path::new(rows(&pulled)[0]["path"].as_str().expect("a path"));
        assert!(path.starts_with(&to), "{path:?}");
        let written = path.file_name().expect("a name").to_str().expect("UTF-8");
        assert!(written == safe || (safe.is_empty() && written.ends_with(".pdf")), "{written}");
    }
    assert!(!demo.place("evil.sh").exists());
}

#[test]
fn standard_input_is_sealed_before_it_touches_the_disk() {
    let demo = Demo::start();
    let contents = [b"CANARY-OF-THE-SPOOL".repeat(150_000), noise(100_000, 4)].concat();
    let sent = demo.run_with("principal", &["send", "-", "--name", "tar.bin"], &contents).ok();
    assert_eq!(rows(&sent)[0]["sha256"], sha256(&contents));
    let short = demo.run_with("principal", &["send", "-"], b"short").ok();
    assert_eq!((&rows(&short)[0]["name"], &rows(&short)[0]["size"]), (&"stdin".into(), &5.into()));
    let to = demo.place("in");
    let id = documents(&sent)[0].clone();
    let pulled = demo.run("accountant", &["pull", &id, "--to", &text(&to)]).ok();
    let path = rows(&pulled)[0]["path"].as_str().expect("a path").to_owned();
    assert!(std::fs::read(path).expect("there") == contents);
    let spool = demo.profile("principal").join("spool");
    assert_eq!(std::fs::read_dir(spool).expect("listed").count(), 0);
}

#[test]
fn two_commands_at_once_on_one_profile_both_do_their_work() {
    let demo = Demo::start();
    let files: Vec<String> =
        (0..8).map(|n| text(&demo.file(&format!("{n}.txt"), &noise(50_000, n + 20)))).collect();
    let running: Vec<_> = files
        .chunks(2)
        .map(|pair| {
            let mut arguments = vec!["send"];
            arguments.extend(pair.iter().map(String::as_str));
            let mut command = demo.command("principal", &arguments);
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
            command.spawn().expect("runs")
        })
        .collect();
    let mut ids = BTreeSet::new();
    for child in running {
        let output = child.wait_with_output().expect("ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let sent: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        ids.extend(documents(&sent));
    }
    assert_eq!(ids.len(), files.len());
    let listed = demo.run("accountant", &["list"]).ok();
    let verified = rows(&listed).iter().filter(|row| {
        ids.contains(row["document"].as_str().unwrap_or_default()) && row["verified"] == true
    });
    assert_eq!(verified.count(), files.len());
}

/// The files that hold payloads.
fn objects(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("listed") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            objects(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn what_was_changed_in_storage_is_not_written_and_the_others_are() {
    let demo = Demo::start();
    let folder = demo.data().join("objects");
    let mut before = Vec::new();
    objects(&folder, &mut before);
    let contents = noise(3_000_000, 30);
    let bad =
        documents(&demo.run("principal", &["send", &text(&demo.file("bad.bin", &contents))]).ok());
    let mut after = Vec::new();
    objects(&folder, &mut after);
    let object = after.iter().find(|path| !before.contains(path)).expect("a new object");
    let mut bytes = std::fs::read(object).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(object, bytes).expect("changed");
    let good =
        documents(&demo.run("principal", &["send", &text(&demo.file("good.bin", &contents))]).ok());

    let to = demo.place("in");
    let ran = demo.run("accountant", &["pull", &bad[0], &good[0], "--to", &text(&to)]);
    assert_eq!((ran.status, ran.code()), (4, "damaged".into()));
    assert_eq!(
        (&rows(&ran.json)[0]["path"], &rows(&ran.json)[0]["verified"]),
        (&Value::Null, &false.into())
    );
    assert_eq!(rows(&ran.json)[0]["reason"], "damaged");
    let path = Path::new(rows(&ran.json)[1]["path"].as_str().expect("written"));
    assert!(std::fs::read(path).expect("there") == contents);
    let folder = path.parent().expect("a folder");
    assert_eq!(std::fs::read_dir(folder).expect("listed").count(), 1, "nothing half-written");
}

#[test]
fn post_quantum_policy_holds_from_the_next_document_on() {
    let demo = Demo::start();
    let client = demo.client("principal");
    let policy = ["policy", "--client", &client, "--post-quantum", "yes"];
    assert_eq!(demo.run("lead", &policy).ok()["post_quantum"], "yes");
    let contents = noise(70_000, 31);
    let sent =
        documents(&demo.run("principal", &["send", &text(&demo.file("pq.bin", &contents))]).ok());
    let raw = demo.place("pq.age");
    demo.run("accountant", &["fetch", &sent[0], "--raw", &text(&raw)]).ok();
    let raw = std::fs::read(raw).expect("there");
    let (header, _) = strongroom::envelope::Header::parse(&raw).expect("a header");
    assert_eq!(header.strength().expect("pure"), strongroom::envelope::Strength::PostQuantum);
    let to = text(&demo.place("in"));
    let pulled = demo.run("accountant", &["pull", &sent[0], "--to", &to]).ok();
    let path = rows(&pulled)[0]["path"].as_str().expect("written").to_owned();
    assert!(std::fs::read(path).expect("there") == contents);
    // Re-wrapping keeps the strength.
    let member =
        demo.run("accountant2", &["whoami"]).ok()["member"].as_str().expect("an id").to_owned();
    demo.run("lead", &["assign", "--client", &client, "--to", &member]).ok();
    assert!(
        demo.run("accountant", &["rewrap", "--client", &client]).ok()["rewrapped"].as_u64()
            > Some(0)
    );
    let again = demo.place("pq2.age");
    demo.run("accountant2", &["fetch", &sent[0], "--raw", &text(&again)]).ok();
    let raw = std::fs::read(again).expect("there");
    let (header, _) = strongroom::envelope::Header::parse(&raw).expect("a header");
    assert_eq!(header.strength().expect("pure"), strongroom::envelope::Strength::PostQuantum);
}

#[test]
fn a_gateway_that_stopped_and_moved_has_everything_still() {
    let mut demo = Demo::start();
    let sent =
        documents(&demo.run("principal", &["send", &text(&demo.file("a.bin", b"kept"))]).ok());
    assert_eq!(demo.stop(), Some(0), "SIGTERM drains");
    let away = demo.run("principal", &["whoami"]);
    assert_eq!((away.status, away.code()), (5, "unreachable".into()));
    demo.serve(free_address());
    let to = text(&demo.place("in"));
    let pulled = demo.run("accountant", &["pull", &sent[0], "--to", &to]).ok();
    let path = rows(&pulled)[0]["path"].as_str().expect("written").to_owned();
    assert_eq!(std::fs::read(path).expect("there"), b"kept");
}
