//! Row C4: a gateway that holds documents back, slips some in, or shows an older state. Every
//! reader follows the chains of manifests from where their device saw them last; what is as it
//! should be is never complained of.

use std::path::{Path, PathBuf};

use http::{Method, StatusCode};
use serde_json::Value;
use strongroom::cli::profile::Profile;
use strongroom::envelope::statement::{Hash, Manifest, Note, Revocation, SigningKey};
use strongroom::secrets::Secret;

use crate::support::books::files;
use crate::support::demo::{Demo, Ran, free_address, noise, text};
use crate::support::liar::{Exchange, Liar};

/// Sends a file of `who` and returns its number.
fn send(demo: &Demo, who: &str, name: &str, more: &[&str]) -> String {
    let contents = noise(5_000, name.bytes().map(u64::from).sum());
    let file = text(&demo.file(name, &contents));
    let sent = demo.run(who, &[&["send", &file][..], more].concat()).ok();
    sent[0]["document"].as_str().expect("an id").to_owned()
}

const MARCH: [&str; 4] = ["--period", "2026-03", "--category", "bank"];

fn rows(json: &Value) -> &Vec<Value> {
    json.as_array().expect("rows")
}

fn row<'a>(ran: &'a Ran, id: &str) -> &'a Value {
    rows(&ran.json).iter().find(|row| row["document"] == id).unwrap_or_else(|| panic!("{ran:?}"))
}

/// The command fails with status 4, and `id` is why.
#[track_caller]
fn found(ran: &Ran, id: &str, reason: &str, what: &str) {
    assert_eq!(ran.status, 4, "{what}: {ran:?}");
    let row = row(ran, id);
    assert_eq!(
        (&row["verified"], &row["reason"]),
        (&false.into(), &reason.into()),
        "{what}: {row}"
    );
}

fn is_listing(e: &Exchange) -> bool {
    e.is(Method::GET, "/documents")
}

fn is_chain(e: &Exchange) -> bool {
    e.is(Method::GET, "/clients/*/manifests")
}

/// Takes `ids` out of every list of documents.
fn hide(e: &mut Exchange, ids: &[String]) {
    if is_listing(e) {
        e.rewrite(|page| {
            let documents = page["documents"].as_array_mut().expect("a page");
            documents.retain(|row| ids.iter().all(|id| row["document"] != id.as_str()));
        });
    }
    if ids.iter().any(|id| e.path == format!("/documents/{id}")) {
        e.refuse(StatusCode::NOT_FOUND, "not_found");
    }
}

/// The same, out of the chains too.
fn hide_signed(e: &mut Exchange, ids: &[String]) {
    hide(e, ids);
    if is_chain(e) {
        e.rewrite(|page| {
            let entries = page["entries"].as_array_mut().expect("a page");
            entries.retain(|entry| {
                let note = entry["manifest"].as_str().unwrap_or_default();
                ids.iter().all(|id| !note.contains(&format!("document {id}")))
            });
        });
    }
}

fn pull_all(demo: &Demo, to: &Path) -> Ran {
    demo.run("accountant", &["pull", "--all", "--to", &text(to)])
}

#[test]
fn a_document_that_is_held_back_is_missed() {
    let (demo, seen, liar) = Liar::before(&["principal", "accountant"]);
    let client = demo.client("principal");
    let ids = ["a", "b", "c"].map(|name| send(&seen, "principal", name, &MARCH));
    let [a, b, c] = ids.clone();
    let shown = rows(&seen.run("accountant", &["list"]).ok()).len();

    // From the list alone, whoever asks and however.
    let hidden = [b.clone()];
    liar.lie(move |e| hide(e, &hidden));
    for words in [
        &["list"][..],
        &["list", "--client", &client],
        &["list", "--period", "2026-03"],
        &["list", "--client", &client, "--period", "2026-03"],
    ] {
        for who in ["accountant", "principal"] {
            let ran = seen.run(who, words);
            found(&ran, &b, "missing", &format!("{who} {words:?}"));
            assert_eq!(
                (row(&ran, &b)["period"].as_str(), ran.code()),
                (Some("2026-03"), "missing".into())
            );
            assert_eq!(row(&ran, &a)["verified"], true);
        }
    }
    // Of another period nothing is missing.
    seen.run("accountant", &["list", "--period", "2026-01"]).ok();
    let to = demo.place("dropped");
    let ran = pull_all(&seen, &to);
    found(&ran, &b, "missing", "pull");
    assert_eq!(files(&to.join(&client)).len(), shown - 1, "the others are written");
    assert!(row(&ran, &b)["path"].is_null() && row(&ran, &c)["path"].is_string());

    // Left out of the lists alone, it is asked for by itself and taken like the others.
    let hidden = [b.clone()];
    liar.lie(move |e| {
        if is_listing(e) {
            hide(e, &hidden);
        }
    });
    let ran = seen.run("accountant", &["list"]);
    assert_eq!((ran.status, row(&ran, &b)["verified"].as_bool()), (0, Some(true)), "{}", ran.json);
    let ran = pull_all(&seen, &demo.place("left out"));
    assert_eq!(ran.status, 0, "{}", ran.json);
    assert!(row(&ran, &b)["path"].is_string(), "{}", ran.json);

    // From the chains too: this device has seen it before.
    for (what, id, reason) in [("in between", &b, "chain_gap"), ("last", &c, "chain_rolled_back")] {
        let hidden = [id.clone()];
        liar.lie(move |e| {
            hide_signed(e, &hidden);
            // Where the gateway does not know the place any more, it is asked from the beginning.
            if is_chain(e) && !e.path.ends_with("after=0") {
                e.rewrite(|page| page["at"] = Value::Null);
            }
        });
        let ran = seen.run("accountant", &["list"]);
        assert_eq!(ran.status, 4, "{what}: {ran:?}");
        assert_eq!(row(&ran, id)["reason"], "chain_rolled_back", "{what}");
        if reason == "chain_gap" {
            assert_eq!(row(&ran, &c)["reason"], "chain_gap", "{what}");
        }
    }
    liar.be_honest();
    seen.run("accountant", &["list"]).ok();
    assert_eq!(rows(&pull_all(&seen, &demo.place("whole")).ok()).len(), shown);
}

#[test]
fn a_reader_who_comes_new_sees_a_gap() {
    let (demo, seen, liar) = Liar::before(&["principal", "accountant"]);
    let ids = ["a", "b", "c"].map(|name| send(&seen, "principal", name, &MARCH));
    let [a, b, c] = ids.clone();
    let hidden = [b.clone()];
    liar.lie(move |e| hide_signed(e, &hidden));
    let ran = seen.run("accountant", &["list"]);
    found(&ran, &c, "chain_gap", "listed");
    assert_eq!(row(&ran, &a)["verified"], true);
    assert!(rows(&ran.json).iter().all(|row| row["document"] != b.as_str()), "nobody knows of it");
    let to = demo.place("in");
    let ran = seen.run("accountant", &["pull", &a, &c, "--to", &text(&to)]);
    found(&ran, &c, "chain_gap", "pulled");
    assert!(row(&ran, &a)["path"].is_string() && row(&ran, &c)["path"].is_null());

    // Reordered, and with a place that is said to be nobody's to know.
    liar.lie(|e| {
        if is_chain(e) {
            e.rewrite(|page| page["entries"].as_array_mut().expect("a page").reverse());
        }
    });
    assert_eq!(seen.run("accountant", &["list"]).status, 4, "reordered");
    let second = format!("document {b}");
    liar.lie(move |e| {
        if is_chain(e) {
            e.rewrite(|page| {
                for entry in page["entries"].as_array_mut().expect("a page") {
                    if entry["manifest"].as_str().is_some_and(|note| note.contains(&second)) {
                        entry["manifest"] = Value::Null;
                    }
                }
            });
        }
    });
    let ran = seen.run("accountant", &["list"]);
    found(&ran, &b, "chain_gap", "said to be hidden");
    // Without the chains nothing is believed.
    liar.lie(|e| {
        if is_chain(e) {
            e.status = StatusCode::NOT_FOUND;
        }
    });
    let ran = seen.run("accountant", &["list"]);
    assert_eq!((ran.status, ran.code()), (4, "chain_broken".into()));
    liar.be_honest();
    seen.run("accountant", &["list"]).ok();
    pull_all(&seen, &demo.place("whole")).ok();
}

#[test]
fn a_number_that_was_given_twice_is_a_fork() {
    let (demo, seen, liar) = Liar::before(&["principal", "accountant"]);
    let a = send(&seen, "principal", "a", &MARCH);
    seen.run("accountant", &["list"]).ok();
    // The sender's key signs another history, as a sender would whose device was rolled back.
    let profile = Profile::open(&demo.profile("principal")).expect("a profile");
    let key = profile.keys().expect("its keys").sign.clone();
    let id = a.clone();
    liar.lie(move |e| {
        e.rewrite_documents(|document| {
            if document["document"] == id.as_str() {
                let note = document["manifest"].as_str().expect("a manifest");
                let mut said: Manifest =
                    Note::parse(note).expect("a note").decode().expect("a manifest");
                said.commit = Hash([9; 32]);
                document["manifest"] = Note::sign(&said, &[&key]).to_string().into();
            }
        });
    });
    found(&seen.run("accountant", &["list"]), &a, "chain_forked", "listed");
    let to = text(&demo.place("in"));
    found(&seen.run("accountant", &["pull", &a, "--to", &to]), &a, "chain_forked", "pulled");
    assert!(files(&demo.place("in")).is_empty());
    liar.be_honest();
    seen.run("accountant", &["pull", &a, "--to", &to]).ok();
}

/// The database by itself, put away or put back.
pub(crate) fn carry(from: &Path, to: &Path) {
    for name in ["strongroom.db", "strongroom.db-wal", "strongroom.db-shm"] {
        let _ = std::fs::remove_file(to.join(name));
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name)).expect("copied");
        }
    }
}

#[test]
fn an_older_database_is_noticed() {
    let (mut demo, seen, liar) = Liar::before(&["principal", "accountant"]);
    let client = demo.client("principal");
    let a = send(&seen, "principal", "a", &MARCH);
    let away: PathBuf = demo.place("away");
    std::fs::create_dir(&away).expect("a folder");
    assert_eq!(demo.stop(), Some(0));
    carry(&demo.data(), &away);
    demo.serve(free_address());
    liar.people_of(&demo, &["principal", "accountant"]);
    let b = send(&seen, "principal", "b", &MARCH);
    seen.run("accountant", &["list"]).ok();
    seen.run("principal", &["list"]).ok();

    assert_eq!(demo.stop(), Some(0));
    let newer: PathBuf = demo.place("newer");
    std::fs::create_dir(&newer).expect("a folder");
    carry(&demo.data(), &newer);
    carry(&away, &demo.data());
    demo.serve(free_address());
    liar.people_of(&demo, &["principal", "accountant"]);
    for who in ["accountant", "principal"] {
        let ran = seen.run(who, &["list", "--client", &client]);
        found(&ran, &b, "chain_rolled_back", who);
        assert_eq!(row(&ran, &a)["verified"], true, "{who}");
    }
    let to = demo.place("in");
    let ran = seen.run("accountant", &["pull", "--client", &client, "--to", &text(&to)]);
    found(&ran, &b, "chain_rolled_back", "pull");
    assert!(row(&ran, &a)["path"].is_string());
    // Who sends does not go on from the older end.
    liar.forget();
    let file = text(&demo.file("c", b"c"));
    let ran = seen.run("principal", &["send", &file]);
    assert_eq!((ran.status, ran.code()), (4, "bad_head".into()), "{ran:?}");

    // The newer one again, and all is well.
    assert_eq!(demo.stop(), Some(0));
    carry(&newer, &demo.data());
    demo.serve(free_address());
    liar.people_of(&demo, &["principal", "accountant"]);
    seen.run("accountant", &["list"]).ok();
    seen.run("principal", &["send", &file]).ok();
}

#[test]
fn a_sender_misses_what_they_sent_though_they_never_looked_before() {
    let (_demo, seen, liar) = Liar::before(&["principal"]);
    let ids = ["a", "b"].map(|name| send(&seen, "principal", name, &MARCH));
    let all = ids.clone();
    liar.lie(move |e| hide_signed(e, &all));
    let ran = seen.run("principal", &["list"]);
    assert_eq!((ran.status, ran.code()), (4, "chain_broken".into()), "{}", ran.json);
    // The older of both alone is as good as nothing.
    let last = [ids[1].clone()];
    liar.lie(move |e| hide_signed(e, &last));
    let ran = seen.run("principal", &["list"]);
    assert_eq!((ran.status, ran.code()), (4, "chain_broken".into()), "{}", ran.json);
    let hidden = ids.clone();
    liar.lie(move |e| hide(e, &hidden));
    let ran = seen.run("principal", &["list"]);
    for id in &ids {
        found(&ran, id, "missing", "hidden");
    }
    liar.be_honest();
    assert_eq!(rows(&seen.run("principal", &["list"]).ok()).len(), 2);
}

#[test]
fn nobody_but_its_sender_says_that_a_document_was_taken_back() {
    let (demo, seen, liar) = Liar::before(&["principal", "accountant"]);
    let client = demo.client("principal");
    let ids = ["a", "b", "c"].map(|name| send(&seen, "principal", name, &MARCH));
    let [a, b, c] = ids.clone();
    // One was, by who sent it.
    seen.run("principal", &["recall", &c]).ok();
    seen.run("accountant", &["list"]).ok();

    // The others are said to be, in every way that there is.
    type Said = fn(&mut Value, &str);
    let lies: [(&str, Said); 5] = [
        ("nothing", |_, _| {}),
        ("a recall of another", |page, _| {
            let of_c = page["recalls"][0].clone();
            page["recalls"] = vec![of_c.clone(), of_c].into();
        }),
        ("that recall under the other's number", |page, id| {
            let of_c = page["recalls"][0].as_str().expect("a note").to_owned();
            let subject = of_c.lines().find(|line| line.starts_with("subject ")).expect("one");
            page["recalls"][0] = of_c.replace(subject, &format!("subject {id}")).into();
        }),
        ("one that a stranger signed", |page, id| {
            let of_c = page["recalls"][0].as_str().expect("a note").to_owned();
            let mut said: Revocation = Note::parse(&of_c).expect("one").decode().expect("one");
            said.subject = id.parse().expect("a word");
            let note = Note::sign(&said, &[&SigningKey::from_seed(&Secret::new([7; 32]))]);
            page["recalls"][0] = note.to_string().into();
        }),
        ("no end of pages", |page, _| page["more"] = true.into()),
    ];
    for state in ["not listed", "recalled", "uploading"] {
        for (what, said) in lies {
            let (a, b) = (a.clone(), b.clone());
            let what = format!("{what}, {state}");
            liar.lie(move |e| {
                if state == "not listed" {
                    hide(e, &[a.clone(), b.clone()]);
                }
                e.rewrite_documents(|row| {
                    if row["document"] == a.as_str() || row["document"] == b.as_str() {
                        row["state"] = state.into();
                    }
                });
                if e.is(Method::GET, "/clients/*/gone") {
                    e.rewrite(|page| said(page, &b));
                }
            });
            for who in ["accountant", "principal"] {
                let ran = seen.run(who, &["list"]);
                assert_eq!(ran.status, 4, "{who}: {what}: {}", ran.json);
                assert_eq!(ran.code(), "missing", "{who}: {what}");
                for id in &ids[..2] {
                    let is = |row: &&Value| row["document"] == id.as_str();
                    let reasons: Vec<&Value> =
                        rows(&ran.json).iter().filter(is).map(|row| &row["reason"]).collect();
                    assert!(reasons.contains(&&"missing".into()), "{who}: {what}: {reasons:?}");
                }
            }
            let ran = pull_all(&seen, &demo.place(&format!("in {what}")));
            found(&ran, &ids[0], "missing", &what);
            found(&ran, &ids[1], "missing", &what);
        }
    }
    // Nor are those that are said to be taken back shown as if that were known.
    let of_b = b.clone();
    liar.lie(move |e| {
        e.rewrite_documents(|row| {
            if row["document"] == of_b.as_str() {
                row["state"] = "recalled".into();
            }
        });
    });
    let ran = seen.run("accountant", &["list", "--client", &client, "--state", "received"]);
    found(&ran, &b, "missing", "said to be taken back");

    // What its sender takes back with a key of later is not missed by anybody.
    liar.be_honest();
    let passphrase = demo.record["accounts"]["principal"]["passphrase"].as_str().expect("text");
    let passphrase = text(&demo.file("passphrase", passphrase.as_bytes()));
    seen.run("principal", &["key", "rotate", "--passphrase-file", &passphrase]).ok();
    seen.run("principal", &["recall", &a]).ok();
    for who in ["accountant", "principal"] {
        let ran = seen.run(who, &["list"]);
        assert_eq!(ran.status, 0, "{who}: {} {}", ran.json, ran.stderr);
    }
    let listed = seen.run("principal", &["list", "--state", "recalled"]).ok();
    let ids: Vec<&Value> = rows(&listed).iter().map(|row| &row["verified"]).collect();
    assert_eq!(ids, [&Value::from(true), &true.into()]);
}

/// Everybody's lists are whole, however they are asked for.
#[track_caller]
fn all_well(demo: &Demo, client: &str, when: &str) {
    for who in ["principal", "clerk", "accountant", "lead"] {
        for words in [
            &["list"][..],
            &["list", "--client", client],
            &["list", "--period", "2026-03"],
            &["list", "--client", client, "--state", "received"],
            &["list", "--state", "pulled"],
        ] {
            let ran = demo.run(who, words);
            assert_eq!(ran.status, 0, "{when}: {who} {words:?}: {} {}", ran.json, ran.stderr);
            let unverified: Vec<&Value> = rows(&ran.json)
                .iter()
                .filter(|row| row["verified"] == false && row["reason"] != "uploading")
                .collect();
            assert!(unverified.is_empty(), "{when}: {who}: {unverified:?}");
        }
    }
}

#[test]
fn what_is_in_order_is_never_complained_of() {
    let demo = Demo::start();
    let client = demo.client("principal");
    all_well(&demo, &client, "at first");
    let ids = ["a", "b", "c"].map(|name| send(&demo, "principal", name, &MARCH));
    send(&demo, "clerk", "d", &MARCH);
    send(&demo, "clerk", "wages", &["--period", "2026-03", "--category", "payroll"]);
    let wages = ["--period", "2026-03", "--category", "payroll"];
    send(&demo, "principal", "more wages", &wages);
    all_well(&demo, &client, "sent, payroll too");
    demo.run("principal", &["recall", &ids[1]]).ok();
    all_well(&demo, &client, "one was taken back");
    send(&demo, "principal", "e", &MARCH);
    let deliver = text(&demo.file("report", b"a report"));
    demo.run("accountant", &["deliver", &deliver, "--client", &client]).ok();
    let request = demo.run("accountant", &["request", "--client", &client]).ok();
    let url = request["url"].as_str().expect("a URL").to_owned();
    demo.run("nobody", &["send", &deliver, "--link", &url, "--from", "李四"]).ok();
    demo.run("nobody", &["send", &deliver, "--link", &url, "--from", "李四"]).ok();
    all_well(&demo, &client, "delivered, and sent through a link");
    pull_all(&demo, &demo.place("in")).ok();
    all_well(&demo, &client, "pulled");

    // Clerks may read payroll from now on, and see what was hidden before.
    let categories = "receipts,bank,payroll,tax,contract,report,other";
    let before = rows(&demo.run("clerk", &["list"]).ok()).len();
    let policy = ["policy", "--client", &client, "--clerk-reads", categories];
    demo.run("principal", &policy).ok();
    all_well(&demo, &client, "clerks may read payroll");
    assert!(rows(&demo.run("clerk", &["list"]).ok()).len() > before);
    demo.run("principal", &["policy", "--client", &client, "--clerk-reads", "bank"]).ok();
    all_well(&demo, &client, "and bank alone");

    // Somebody new looks after the client, and leaves again.
    let me = demo.run("accountant2", &["whoami"]).ok();
    let member = me["member"].as_str().expect("an id").to_owned();
    demo.run("lead", &["assign", "--client", &client, "--to", &member]).ok();
    demo.run("accountant", &["rewrap", "--client", &client]).ok();
    let seen = demo.run("accountant2", &["list", "--client", &client]).ok();
    assert!(rows(&seen).iter().all(|row| row["verified"] == true), "{seen}");
    demo.run("lead", &["unassign", "--client", &client, "--to", &member]).ok();
    demo.run("accountant2", &["list"]).ok();
    all_well(&demo, &client, "in the end");
}
