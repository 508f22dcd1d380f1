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
    let client = demo.client("principal");
    let told = demo.run("principal", &["who-saw", "--client", &client]).ok();
    let told = told.as_array().expect("rows").iter();
    let fetched: Vec<_> = told.filter(|row| row["action"] == "share.fetch").collect();
    assert_eq!(fetched.len(), 3);
    for row in fetched {
        assert_eq!((&row["member"], &row["purpose"]), (&Value::Null, &"2025 年度审计".into()));
        assert!(documents.iter().any(|document| row["document"] == document.as_str()));
    }
    // Another device is another slot, and there is none.
    let other = share.receive(&demo, "other");
    assert_eq!((other.status, other.code()), (3, "share_not_open".into()));
    for who in ["accountant2", "principal2"] {
        assert_eq!(seen(&demo, who, &share.id), Value::Null, "{who}");
    }
    assert_eq!(demo.run("clerk", &["shares"]).code(), "not_allowed");
    let ended = demo.run("principal", &["withdraw", &share.id]).ok();
    assert_eq!(ended["state"], "withdrawn");
    let late = share.receive(&demo, "received");
    assert_eq!((late.status, late.code()), (3, "share_not_open".into()));
}

#[test]
fn five_wrong_codes_lock_a_share_until_its_sharer_unlocks_it() {
    let demo = Demo::start();
    let documents = sent(&demo, "bank", &[("a.txt", b"statement")]);
    let share = open_share(&demo, &documents, &["--max-downloads", "2"]);
    // Whoever has only the address, or a link of their own making, locks nothing.
    let (address, _) = share.url.split_once('#').expect("a fragment");
    let another = open_share(&demo, &documents, &[]);
    let (_, fragment) = another.url.split_once('#').expect("a fragment");
    let forged = Share {
        id: share.id.clone(),
        url: format!("{address}#{fragment}"),
        code: share.code.clone(),
    };
    for _ in 0..6 {
        assert_eq!(forged.receive(&demo, "forged").code(), "share_not_open");
    }
    assert_eq!(seen(&demo, "accountant", &share.id)["wrong_codes"], 0);
    for tried in 1..=5 {
        assert_eq!(seen(&demo, "accountant", &share.id)["state"], "open", "{tried}");
        let refused = share.receive_with(&demo, &wrong(&share.code), "guessed");
        assert_eq!((refused.status, refused.code()), (3, "share_not_open".into()));
    }
    assert_eq!(seen(&demo, "accountant", &share.id)["state"], "locked");
    assert_eq!(share.receive(&demo, "right").code(), "share_not_open");
    assert_eq!(demo.run("principal", &["unlock", &share.id]).status, 3);
    let unlocked = demo.run("accountant", &["unlock", &share.id]).ok();
    assert_eq!(unlocked["state"], "open");
    // A code is read in lower case and with anything between.
    let spelt = format!("{}-{}", share.code[..4].to_lowercase(), &share.code[4..]);
    let rows = share.receive_with(&demo, &spelt, "right").ok();
    assert_eq!(rows[0]["verified"], true);
    let revoked = demo.run("accountant", &["revoke", &share.id]).ok();
    assert_eq!(revoked["state"], "revoked");
    assert_eq!(share.receive(&demo, "right").code(), "share_not_open");
    let no_code = open_share(&demo, &documents, &["--no-code"]);
    assert!(no_code.code.is_empty());
    assert_eq!(no_code.receive(&demo, "open").ok()[0]["verified"], true);
}

#[test]
fn nothing_goes_to_a_partner_that_may_not_receive() {
    let demo = Demo::start();
    let documents = sent(&demo, "tax", &[("a.txt", b"return")]);
    let partner = |words: &[&str]| {
        let mut all = vec!["partner"];
        all.extend(words);
        demo.run("privacy_officer", &all).ok()
    };
    let id = |row: Value| row["partner"].as_str().expect("an id").to_owned();
    let bare = id(partner(&["add", "无协议事务所"]));
    let ask =
        |partner: &str| proposed(&demo, "accountant", &documents, &["--partner", partner]).code();
    assert_eq!(ask(&bare), "partner_nda_expired");
    partner(&["update", &bare, "--nda-from", "2020-01-01", "--nda-until", "2021-01-01"]);
    assert_eq!(ask(&bare), "partner_nda_expired");
    partner(&["update", &bare, "--nda-until", "2099-01-01", "--jurisdiction", "SG"]);
    assert_eq!(ask(&bare), "partner_export_blocked");
    partner(&["update", &bare, "--export-route", "standard_contract", "--assessment", "PIA-7"]);
    assert_eq!(ask(&bare), "partner_export_blocked", "no authorisation is recorded");
    let ready = partner(&["update", &bare, "--export-authorisation", "2026-31"]);
    assert_eq!((&ready["state"], &ready["bar"]), (&"active".into(), &Value::Null));
    let share = open_share(&demo, &documents, &["--partner", &bare]);
    assert_eq!(demo.run("accountant", &["partner", "suspend", &bare]).status, 3);
    let suspended = partner(&["suspend", &bare]);
    assert_eq!(suspended["state"], "suspended");
    assert_eq!(ask(&bare), "partner_suspended");
    assert_eq!(share.receive(&demo, "suspended").code(), "share_not_open");
    partner(&["resume", &bare]);
    assert_eq!(share.receive(&demo, "resumed").ok()[0]["verified"], true);
    // What was fetched goes on no more once the agreement has lapsed.
    partner(&["update", &bare, "--nda-until", "2021-01-01"]);
    assert_eq!(share.receive(&demo, "lapsed").code(), "share_not_open");
    assert_eq!(demo.run("principal", &["partner", "list"]).status, 3);
}

#[test]
fn payroll_leaves_only_when_a_second_person_of_the_firm_agrees() {
    let demo = Demo::start();
    let documents = sent(&demo, "payroll", &[("工资表.xlsx", b"salaries")]);
    let share = share(&demo, &documents, &[]);
    let done = demo.run("principal", &["authorise", &share.id, "--basis", "consent"]).ok();
    assert_eq!(done["state"], "waiting");
    assert_eq!(share.receive(&demo, "early").code(), "share_not_open");
    // Not the sharer themselves, and nobody who does not look after the client.
    for who in ["accountant", "accountant2", "auditor"] {
        assert_eq!(demo.run(who, &["authorise", &share.id]).status, 3, "{who}");
    }
    assert_eq!(seen(&demo, "accountant", &share.id)["needs_second"], true);
    let done = demo.run("lead", &["authorise", &share.id]).ok();
    assert_eq!(done["state"], "open");
    assert_eq!(share.receive(&demo, "received").ok()[0]["verified"], true);
}

#[test]
fn what_a_client_refuses_never_opens() {
    let demo = Demo::start();
    let documents = sent(&demo, "bank", &[("a.txt", b"x")]);
    let share = share(&demo, &documents, &[]);
    let refused = demo.run("principal", &["authorise", &share.id, "--refuse"]).ok();
    assert_eq!(refused["state"], "withdrawn");
    assert_eq!(demo.run("principal", &["authorise", &share.id]).code(), "wrong_state");
    assert_eq!(share.receive(&demo, "refused").code(), "share_not_open");
    assert!(!demo.place("refused").exists(), "nothing is left of what was refused");
    for (more, code) in [
        (&["--expires", "100d"][..], "too_long"),
        (&["--expires", "10m"][..], "out_of_range"),
        (&["--max-downloads", "0"][..], "usage"),
        (&["--partner", "00000000000000000000000000000000"][..], "not_found"),
    ] {
        assert_eq!(proposed(&demo, "accountant", &documents, more).code(), code, "{more:?}");
    }
    for who in ["accountant2", "principal", "admin"] {
        assert_eq!(proposed(&demo, who, &documents, &[]).status, 3, "{who}");
    }
}

#[test]
fn a_partner_gives_back_into_the_share_and_sees_nothing_else() {
    let demo = Demo::start();
    let documents = sent(&demo, "bank", &[("a.txt", b"statement")]);
    let share = share(&demo, &documents, &[]);
    let report = text(&demo.file("鉴证报告.pdf", b"%PDF-1.7 report"));
    let give = |code: &str| {
        demo.run(
            "nobody",
            &["send", &report, "--link", &share.url, "--code", code, "--category", "report"],
        )
    };
    assert_eq!(give(&share.code).status, 3, "not before the client allowed the share");
    demo.run("principal", &["authorise", &share.id]).ok();
    assert_eq!(give(&wrong(&share.code)).status, 3, "the link alone is not enough");
    let rows = give(&share.code).ok();
    let document = rows[0]["document"].as_str().expect("an id").to_owned();
    let listed = demo.run("accountant", &["list"]).ok();
    let found = listed.as_array().expect("rows").iter().find(|row| row["document"] == document);
    let found = found.expect("listed");
    assert_eq!((&found["name"], &found["verified"]), (&"鉴证报告.pdf".into(), &true.into()));
    let to = text(&demo.place("in"));
    let pulled = demo.run("accountant", &["pull", &document, "--to", &to]).ok();
    assert_eq!(pulled[0]["verified"], true);
    assert_eq!(
        (&pulled[0]["sender"], &pulled[0]["from"], &pulled[0]["request_link"]),
        (&Value::Null, &"partner".into(), &share.id.as_str().into())
    );
    let table = std::fs::read_to_string(demo.place("in").join("manifest.csv")).expect("a table");
    assert!(table.contains(&format!("partner,{}", share.id)), "{table}");
    // Not ticked: the client sees that something came, and can open nothing of it.
    let own = text(&demo.place("own"));
    let closed = demo.run("principal", &["pull", &document, "--to", &own]);
    assert_ne!(closed.status, 0, "{}", closed.json);
    let others = demo.run("principal", &["pull", "--all", "--to", &own]).ok();
    assert!(others.as_array().expect("rows").iter().all(|row| row["document"] != *document));
    let told = demo.run("principal", &["who-saw"]).ok();
    let told =
        told.as_array().expect("rows").iter().find(|row| {
            row["action"] == "document.complete" && row["document"] == document.as_str()
        });
    let told = told.expect("the client sees that something came back");
    assert_eq!((&told["role"], &told["purpose"]), (&"partner".into(), &"2025 年度审计".into()));
    assert_eq!(
        (&told["member"], &told["detail"]["share"]),
        (&Value::Null, &share.id.as_str().into())
    );
    // Nor does a device of the firm add the client later.
    let rewrapped = demo.run("accountant", &["rewrap"]).ok();
    assert_eq!((&rewrapped["rewrapped"], &rewrapped["pending"]), (&0.into(), &0.into()));
    // Ticked: the client's own people read it too.
    let ticked = demo.run(
        "nobody",
        &["send", &report, "--link", &share.url, "--code", &share.code, "--to-client"],
    );
    let ticked = ticked.ok()[0]["document"].as_str().expect("an id").to_owned();
    let read = demo.run("principal", &["pull", &ticked, "--to", &own]).ok();
    assert_eq!(read[0]["verified"], true);
    demo.run("principal", &["withdraw", &share.id]).ok();
    assert_eq!(give(&share.code).status, 3);
    let again = open_share(&demo, &documents, &[]);
    let partner = demo.record["partner"].as_str().expect("a partner");
    demo.run("lead", &["partner", "suspend", partner]).ok();
    let back =
        || demo.run("nobody", &["send", &report, "--link", &again.url, "--code", &again.code]);
    assert_eq!(back().status, 3);
    demo.run("lead", &["partner", "resume", partner]).ok();
    back().ok();
    // From abroad only with the export recorded, as when something is fetched.
    let update = |words: &[&str]| {
        let mut all = vec!["partner", "update", partner];
        all.extend(words);
        demo.run("lead", &all).ok()
    };
    update(&["--jurisdiction", "SG"]);
    assert_eq!(back().status, 3);
    update(&["--export-route", "standard_contract", "--assessment", "PIA-7"]);
    assert_eq!(back().status, 3);
    update(&["--export-authorisation", "2026-31"]);
    back().ok();
}
