//! A leaving accountant's clients go over to a successor: nothing ends before every document has
//! a header for the successor and three different people have signed the list.

use serde_json::Value;
use strongroom::envelope::statement::{Handover, Hash, Note};

use crate::support::demo::{Demo, Ran, noise, text};

fn rows(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn member(demo: &Demo, who: &str) -> String {
    demo.run(who, &["whoami"]).ok()["member"].as_str().expect("an id").to_owned()
}

fn send(demo: &Demo, seed: u64) -> String {
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
    let again = move_on("lead");
    assert_eq!((again.status, again.code().as_str()), (3, "nothing_to_hand_over"));
}
