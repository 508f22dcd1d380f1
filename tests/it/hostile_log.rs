//! Row D2 from a person's device: a log that was cut off, rewritten or signed by nobody is not
//! believed by whoever saw it before.

use std::path::Path;
use std::time::{Duration, Instant};

use http::Method;
use serde_json::Value;
use strongroom::clock::Clock;

use crate::support::demo::{Demo, copy, free_address, text};
use crate::support::liar::{Exchange, Liar};
use crate::witness_rewritten::{cosigned, witness_key};

const PEOPLE: [&str; 1] = ["principal"];

fn send(demo: &Demo, name: &str) {
    let file = text(&demo.file(name, name.as_bytes()));
    demo.run("principal", &["send", &file]).ok();
}

fn who_saw(demo: &Demo) -> (i32, Value, String) {
    let ran = demo.run("principal", &["who-saw"]);
    let code = if ran.status == 0 { String::new() } else { ran.code() };
    (ran.status, ran.json, code)
}

/// The size of the newest checkpoint that the principal's device knows.
fn known(demo: &Demo) -> u64 {
    let path = demo.profile("principal").join("checkpoint.txt");
    let Ok(note) = std::fs::read_to_string(path) else { return 0 };
    note.lines().nth(1).and_then(|line| line.parse().ok()).expect("a size")
}

/// Looks until all that was recorded is in the log, and the device knows of it.
fn grown(demo: &Demo) {
    let begun = Instant::now();
    loop {
        let (status, rows, _) = who_saw(demo);
        assert_eq!(status, 0);
        let rows = rows.as_array().expect("rows");
        let newest = rows.iter().map(|row| row["index"].as_u64()).max().expect("entries");
        let known = known(demo);
        if rows.iter().all(|row| row["index"].as_u64().is_some_and(|at| at < known)) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{newest:?} is not in {known}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn is_head(e: &Exchange) -> bool {
    e.is(Method::GET, "/log/head")
}

#[test]
fn a_log_that_is_shown_otherwise_is_not_believed() {
    let (_demo, seen, liar) = Liar::before(&PEOPLE);
    send(&seen, "a");
    grown(&seen);
    let head = liar.seen().into_iter().rfind(is_head).expect("asked").body;
    send(&seen, "b");
    grown(&seen);
    let note = |change: fn(&str) -> String| {
        move |e: &mut Exchange| {
            if is_head(e) {
                e.rewrite(|said| {
                    let note = change(said["checkpoint"].as_str().expect("a checkpoint"));
                    said["checkpoint"] = note.into();
                });
            }
        }
    };
    let cut_off = move |e: &mut Exchange| {
        if is_head(e) {
            e.answer(head.clone());
        }
    };
    type Lie = Box<dyn FnMut(&mut Exchange) + Send>;
    let lies: [(&str, &[&str], Lie); 5] = [
        ("an older one", &["log_rolled_back"], Box::new(cut_off)),
        (
            "a larger size",
            &["bad_log"],
            Box::new(note(|note| {
                let mut lines: Vec<String> = note.split('\n').map(str::to_owned).collect();
                lines[1] = format!("{}9", lines[1]);
                lines.join("\n")
            })),
        ),
        (
            "unsigned",
            &["bad_log"],
            Box::new(note(|note| note.split("\n\n").next().expect("a text").to_owned() + "\n")),
        ),
        (
            "none",
            &["log_rolled_back", "bad_log"],
            Box::new(|e| {
                if is_head(e) {
                    e.rewrite(|said| said["checkpoint"] = Value::Null);
                }
            }),
        ),
        (
            "without a proof",
            &["log_forked"],
            Box::new(|e| {
                if is_head(e) {
                    e.rewrite(|said| said["consistency"] = Value::Null);
                }
            }),
        ),
    ];
    for (what, codes, lie) in lies {
        liar.lie(lie);
        let (status, json, code) = who_saw(&seen);
        assert_eq!((status, &json), (4, &Value::Null), "{what}: {code}");
        assert!(codes.contains(&code.as_str()), "{what}: {code}");
    }
    liar.be_honest();
    assert_eq!(who_saw(&seen).0, 0);
}

/// What stands beside an entry of the log is what the entry holds the MAC of, and people are called
/// what their cards say.
#[test]
fn a_row_that_says_something_else_than_its_entry_is_not_believed() {
    let (demo, seen, liar) = Liar::before(&["principal", "lead"]);
    let client = demo.client("principal");
    let close = ["period", "close", "2026-03", "--client", &client];
    demo.run("accountant", &close).ok();
    demo.run(
        "accountant",
        &["period", "reopen", "2026-03", "--client", &client, "--reason", "补充"],
    )
    .ok();
    assert_eq!(who_saw(&seen).0, 0);
    type Change = fn(&mut Value);
    let lies: [(&str, Change); 8] = [
        ("another role", |row| row["role"] = "principal".into()),
        ("another name", |row| row["name"] = "李负责人".into()),
        ("another purpose", |row| row["purpose"] = "客户要求".into()),
        ("no purpose", |row| row["purpose"] = Value::Null),
        ("something more", |row| row["detail"]["more"] = "x".into()),
        ("as if erased", |row| row["noted"] = Value::Null),
        ("another note", |row| {
            let data = row["noted"]["data"].as_str().expect("JSON").replace("补充", "客户要求");
            row["noted"]["data"] = data.into();
            row["purpose"] = "客户要求".into();
        }),
        ("another action", |row| row["action"] = "document.list".into()),
    ];
    for (what, change) in lies {
        liar.lie(move |e| {
            if e.is(Method::GET, "/clients/*/seen") {
                e.rewrite(|page| {
                    let rows = page["seen"].as_array_mut().expect("a page");
                    let opened = |row: &&mut Value| row["action"] == "period.reopen";
                    change(rows.iter_mut().find(opened).expect("it is there"));
                });
            }
        });
        let (status, json, code) = who_saw(&seen);
        assert_eq!((status, code.as_str()), (4, "row_differs"), "{what}: {json}");
    }
    liar.lie(|e| {
        if e.is(Method::GET, "/members") {
            e.rewrite(|members| members[0]["name"] = "somebody else".into());
        }
    });
    let ran = seen.run("lead", &["member", "list"]);
    assert_eq!((ran.status, ran.code()), (4, "row_differs".into()), "{}", ran.json);
    liar.be_honest();
    assert_eq!(who_saw(&seen).0, 0);
    seen.run("lead", &["member", "list"]).ok();
}

/// The demo of `demo` in another folder, as it is on the disk.
fn twin(demo: &Demo, to: &Path) {
    copy(&demo.data(), to);
}

#[test]
fn two_histories_of_one_log_are_a_fork_and_an_older_one_is_a_roll_back() {
    let (mut demo, seen, liar) = Liar::before(&PEOPLE);
    send(&seen, "a");
    grown(&seen);
    assert_eq!(demo.stop(), Some(0));
    let away = demo.place("away");
    twin(&demo, &away);
    demo.serve(free_address());
    let seen = liar.people_of(&demo, &PEOPLE);
    // More than a restart records.
    ["b", "c", "d", "e", "f"].into_iter().for_each(|name| send(&seen, name));
    grown(&seen);
    // What this device knows of chains and log is what the first history said.
    let kept = demo.place("kept");
    copy(&demo.profile("principal"), &kept);
    assert_eq!(demo.stop(), Some(0));

    let put_back = |demo: &mut Demo| {
        std::fs::remove_dir_all(demo.data()).expect("removed");
        copy(&away, &demo.data());
        let profile = demo.profile("principal");
        std::fs::remove_dir_all(&profile).expect("removed");
        copy(&kept, &profile);
        demo.serve(free_address());
    };
    // An older copy of everything but the device: its log has not grown to what was seen.
    put_back(&mut demo);
    let seen = liar.people_of(&demo, &PEOPLE);
    let (status, json, code) = who_saw(&seen);
    assert_eq!((status, &json, code.as_str()), (4, &Value::Null, "log_rolled_back"));
    // It goes on, signed by the gateway's own key, past the size that was seen: another history.
    let begun = Instant::now();
    loop {
        demo.run("lead", &["client", "add", "x"]).ok();
        let (status, json, code) = who_saw(&seen);
        assert_eq!((status, &json), (4, &Value::Null), "never believed: {code}");
        if code == "log_forked" {
            break;
        }
        assert_eq!(code, "log_rolled_back");
        assert!(begun.elapsed() < Duration::from_secs(60), "it never grows past it");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Changes the database of a running gateway.
fn sql(demo: &Demo, sql: &str) {
    let done = std::process::Command::new("sqlite3")
        .arg(demo.data().join("strongroom.db"))
        .arg(format!("PRAGMA busy_timeout = 5000; {sql}"))
        .stdout(std::process::Stdio::null())
        .status();
    assert!(done.expect("sqlite3 runs").success(), "{sql}");
}

/// The newest checkpoint of a gateway: its size and note.
fn newest(demo: &Demo) -> (u64, String) {
    let data = text(&demo.data());
    let shown = demo.run("auditor", &["audit", "checkpoint", "--data", &data]).ok();
    let note = shown["checkpoint"].as_str().expect("a note").to_owned();
    (shown["size"].as_u64().expect("a size"), note)
}

/// Makes a cosignature of a checkpoint, of now, the only one that the gateway has.
fn keep_cosigned(demo: &Demo, size: u64, note: &str) {
    let line = cosigned(note, 0);
    sql(
        demo,
        &format!(
            "DELETE FROM cosignatures;
             INSERT INTO cosignatures VALUES ('witness.example/w1', {size}, '{line}', 1)"
        ),
    );
}

#[test]
fn a_witness_that_is_kept_behind_is_not_enough_after_a_day() {
    let (demo, seen, liar) = Liar::before(&PEOPLE);
    seen.run("principal", &["require-witness", &witness_key()]).ok();
    let refused = |what: &str| {
        let (status, json, code) = who_saw(&seen);
        assert_eq!((status, &json, code.as_str()), (4, &Value::Null, "not_cosigned"), "{what}");
    };
    // A log that shows nothing, to somebody who never saw one.
    liar.lie(|e| {
        if is_head(e) {
            e.rewrite(|said| {
                *said = serde_json::json!({ "checkpoint": null, "consistency": [] });
            });
        }
    });
    refused("no checkpoint at all");
    liar.be_honest();
    refused("nothing cosigned");

    let (size, note) = newest(&demo);
    keep_cosigned(&demo, size, &note);
    send(&seen, "a");
    assert_eq!(who_saw(&seen).0, 0, "a log may be a day ahead");
    let begun = Instant::now();
    while known(&seen) <= size {
        assert_eq!(who_saw(&seen).0, 0);
        assert!(begun.elapsed() < Duration::from_secs(60), "what was sent is in no checkpoint");
        std::thread::sleep(Duration::from_millis(200));
    }
    // A day later: as far as this device knows, that is when it saw more.
    let path = seen.profile("principal").join("uncovered.json");
    let kept = std::fs::read(&path).expect("remembered");
    let mut kept: Value = serde_json::from_slice(&kept).expect("JSON");
    let earlier = Clock::System.now().plus_secs(-25 * 3600);
    for one in kept.as_array_mut().expect("sizes") {
        one["since"] = earlier.to_string().into();
    }
    std::fs::write(&path, kept.to_string()).expect("written");
    // The witness has just cosigned the same old size again.
    keep_cosigned(&demo, size, &note);
    refused("a day has passed");
    send(&seen, "b");
    refused("and stays refused");

    let (size, note) = newest(&demo);
    keep_cosigned(&demo, size, &note);
    assert_eq!(who_saw(&seen).0, 0, "what was seen is cosigned");
}
