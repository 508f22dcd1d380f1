//! A leaving accountant's clients go over to a successor: nothing ends before every document has
//! a header for the successor and three different people have signed the list. What the gateway
//! demands by itself is in `handover_gateway`.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use strongroom::cli::profile::Profile;
use strongroom::envelope::statement::{Handover, Hash, Note};

use crate::support::demo::{Demo, Ran, noise, text};
use crate::support::liar::{Exchange, Liar};

pub(crate) fn rows(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

pub(crate) fn member(demo: &Demo, who: &str) -> String {
    demo.run(who, &["whoami"]).ok()["member"].as_str().expect("an id").to_owned()
}

/// Sends a document of the principal; its number.
pub(crate) fn send(demo: &Demo, seed: u64) -> String {
    let file = text(&demo.file(&format!("{seed}.bin"), &noise(50_000, seed)));
    let sent = demo.run("principal", &["send", &file, "--category", "bank"]).ok();
    rows(&sent)[0]["document"].as_str().expect("an id").to_owned()
}

#[test]
fn a_leavers_clients_go_over_with_three_signatures_and_no_document_missing() {
    let demo = Demo::start();
    let client = demo.client("principal");
    let (from, to) = (member(&demo, "accountant"), member(&demo, "accountant2"));
    let sent: Vec<String> = (1..=3).map(|seed| send(&demo, seed)).collect();
    let file = text(&demo.place("handover.txt"));
    let move_on = |who: &str| -> Ran {
        demo.run(who, &["handover", "--from", &from, "--to", &to, "--statement", &file])
    };
    let sign = |who: &str| demo.run(who, &["handover", "sign", &file]);
    let reads = |who: &str| demo.run(who, &["list", "--client", &client]).status == 0;

    for who in ["accountant", "auditor", "principal"] {
        assert_eq!(move_on(who).status, 3, "{who}");
    }
    let pending = move_on("lead");
    assert_eq!((pending.status, pending.code().as_str()), (1, "handover_pending"));
    let done = demo.run("accountant", &["rewrap", "--client", &client]).ok();
    assert!(done["rewrapped"].as_u64() >= Some(3), "{done}");
    demo.sql(
        "DELETE FROM grants WHERE reason = 'rewrap' AND document =
             (SELECT MIN(document) FROM grants WHERE reason = 'rewrap')",
    );
    let pending = move_on("lead");
    assert_eq!(
        (pending.status, pending.code().as_str()),
        (1, "handover_pending"),
        "one is missing"
    );
    assert!(!demo.place("handover.txt").exists());
    assert_eq!(demo.run("accountant", &["rewrap"]).ok()["rewrapped"], 1);

    for _ in 0..2 {
        let unsigned = move_on("lead");
        assert_eq!((unsigned.status, unsigned.code().as_str()), (1, "handover_unsigned"));
    }
    let note = Note::parse(&std::fs::read_to_string(&file).expect("drawn up")).expect("a note");
    let said: Handover = note.decode().expect("a hand-over");
    let list = std::fs::read_to_string(demo.place("handover.csv")).expect("drawn up");
    assert_eq!(said.list, Hash::of(list.as_bytes()));
    assert_eq!(list.lines().count() as u64, said.documents + 1);
    assert!(sent.iter().all(|id| list.contains(id)));
    for who in ["auditor", "principal", "admin"] {
        let refused = sign(who);
        assert_eq!((refused.status, refused.code().as_str()), (3, "not_allowed"), "{who}");
    }
    let signed = sign("accountant").ok();
    assert_eq!((&signed["state"], rows(&signed["signed"]).len()), (&"drawn_up".into(), 2));
    assert_eq!(move_on("lead").code(), "handover_unsigned", "the successor has not signed");
    assert!(reads("accountant"), "nothing has ended yet");
    let signed = sign("accountant2").ok();
    assert_eq!((&signed["state"], rows(&signed["signed"]).len()), (&"signed".into(), 3));
    // What arrives meanwhile is sealed to both and is no part of the list.
    let late = send(&demo, 4);

    let whole = std::fs::read_to_string(&file).expect("there");
    let documents = format!("documents {}", said.documents);
    let forged = whole.replace(&documents, &format!("documents {}", said.documents - 1));
    std::fs::write(&file, forged).expect("written");
    let refused = move_on("lead");
    assert_eq!((refused.status, refused.code().as_str()), (4, "handover_changed"));
    assert!(reads("accountant"));
    std::fs::write(&file, &whole).expect("written");

    let done = move_on("lead").ok();
    assert_eq!(done["state"], "completed");
    assert_eq!(done["documents"].as_u64(), Some(said.documents));
    assert!(!reads("accountant"), "access ends at once");
    let gone = demo.run("accountant", &["pull", &sent[0], "--to", &text(&demo.place("gone"))]);
    assert_eq!((gone.status, gone.code()), (3, "not_found".into()));
    let mut pull = vec!["pull"];
    pull.extend(sent.iter().map(String::as_str));
    let inbox = text(&demo.place("inbox"));
    pull.extend([late.as_str(), "--to", inbox.as_str()]);
    let pulled = demo.run("accountant2", &pull).ok();
    assert_eq!(rows(&pulled).len(), 4);
    assert!(rows(&pulled).iter().all(|row| row["verified"] == true));
    let handover = &done["handover"];
    let seen = demo.run("principal", &["who-saw"]).ok();
    let of = |action: &str| rows(&seen).iter().find(|row| row["action"] == action);
    let entry = of("handover.complete").expect("the client sees it");
    assert_eq!((&entry["object"], &entry["role"]), (handover, &"lead".into()));
    let detail = json!({
        "from": from, "to": to, "documents": said.documents, "statement": note.hash()
    });
    assert_eq!(entry["detail"], detail);
    let elsewhere = demo.run("principal2", &["who-saw"]).ok();
    assert!(rows(&elsewhere).iter().all(|row| row["action"] != "handover.complete"));

    let again = move_on("lead").ok();
    assert_eq!((&again["state"], &again["handover"]), (&"completed".into(), handover));
    std::fs::remove_file(&file).expect("removed");
    let again = move_on("lead");
    assert_eq!((again.status, again.code().as_str()), (3, "nothing_to_hand_over"));
}

/// As far as the leaver's signature; the statement, and who leaves for whom.
pub(crate) fn drawn_up(demo: &Demo) -> (String, [String; 2]) {
    let people = [member(demo, "accountant"), member(demo, "accountant2")];
    let file = text(&demo.place("handover.txt"));
    assert_eq!(move_on(demo, &people, &file).code(), "handover_pending");
    demo.run("accountant", &["rewrap"]).ok();
    assert_eq!(move_on(demo, &people, &file).code(), "handover_unsigned");
    demo.run("accountant", &["handover", "sign", &file]).ok();
    (file, people)
}

/// What the lead runs again and again.
pub(crate) fn move_on(demo: &Demo, [from, to]: &[String; 2], file: &str) -> Ran {
    demo.run("lead", &["handover", "--from", from, "--to", to, "--statement", file])
}

/// Takes a document out of lists.
fn hide(e: &mut Exchange, id: &str) {
    if e.is(Method::GET, "/documents") {
        e.rewrite(|page| {
            let rows = page["documents"].as_array_mut().expect("a page");
            rows.retain(|row| row["document"] != id);
        });
    }
}

#[test]
fn a_gateway_cannot_leave_a_document_out_of_the_list() {
    let (demo, seen, liar) = Liar::before(&["lead", "accountant", "accountant2"]);
    let sent: Vec<String> = (1..=3).map(|seed| send(&demo, seed)).collect();
    let people = [member(&seen, "accountant"), member(&seen, "accountant2")];
    let file = demo.place("handover.txt");
    let draw_up = || move_on(&seen, &people, &text(&file));
    let second = demo.client("principal2");
    let tax = ["--category", "tax"];
    let assign = ["assign", "--client", &second, "--to", &people[0]];
    seen.run("lead", &[&assign[..], &tax].concat()).ok();
    let paper = text(&demo.file("tax.bin", b"of another client"));
    let of_tax = demo.run("principal2", &[&["send", &paper][..], &tax].concat()).ok();
    assert_eq!(draw_up().code(), "handover_pending");
    seen.run("accountant", &["rewrap"]).ok();

    let refused = |what: &str| {
        let ran = draw_up();
        assert_eq!((ran.status, ran.code().as_str()), (4, "missing"), "{what}");
        assert!(!file.exists(), "{what}: nothing is drawn up");
    };
    let id = sent[1].clone();
    liar.lie(move |e| {
        hide(e, &id);
        if e.is(Method::GET, "/documents/*") && e.path.ends_with(&id) {
            e.refuse(StatusCode::NOT_FOUND, "not_found");
        }
    });
    refused("not shown");
    // Left out of one answer, it is not left out of the list.
    let id = sent[1].clone();
    liar.lie(move |e| hide(e, &id));
    assert_eq!(draw_up().code(), "handover_unsigned");
    let list = || std::fs::read_to_string(demo.place("handover.csv")).expect("there");
    assert!(list().contains(&sent[1]));
    std::fs::remove_file(&file).expect("removed");
    for state in ["uploading", "recalled"] {
        let id = sent[1].clone();
        liar.lie(move |e| {
            e.rewrite_documents(|row| {
                if row["document"] == id.as_str() {
                    row["state"] = state.into();
                }
            });
        });
        refused(state);
    }
    // Called something that is not handed over.
    liar.lie(move |e| {
        e.rewrite_documents(|row| {
            if row["document"] == of_tax[0]["document"] {
                row["category"] = "bank".into();
            }
        });
    });
    assert_eq!(draw_up().code(), "bad_signature");
    assert!(!file.exists());
    liar.be_honest();
    // What its sender took back is none of it.
    let gone = send(&demo, 4);
    demo.run("principal", &["recall", &gone]).ok();
    assert_eq!(draw_up().code(), "handover_unsigned");
    assert!(sent.iter().all(|id| list().contains(id)) && !list().contains(&gone));
    seen.run("accountant2", &["handover", "sign", &text(&file)]).ok();
}

#[test]
fn nobody_signs_a_list_that_ends_before_its_documents_came() {
    let demo = Demo::start();
    send(&demo, 1);
    let (file, people) = drawn_up(&demo);
    let note = Note::parse(&std::fs::read_to_string(file).expect("there")).expect("a note");
    let said: Handover = note.decode().expect("a hand-over");
    let list = std::fs::read_to_string(demo.place("handover.csv")).expect("there");
    let columns = list.lines().next().expect("a line").to_owned() + "\n";
    let empty = Handover {
        time: said.time.plus_secs(-3600),
        documents: 0,
        list: Hash::of(columns.as_bytes()),
        ..said
    };
    let lead = Profile::open(&demo.profile("lead")).expect("a profile").keys().expect("its keys");
    let note = Note::sign(&empty, &[&lead.sign]).to_string();
    let backdated = text(&demo.file("backdated.txt", note.as_bytes()));
    for who in ["accountant", "accountant2"] {
        let ran = demo.run(who, &["handover", "sign", &backdated]);
        assert_eq!((ran.status, ran.code().as_str()), (4, "handover_changed"), "{who}");
    }
    assert_eq!(move_on(&demo, &people, &backdated).code(), "handover_changed");
    assert_eq!(std::fs::read_to_string(&backdated).expect("there"), note);
}

#[test]
fn a_hand_over_whose_answer_was_lost_is_completed_by_the_same_command() {
    let (demo, seen, liar) = Liar::before(&["lead", "accountant", "accountant2"]);
    send(&demo, 1);
    let (file, people) = drawn_up(&seen);
    seen.run("accountant2", &["handover", "sign", &file]).ok();
    let lost = |e: &Exchange| e.is(Method::POST, "/handovers");
    // A statement that reaches the gateway with two signatures only is not taken.
    let text = std::fs::read_to_string(&file).expect("there");
    let two = text.trim_end().rsplit_once('\n').expect("lines").0.to_owned() + "\n";
    liar.meddle(move |e| {
        if lost(e) {
            let mut body: Value = serde_json::from_slice(&e.sent).expect("JSON");
            body["statement"] = two.clone().into();
            e.sent = body.to_string().into();
        }
    });
    let refused = move_on(&seen, &people, &file);
    assert_eq!((refused.status, refused.code().as_str()), (1, "handover_unsigned"));
    liar.be_honest();
    liar.lie(move |e| {
        if lost(e) {
            e.refuse(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
        }
    });
    assert_eq!(move_on(&seen, &people, &file).status, 5);
    assert_eq!(seen.run("accountant", &["list"]).ok(), json!([]), "it happened all the same");
    liar.be_honest();
    let done = move_on(&seen, &people, &file).ok();
    assert_eq!((&done["state"], rows(&done["signed"]).len()), (&"completed".into(), 3));
}

#[test]
fn a_client_that_the_gateway_keeps_quiet_about_is_not_left_behind() {
    let (demo, seen, liar) = Liar::before(&["lead", "accountant"]);
    let (from, to) = (member(&seen, "accountant"), member(&demo, "accountant2"));
    let added = seen.run("lead", &["client", "add", "乙公司"]).ok();
    let other = added["client"].as_str().expect("an id").to_owned();
    seen.run("lead", &["assign", "--client", &other, "--to", &from]).ok();
    let quiet = other.clone();
    liar.lie(move |e| {
        if e.is(Method::GET, "/clients") {
            e.rewrite(|all| {
                let all = all.as_array_mut().expect("clients");
                all.retain(|client| client["client"] != quiet.as_str());
            });
        }
    });
    let file = text(&demo.place("handover.txt"));
    let handover = ["handover", "--from", &from, "--to", &to, "--statement", &file];
    seen.run("lead", &handover);
    seen.run("accountant", &["rewrap"]).ok();
    let ran = seen.run("lead", &handover);
    assert_eq!((ran.status, ran.code()), (4, "handover_changed".into()), "{}", ran.stderr);
    let note = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(!note.contains("\u{2014} "), "nobody has signed: {note}");
}

#[test]
fn a_hand_over_needs_the_log_and_the_witness_that_a_signer_requires() {
    let demo = Demo::start();
    let (from, to) = (member(&demo, "accountant"), member(&demo, "accountant2"));
    let file = text(&demo.place("handover.txt"));
    let handover = ["handover", "--from", &from, "--to", &to, "--statement", &file];
    demo.run("lead", &handover);
    demo.run("accountant", &["rewrap"]).ok();
    let key = crate::witness::impostor();
    demo.run("lead", &["require-witness", &key]).ok();
    let ran = demo.run("lead", &handover);
    assert_eq!((ran.status, ran.code()), (4, "not_cosigned".into()), "{}", ran.stderr);
    demo.run("lead", &["require-witness", "--none"]).ok();
    let ran = demo.run("lead", &handover);
    assert_eq!(ran.code(), "handover_unsigned");
    demo.run("accountant", &["require-witness", &key]).ok();
    let ran = demo.run("accountant", &["handover", "sign", &file]);
    assert_eq!((ran.status, ran.code()), (4, "not_cosigned".into()), "{}", ran.stderr);
}
