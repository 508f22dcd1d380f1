//! Rows U3 and D3: what was done is done once although its answer was lost, and nothing is done
//! that is not recorded.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use serde_json::Value;

use crate::support::demo::{Demo, Serving, noise, text};

fn word(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}")).to_owned()
}

/// How often each action was recorded.
fn counts(demo: &Demo) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for (action, _) in demo.books().entries {
        *counts.entry(action).or_default() += 1;
    }
    counts
}

/// How many answers were lost so far, by the gateway's own count.
fn lost_answers(demo: &Demo) -> u64 {
    let metrics = word(&demo.record, "metrics");
    let address = metrics.trim_start_matches("http://").trim_end_matches("/metrics");
    let mut stream = std::net::TcpStream::connect(address).expect("connects");
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").expect("asked");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("answered");
    let counted = |line: &str| {
        let fits = line.starts_with("strongroom_http_requests_total{") && line.contains("\"503\"");
        fits.then(|| line.rsplit(' ').next()?.parse::<u64>().ok())?
    };
    text.lines().filter_map(counted).sum()
}

/// Runs a command whose answers get lost, and sees what was recorded of it: everything once.
fn once(demo: &Demo, who: &str, words: &[&str], expected: &[(&str, usize)]) -> Value {
    let (before, lost) = (counts(demo), lost_answers(demo));
    let done = demo.run(who, words).ok();
    let after = counts(demo);
    let of =
        |counts: &BTreeMap<String, usize>, action: &str| counts.get(action).copied().unwrap_or(0);
    for action in after.keys() {
        // Looking is recorded each time that somebody looks.
        if ["document.list", "document.open", "keyring.device"].contains(&action.as_str()) {
            continue;
        }
        let expected = expected.iter().find(|(known, _)| known == action).map_or(0, |(_, n)| *n);
        let found = of(&after, action) - of(&before, action);
        assert_eq!(found, expected, "{words:?}: {action}");
    }
    assert!(lost_answers(demo) > lost, "{words:?}: no answer was lost");
    done
}

#[test]
fn an_answer_that_is_lost_is_asked_for_again_and_nothing_is_done_twice() {
    let demo = Demo::start_as(&Serving::default().fault("LOSE_ANSWER"));
    let clients = demo.run("lead", &["client", "list"]).ok().as_array().expect("a list").len();
    let documents = demo.books().documents.len();
    let new =
        word(&once(&demo, "lead", &["client", "add", "新客户"], &[("client.add", 1)]), "client");
    let listed = demo.run("lead", &["client", "list"]).ok();
    assert_eq!(listed.as_array().expect("a list").len(), clients + 1);

    let invite = ["invite", "--role", "accountant"];
    let url = word(&once(&demo, "lead", &invite, &[("invitation.open", 1)]), "url");
    let join = ["join", &url, "--login", "zhou", "--name", "周会计"];
    // The tokens that were lost cannot be given again: the member gets a second session.
    let joined = [("member.join", 1), ("session.open", 1)];
    let member = word(&once(&demo, "new", &join, &joined), "member");
    let client = demo.client("principal");

    let (small, big) =
        (demo.file("s.bin", &noise(9_000, 1)), demo.file("b.bin", &noise(9 << 20, 2)));
    let sent = once(&demo, "principal", &["send", &text(&small)], &[("document.complete", 1)]);
    let small = word(&sent[0], "document");
    let begun = [("document.begin", 1), ("document.complete", 1)];
    let sent = once(&demo, "principal", &["send", &text(&big)], &begun);
    let big = word(&sent[0], "document");
    let report = text(&demo.file("r.bin", b"a report"));
    let deliver = ["deliver", &report, "--client", &client];
    let sent = once(&demo, "accountant", &deliver, &[("document.complete", 1)]);
    once(&demo, "accountant", &["recall", &word(&sent[0], "document")], &[("document.recall", 1)]);
    assert_eq!(demo.books().documents.len(), documents + 3);

    let pulled = [("document.pulled", 2), ("document.prove_recovery", 2)];
    let to = text(&demo.place("in"));
    let pulled = once(&demo, "accountant", &["pull", &small, &big, "--to", &to], &pulled);
    assert!(pulled.as_array().expect("rows").iter().all(|row| row["verified"] == true));

    let assign = ["assign", "--client", &client, "--to", &member];
    let assigned = once(&demo, "lead", &assign, &[("assignment.set", 1)]);
    let pending = usize::try_from(assigned["pending"].as_u64().expect("a number")).expect("few");
    assert!(pending >= 2);
    let rewrap = ["rewrap", "--client", &client];
    let rewrapped = once(&demo, "accountant", &rewrap, &[("document.rewrap", pending)]);
    assert_eq!(rewrapped["rewrapped"], pending);
    demo.run("new", &["pull", &big, "--to", &text(&demo.place("in2"))]).ok();

    let nda = ["--nda-from", "2026-01-01", "--nda-until", "2036-01-01"];
    let add = ["partner", "add", "某税务师事务所", "--kind", "tax_agent", "--person", "张税务"];
    let partner = once(&demo, "lead", &[&add[..], &nda].concat(), &[("partner.add", 1)]);
    let partner = word(&partner, "partner");
    let share = ["share", &small, &big, "--partner", &partner, "--purpose", "年度审计"];
    // With the link by which the partner gives back.
    let proposed = [("share.propose", 1), ("link.open", 1)];
    let shared = once(&demo, "accountant", &share, &proposed);
    let (id, link, code) = (word(&shared, "share"), word(&shared, "url"), word(&shared, "code"));
    let authorise = ["authorise", &id, "--basis", "no_personal_data"];
    once(&demo, "principal", &authorise, &[("share.authorise", 1)]);
    let received = text(&demo.place("received"));
    demo.run("nobody", &["receive", &link, "--code", &code, "--to", &received]).ok();
    let shares = demo.run("accountant", &["shares"]).ok();
    let rows = shares.as_array().expect("rows");
    let row = rows.iter().find(|row| row["share"] == id.as_str()).expect("listed");
    assert_eq!(row["downloads_used"], 1, "a lost answer is no second download");
    once(&demo, "accountant", &["revoke", &id], &[("share.revoke", 1)]);

    let request = ["request", "--client", &client];
    let link = once(&demo, "accountant", &request, &[("link.open", 1)]);
    let url = word(&link, "url");
    let through = ["send", &report, "--link", &url, "--from", "某人"];
    once(&demo, "nobody", &through, &[("document.complete", 1)]);
    let policy = ["policy", "--client", &new, "--on-arrival", "yes"];
    once(&demo, "lead", &policy, &[("policy.set", 1)]);
    let request = ["request", "--client", &client, "--on-arrival"];
    once(&demo, "accountant", &request, &[("link.open", 1)]);
    once(
        &demo,
        "lead",
        &["unassign", "--client", &client, "--to", &member],
        &[("assignment.set", 1)],
    );
    once(&demo, "lead", &["member", "suspend", &member], &[("member.suspend", 1)]);
    assert_eq!(demo.books().unrecorded(), Vec::<String>::new());

    // The same eyes see what is done twice: another command is another document.
    let before = counts(&demo)["document.complete"];
    for _ in 0..2 {
        demo.run("principal", &["send", &report]).ok();
    }
    assert_eq!(counts(&demo)["document.complete"], before + 2);
}

#[test]
fn where_no_entry_can_be_written_nothing_is_done_and_later_all_of_it() {
    let demo = Demo::start();
    let client = demo.client("principal");
    let file = text(&demo.file("a.bin", &noise(20_000, 1)));
    let big = text(&demo.file("b.bin", &noise(9 << 20, 2)));
    let kept = word(&demo.run("principal", &["send", &file]).ok()[0], "document");
    let to = text(&demo.place("in"));
    let member = word(&demo.run("accountant2", &["whoami"]).ok(), "member");
    let commands: [(&str, &[&str]); 9] = [
        ("lead", &["client", "add", "x"]),
        ("lead", &["invite", "--role", "auditor"]),
        ("lead", &["policy", "--client", &client, "--post-quantum", "yes"]),
        ("principal", &["send", &file]),
        ("principal", &["send", &big, "--retry-for", "0"]),
        ("accountant", &["deliver", &file, "--client", &client, "--retry-for", "0"]),
        ("accountant", &["pull", &kept, "--to", &to]),
        ("lead", &["assign", "--client", &client, "--to", &member]),
        ("accountant", &["list"]),
    ];
    let (before, objects) = (demo.books(), demo.stored());
    demo.sql(
        "CREATE TRIGGER broken BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'broken'); END",
    );
    std::thread::scope(|scope| {
        for (who, words) in commands {
            let demo = demo.handle();
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            scope.spawn(move || {
                let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
                if words[0] == "send" && words.len() == 2 {
                    words.extend(["--retry-for", "0"]);
                }
                let ran = demo.run(who, &words);
                assert_eq!(ran.status, 5, "{words:?}: {} {}", ran.json, ran.stderr);
            });
        }
    });
    let after = demo.books();
    assert_eq!((after.documents, after.entries), (before.documents, before.entries));
    assert_eq!(demo.stored(), objects, "no bytes without an entry");
    assert!(
        !demo.place("in").join(&client).exists()
            || crate::support::books::files(&demo.place("in")).is_empty()
    );
    demo.sql("DROP TRIGGER broken");
    for (who, words) in commands {
        demo.run(who, words).ok();
    }
    assert_eq!(demo.books().unrecorded(), Vec::<String>::new());
}

#[test]
fn a_document_without_an_entry_is_found_out() {
    let demo = Demo::start_as(&Serving::default().fault("SKIP_AUDIT"));
    let file = text(&demo.file("a.bin", b"unrecorded"));
    demo.run("principal", &["send", &file]).ok();
    assert_eq!(demo.books().unrecorded().len(), 1);
}
