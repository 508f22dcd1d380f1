//! Age files that `curl` brings: kept as sent, adopted by who opens them first.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use sha2::{Digest, Sha256};
use strongroom::envelope::MemberKeys;
use strongroom::trust::recovery::{Share, join};

use crate::support::curl::{curl_with, door, files, listed, pull, pulled, rows};
use crate::support::demo::{Demo, noise, text};

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// `contents` as `age` seals it for the accountant.
fn age_file(demo: &Demo, contents: &[u8]) -> PathBuf {
    let client = demo.client("principal");
    let recipients = demo.run("principal", &["recipients", "--client", &client]).ok();
    let accountant = demo.run("accountant", &["whoami"]).ok()["member"].clone();
    let row = rows(&recipients).iter().find(|row| row["member"] == accountant).expect("named");
    let sealed = demo.place("sent.age");
    let plain = demo.file("plain", contents);
    let done = Command::new("age")
        .args(["-r", row["recipient"].as_str().expect("a recipient"), "-o"])
        .args([&sealed, &plain])
        .status()
        .expect("age runs");
    assert!(done.success());
    sealed
}

#[test]
fn an_age_file_is_kept_as_sent_and_adopted_by_who_opens_it_first() {
    let demo = Demo::start();
    let url = door(&demo);
    let contents = [b"%PDF-1.7\n".to_vec(), noise(1_500_000, 3)].concat();
    let sent = std::fs::read(age_file(&demo, &contents)).expect("sealed");
    let answered = curl_with(&demo, &["-T", "-", &url], &sent);
    let document = answered.document();
    let said = answered.json();
    assert_eq!((&said["seal"], &said["sha256"]), (&"raw_age".into(), &Value::Null));
    let raw = text(&demo.place("raw.age"));
    demo.run("accountant", &["fetch", &document, "--raw", &raw]).ok();
    assert!(std::fs::read(&raw).expect("there") == sent, "kept byte for byte");
    let row = listed(&demo, "accountant", &document);
    assert_eq!((&row["seal"], &row["verified"]), (&"raw_age".into(), &false.into()));
    assert_eq!(
        (&row["size"], &row["sha256"], &row["sender"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    // Nobody else can open it yet.
    assert_eq!(pull(&demo, "principal", &document).status, 3);

    let (bytes, row) = pulled(&demo, "accountant", &document);
    assert!(bytes == contents);
    assert_eq!((&row["verified"], &row["reason"]), (&false.into(), &"sender_unknown".into()));
    assert_eq!(row["sha256"], sha256(&contents));
    let row = listed(&demo, "accountant", &document);
    assert_eq!((&row["size"], &row["sha256"]), (&contents.len().into(), &sha256(&contents).into()));
    assert_eq!((&row["sender"], &row["reason"]), (&Value::Null, &"sender_unknown".into()));

    // Sealed to everybody required now: the client's own people and the recovery key.
    let (bytes, row) = pulled(&demo, "principal", &document);
    assert!(bytes == contents);
    assert_eq!(row["reason"], "sender_unknown", "for ever");
    let adopted = text(&demo.place("adopted.age"));
    demo.run("accountant", &["fetch", &document, "--raw", &adopted]).ok();
    assert!(opened_by_recovery(&demo, Path::new(&adopted)) == contents);
}

/// What two share holders and `age` make of a raw document.
fn opened_by_recovery(demo: &Demo, raw: &Path) -> Vec<u8> {
    let shares = &demo.record["recovery_shares"];
    let share = |n: usize| -> Share {
        let path = shares[n].as_str().expect("a path");
        std::fs::read_to_string(path).expect("a share").parse().expect("well-formed")
    };
    let seed = join(&share(0), &share(2)).expect("they belong together");
    let identity = MemberKeys::from_seed(&seed).identities()[0].to_secret_string();
    let key = demo.file("recovery.txt", identity.as_bytes());
    let opened = Command::new("age").args(["-d", "-i"]).args([&key, raw]).output();
    let opened = opened.expect("age runs");
    assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
    opened.stdout
}

#[test]
fn a_damaged_age_file_is_not_written() {
    let demo = Demo::start();
    let url = door(&demo);
    let mut sent = std::fs::read(age_file(&demo, &noise(200_000, 4))).expect("sealed");
    let middle = sent.len() / 2;
    sent[middle] ^= 1;
    let document = curl_with(&demo, &["-T", "-", &url], &sent).document();
    let ran = pull(&demo, "accountant", &document);
    assert_eq!((ran.status, ran.code()), (4, "damaged".into()));
    assert_eq!(rows(&ran.json)[0]["path"], Value::Null);
    let mut written = Vec::new();
    files(&demo.place("inbox of accountant"), &mut written);
    written.retain(|path| !path.ends_with("manifest.csv"));
    assert!(written.is_empty(), "{written:?}");
    let row = listed(&demo, "accountant", &document);
    assert_eq!(row["size"], Value::Null, "and adopted by nobody");
    // What only looks like one is refused at the door.
    let short = curl_with(&demo, &["-T", "-", &url], b"age-encryption.org/v1\nnothing\n");
    assert_eq!(short.status, 415, "{short:?}");
}
