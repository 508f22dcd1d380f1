//! Rows D1 and D2 by the program: a running gateway's log is checked off line, by an
//! independent script too, and whatever is done to the database is found with its place.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use strongroom::identity::GatewaySecrets;
use strongroom::merkle::{Checkpoint, VerifierKey};

use crate::support::demo::{Demo, copy, strongroom, text};

/// `audit WHAT --data DATA …`, with `--json`.
fn audit(what: &str, data: &Path, more: &[&str]) -> (i32, Value, String) {
    let output = strongroom(&["--json", "audit", what, "--data", &text(data)])
        .args(more)
        .output()
        .expect("the program runs");
    let json = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap_or(-1), json, stderr)
}

fn plain(what: &str, data: &Path) -> Vec<u8> {
    let output = strongroom(&["audit", what, "--data", &text(data)]).output().expect("runs");
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

/// A log in which everything has its place.
fn settled(data: &Path) -> Value {
    let begun = Instant::now();
    loop {
        let (status, json, stderr) = audit("verify", data, &[]);
        assert_eq!(status, 0, "{json} {stderr}");
        if json["unsequenced"] == 0 {
            return json;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "within a minute: {json}");
        std::thread::sleep(Duration::from_millis(300));
    }
}

fn script(arguments: &[&Path], key: &str) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/verify_log.py");
    let mut command = Command::new("python3");
    command.arg("-B").arg(script).arg(arguments[0]).arg(key).args(&arguments[1..]);
    command.output().expect("python3 runs")
}

#[test]
fn a_log_is_checked_while_the_gateway_runs_and_by_anybody() {
    let mut demo = Demo::start();
    let file = text(&demo.file("a.pdf", b"first"));
    demo.run("principal", &["send", &file]).ok();
    let first = settled(&demo.data());
    assert_eq!((&first["ok"], &first["covers_checkpoint"]), (&true.into(), &Value::Null));
    let older = demo.file("older.txt", &plain("checkpoint", &demo.data()));
    let before = copied(&demo.data(), &demo.place("before"));

    let file = text(&demo.file("b.pdf", b"second"));
    demo.run("principal", &["send", &file]).ok();
    demo.run("accountant", &["pull", "--all", "--to", &text(&demo.place("out"))]).ok();
    let second = settled(&demo.data());
    assert!(second["entries"].as_u64() > first["entries"].as_u64());
    let (status, held, _) = audit("verify", &demo.data(), &["--checkpoint", &text(&older)]);
    assert_eq!(
        (status, &held["covers_checkpoint"], &held["root"]),
        (0, &true.into(), &second["root"])
    );
    let newest = demo.file("newest.txt", &plain("checkpoint", &demo.data()));
    assert_eq!(demo.stop(), Some(0));

    // The end is in the tree, and its checkpoint has left the database.
    let stopped = settled(&demo.data());
    let (_, shown, _) = audit("checkpoint", &demo.data(), &[]);
    assert_eq!((&shown["size"], &shown["root"]), (&stopped["entries"], &stopped["root"]));
    let exported = std::fs::read_to_string(demo.data().join("checkpoints/newest.txt"));
    assert_eq!(exported.expect("a copy"), shown["checkpoint"].as_str().expect("a note"));

    // An older copy of the database is whole by itself, and found out by whoever held on.
    let (status, unknown, _) = audit("verify", &before, &[]);
    assert_eq!((status, &unknown["covers_checkpoint"]), (0, &Value::Null));
    let (status, cut, stderr) = audit("verify", &before, &["--checkpoint", &text(&newest)]);
    assert_eq!((status, &cut["ok"], &cut["covers_checkpoint"]), (4, &false.into(), &false.into()));
    assert_eq!(
        (&cut["fault"]["code"], &cut["fault"]["index"]),
        (&"held_cut_off".into(), &first["entries"])
    );
    assert!(stderr.contains("log_fault"), "{stderr}");
    let forged = std::fs::read_to_string(&newest).expect("kept");
    let forged = demo.file("forged.txt", forged.replacen('\n', "\n9", 1).as_bytes());
    assert_eq!(audit("verify", &demo.data(), &["--checkpoint", &text(&forged)]).0, 4);

    // The independent check, over the published formats alone.
    let log = demo.file("log.jsonl", &plain("export", &demo.data()));
    let last = demo.file("last.txt", &plain("checkpoint", &demo.data()));
    let key = shown["key"].as_str().expect("a key");
    let ran = script(&[&log, &last, &newest, &older], key);
    assert!(ran.status.success(), "{ran:?}");
    let lines = std::fs::read_to_string(&log).expect("exported");
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len() as u64, stopped["entries"].as_u64().expect("a number"));
    let place = lines.len() / 2;
    for (what, changed, said) in [
        (
            "edited",
            edited(&lines, place, "\\nclient ", "\\nclient 0"),
            format!("entry {place}: changed"),
        ),
        ("deleted", without(&lines, place), format!("entry {place}: missing")),
        ("cut off", lines[..place].to_vec().join("\n"), "cut off".to_owned()),
    ] {
        let changed = demo.file("changed.jsonl", changed.as_bytes());
        let ran = script(&[&changed, &last], key);
        let stderr = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(!ran.status.success() && stderr.contains(&said), "{what}: {stderr}");
    }
    assert!(!script(&[&log, &forged], key).status.success(), "a forged checkpoint");

    // What is under no checkpoint is not said to agree with one.
    let told = |paths: &[&Path]| {
        let ran = script(paths, key);
        assert!(ran.status.success(), "{ran:?}");
        String::from_utf8_lossy(&ran.stdout).into_owned()
    };
    let covers = first["entries"].as_u64().expect("a number");
    let all = lines.len() as u64;
    assert_eq!(told(&[&log, &older, &last]).lines().count(), 1);
    let some = told(&[&log, &older]);
    assert!(some.starts_with(&format!("entries up to {} agree", covers - 1)), "{some}");
    assert!(some.contains(&format!("{} after that are under none", all - covers)), "{some}");

    // Two heads of one size that the log's key signed: a fork, whichever the log is of.
    let secrets = GatewaySecrets::load(&demo.data().join("secrets.json")).expect("secrets");
    let name = secrets.log_key().public().key_id().to_string();
    let verifier = VerifierKey::new(&name, secrets.log_key().public().0).expect("a name");
    let fork = Checkpoint { origin: name, size: all, root: [7; 32] };
    let fork = fork.sign(&verifier, |message| secrets.log_key().sign(message)).to_string();
    let fork = demo.file("fork.txt", fork.as_bytes());
    for pair in [[&log, &last, &fork], [&log, &fork, &last]] {
        let ran = script(&pair.map(PathBuf::as_path), key);
        let stderr = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(!ran.status.success() && stderr.contains("a fork"), "{stderr}");
    }
}

fn edited(lines: &[&str], place: usize, from: &str, to: &str) -> String {
    let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    lines[place] = lines[place].replace(from, to);
    lines.join("\n")
}

fn without(lines: &[&str], place: usize) -> String {
    let mut lines = lines.to_vec();
    lines.remove(place);
    lines.join("\n")
}

/// The database by itself, as somebody carries it away.
fn copied(data: &Path, to: &Path) -> PathBuf {
    std::fs::create_dir_all(to).expect("a folder");
    for name in ["strongroom.db", "strongroom.db-wal"] {
        if data.join(name).exists() {
            std::fs::copy(data.join(name), to.join(name)).expect("copied");
        }
    }
    to.to_owned()
}

async fn change(data: &Path, statements: &[String]) {
    let path = format!("sqlite://{}", data.join("strongroom.db").display());
    let mut connection = SqliteConnection::connect(&path).await.expect("connects");
    for sql in statements {
        sqlx::query(AssertSqlSafe(sql.clone()))
            .execute(&mut connection)
            .await
            .unwrap_or_else(|e| panic!("{sql}: {e}"));
    }
    connection.close().await.expect("closed");
}

/// Moves the entries from `place` on by `by`, around the unique index.
fn shift(place: u64, by: i64) -> Vec<String> {
    vec![
        format!("UPDATE entries SET position = -1000 - position - {by} WHERE position >= {place}"),
        "UPDATE entries SET position = -1000 - position WHERE position <= -1000".to_owned(),
    ]
}

#[tokio::test]
async fn whatever_is_done_to_the_database_is_found_with_its_place() {
    let mut demo = Demo::start();
    assert_eq!(demo.stop(), Some(0));
    let whole = copied(&demo.data(), &demo.place("whole"));
    let entries = settled(&whole)["entries"].as_u64().expect("a number");
    for (number, place) in [0, entries / 2, entries - 2].into_iter().enumerate() {
        let entry = format!("(SELECT id FROM entries WHERE position = {place})");
        let delete = [
            format!("DELETE FROM entry_data WHERE entry = {entry}"),
            format!("DELETE FROM entries WHERE position = {place}"),
        ];
        let insert = format!(
            "INSERT INTO entries (leaf, text, client, position)
             SELECT randomblob(32), text, client, {place} FROM entries WHERE position = {}",
            place + 1
        );
        let cases: Vec<(&str, Vec<String>)> = vec![
            (
                "edit",
                vec![format!(
                    "UPDATE entries SET text = replace(text, 'Z', '0') WHERE position = {place}"
                )],
            ),
            ("client", vec![format!("UPDATE entries SET client = 'x' WHERE position = {place}")]),
            ("delete", delete.to_vec()),
            ("delete and close", [delete.to_vec(), shift(place + 1, -1)].concat()),
            ("insert", [shift(place, 1), vec![insert]].concat()),
            (
                "pass over",
                vec![format!("UPDATE entries SET position = NULL WHERE position = {place}")],
            ),
            (
                "reorder",
                vec![
                    format!("UPDATE entries SET position = -1 WHERE position = {place}"),
                    format!("UPDATE entries SET position = {place} WHERE position = {}", place + 1),
                    format!("UPDATE entries SET position = {} WHERE position = -1", place + 1),
                ],
            ),
            (
                "leaf",
                vec![format!("UPDATE entries SET leaf = randomblob(32) WHERE position = {place}")],
            ),
            (
                "data",
                vec![format!("UPDATE entry_data SET data = '{{}}' || data WHERE entry = {entry}")],
            ),
            (
                "salt",
                vec![format!("UPDATE entry_data SET salt = randomblob(32) WHERE entry = {entry}")],
            ),
        ];
        for (what, statements) in cases {
            let changed = demo.place(&format!("{number} {what}"));
            copy(&whole, &changed);
            change(&changed, &statements).await;
            let (status, json, stderr) = audit("verify", &changed, &[]);
            assert_eq!(
                (status, &json["ok"]),
                (4, &false.into()),
                "{what} {place}: {json} {stderr}"
            );
            assert_eq!(json["fault"]["index"], place, "{what}: {json}");
        }
    }
    for (what, sql) in [
        ("tile", "UPDATE tree_tiles SET hashes = zeroblob(32) || substr(hashes, 33)"),
        ("checkpoint", "UPDATE checkpoints SET root = randomblob(32)"),
        (
            "signature",
            "UPDATE checkpoints SET note = replace(note, char(10) || char(10), char(10) || 'x' || char(10) || char(10))",
        ),
        ("uncovered", "DELETE FROM checkpoints WHERE size = (SELECT max(size) FROM checkpoints)"),
        ("cut_off", "DELETE FROM entries WHERE position = (SELECT max(position) FROM entries)"),
    ] {
        let changed = demo.place(what);
        copy(&whole, &changed);
        change(&changed, &["PRAGMA foreign_keys = off".to_owned(), sql.to_owned()]).await;
        let (status, json, stderr) = audit("verify", &changed, &[]);
        assert_eq!((status, &json["fault"]["code"]), (4, &what.into()), "{json} {stderr}");
    }
    // Erasing what may be erased is no fault, and is told.
    let erased = demo.place("erased");
    copy(&whole, &erased);
    change(&erased, &["DELETE FROM entry_data WHERE entry % 2 = 0".to_owned()]).await;
    let (status, json, _) = audit("verify", &erased, &[]);
    assert_eq!((status, &json["entries"]), (0, &entries.into()));
    assert!(json["erased"].as_u64() > Some(0));
}
