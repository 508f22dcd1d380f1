//! Shares from end to end, by the commands people run: proposed, authorised, received, ended.

use serde_json::Value;

use crate::support::demo::{Demo, Ran, noise, text};

/// A share as its sharer was told of it.
pub(crate) struct Share {
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) code: String,
}

/// Sends `files` as the principal and gives the documents' ids.
pub(crate) fn sent(demo: &Demo, category: &str, files: &[(&str, &[u8])]) -> Vec<String> {
    let mut words = vec!["send".to_owned()];
    words.extend(files.iter().map(|(name, bytes)| text(&demo.file(name, bytes))));
    words.extend(["--category".to_owned(), category.to_owned()]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let rows = demo.run("principal", &words).ok();
    let id = |row: &Value| row["document"].as_str().expect("an id").to_owned();
    rows.as_array().expect("rows").iter().map(id).collect()
}

/// Runs `share` as `who` with further words.
pub(crate) fn proposed(demo: &Demo, who: &str, documents: &[String], more: &[&str]) -> Ran {
    let partner = demo.record["partner"].as_str().expect("a partner");
    let mut words = vec!["share"];
    words.extend(documents.iter().map(String::as_str));
    if !more.contains(&"--partner") {
        words.extend(["--partner", partner]);
    }
    words.extend(["--purpose", "2025 年度审计"]);
    words.extend(more);
    demo.run(who, &words)
}

/// A share that waits for the client.
pub(crate) fn share(demo: &Demo, documents: &[String], more: &[&str]) -> Share {
    let made = proposed(demo, "accountant", documents, more).ok();
    assert_eq!(made["state"], "waiting");
    let word = |key: &str| made[key].as_str().unwrap_or_default().to_owned();
    Share { id: word("share"), url: word("url"), code: word("code") }
}

/// A share that the client's principal authorised.
pub(crate) fn open_share(demo: &Demo, documents: &[String], more: &[&str]) -> Share {
    let share = share(demo, documents, more);
    let done = demo.run("principal", &["authorise", &share.id, "--basis", "no_personal_data"]);
    assert_eq!(done.ok()["state"], "open");
    share
}

/// The share as `who` sees it.
pub(crate) fn seen(demo: &Demo, who: &str, id: &str) -> Value {
    let rows = demo.run(who, &["shares"]).ok();
    let mut rows = rows.as_array().expect("rows").iter();
    rows.find(|row| row["share"] == id).cloned().unwrap_or_default()
}

impl Share {
    /// Runs `receive` without any profile.
    pub(crate) fn receive(&self, demo: &Demo, to: &str) -> Ran {
        self.receive_with(demo, &self.code, to)
    }

    pub(crate) fn receive_with(&self, demo: &Demo, code: &str, to: &str) -> Ran {
        let to = text(&demo.place(to));
        let mut words = vec!["receive", self.url.as_str(), "--to", &to];
        if !code.is_empty() {
            words.extend(["--code", code]);
        }
        demo.run("nobody", &words)
    }
}

/// A code of the right form that is another one.
pub(crate) fn wrong(code: &str) -> String {
    let last = if code.ends_with('2') { '3' } else { '2' };
    let mut wrong = code.to_owned();
    wrong.pop();
    wrong.push(last);
    wrong
}

#[test]
fn a_partner_with_nothing_but_the_program_receives_what_the_client_authorised() {
    let demo = Demo::start();
    let files: [(&str, Vec<u8>); 3] = [
        ("合同 1.pdf", noise(70_000, 1)),
        ("photo.jpg", noise(1 << 20, 2)),
        ("archive.zip", noise((9 << 20) + 5, 3)),
    ];
    let given: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (*n, b.as_slice())).collect();
    let documents = sent(&demo, "contract", &given);
    let share = share(&demo, &documents, &["--max-downloads", "1"]);
    assert!(share.url.contains(&format!("/s/{}#", share.id)) && share.code.len() == 8);

    // Before the client allowed it nothing opens, and nothing is used.
    let early = share.receive(&demo, "early");
    assert_eq!((early.status, early.code()), (3, "share_not_open".into()));
    let waits = seen(&demo, "principal", &share.id);
    assert_eq!((&waits["state"], &waits["purpose"]), (&"waiting".into(), &"2025 年度审计".into()));
    assert_eq!(waits["categories"], serde_json::json!(["contract"]));
    for who in ["accountant", "clerk", "principal2", "lead"] {
        assert_eq!(demo.run(who, &["authorise", &share.id]).status, 3, "{who}");
    }
    let done = demo.run("principal", &["authorise", &share.id, "--basis", "consent"]).ok();
    assert_eq!((&done["share"], &done["state"]), (&share.id.as_str().into(), &"open".into()));

    let rows = share.receive(&demo, "received").ok();
    assert_eq!(rows.as_array().map(Vec::len), Some(3));
    for (name, bytes) in &files {
        let row = rows.as_array().expect("rows").iter().find(|r| r["name"] == *name);
        let row = row.expect("received");
        assert_eq!(row["verified"], true);
        let path = row["path"].as_str().expect("a path");
        assert_eq!(&std::fs::read(path).expect("written"), bytes);
    }
    assert!(demo.place("received").join("manifest.csv").exists());
    // Again is the same slot: the lease stands beside the files.
    let again = share.receive(&demo, "received").ok();
    assert!(again.as_array().expect("rows").iter().all(|row| row["skipped"] == true));
    for who in ["accountant", "principal"] {
        let row = seen(&demo, who, &share.id);
        assert_eq!((&row["downloads_used"], &row["max_downloads"]), (&1.into(), &1.into()));
        assert_eq!(row["state"], "used_up");
        assert_eq!(row["fetched"].as_array().map(Vec::len), Some(3), "{who}");
    }
    // Another device is another slot, and there is none.
    let other = share.receive(&demo, "other");
    assert_eq!((other.status, other.code()), (3, "share_not_open".into()));
    for who in ["accountant2", "principal2", "clerk"] {
        assert_eq!(seen(&demo, who, &share.id), Value::Null, "{who}");
    }
    let ended = demo.run("principal", &["withdraw", &share.id]).ok();
    assert_eq!(ended["state"], "withdrawn");
    let late = share.receive(&demo, "received");
    assert_eq!((late.status, late.code()), (3, "share_not_open".into()));
}
