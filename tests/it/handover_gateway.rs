//! What the gateway demands of a hand-over whatever the device of a lead has checked: three
//! signatures of three people, over the list that its own database gives.

use std::process::Command;

use serde_json::{Value, json};
use strongroom::cli::profile::Profile;
use strongroom::envelope::statement::{
    Assignment, Handover, Hash, Note, SigningKey, Statement as _,
};
use strongroom::ids::{ClientId, KeyId, MemberId};
use strongroom::trust::Directory;

use crate::handover::{drawn_up, member, rows, send};
use crate::support::curl::{Answered, curl, curl_with};
use crate::support::demo::{Demo, text};

/// The hand-over of two clients, signed by the leaver so far.
struct Handing {
    demo: Demo,
    said: Handover,
    list: String,
}

fn key(demo: &Demo, who: &str) -> SigningKey {
    Profile::open(&demo.profile(who)).expect("a profile").keys().expect("its keys").sign.clone()
}

fn bearer(demo: &Demo, who: &str) -> String {
    // An access token that has not ended.
    demo.run(who, &["whoami"]).ok();
    format!("authorization: Bearer {}", demo.token(who))
}

impl Handing {
    /// Two clients, one of which the leaver looks after for one category alone.
    fn drawn_up() -> Self {
        let demo = Demo::start();
        let second = demo.client("principal2");
        let to = member(&demo, "accountant");
        demo.run("lead", &["assign", "--client", &second, "--to", &to, "--category", "tax"]).ok();
        for seed in 1..=3 {
            send(&demo, seed);
        }
        let file = text(&demo.file("tax.bin", b"of the other client"));
        demo.run("principal2", &["send", &file, "--category", "tax"]).ok();
        // What curl sends is sealed by the gateway; what was sealed already its reader adopts.
        let door = format!("{}/", demo.record["on_arrival_url"].as_str().expect("an address"));
        curl(&demo, &["-T", &file, &door]).document();
        let recipients = demo.run("principal", &["recipients"]).ok();
        let leaver = rows(&recipients).iter().find(|row| row["member"] == *to).expect("a reader");
        let sealed = text(&demo.place("tax.age"));
        let recipient = leaver["recipient"].as_str().expect("text");
        let age = Command::new("age").args(["-r", recipient, "-o", &sealed, &file]).status();
        assert!(age.expect("age runs").success());
        assert_eq!(curl(&demo, &["-T", &sealed, &door]).json()["seal"], "raw_age");
        demo.run("accountant", &["pull", "--all", "--to", &text(&demo.place("in"))]).ok();
        let (file, _) = drawn_up(&demo);
        let note = Note::parse(&std::fs::read_to_string(&file).expect("there")).expect("a note");
        let list = std::fs::read_to_string(demo.place("handover.csv")).expect("there");
        let said: Handover = note.decode().expect("a hand-over");
        assert_eq!(said.clients.len(), 2);
        Self { said, list, demo }
    }

    fn signed(&self, said: &Handover, by: &[&str]) -> Note {
        let keys: Vec<_> = by.iter().map(|who| key(&self.demo, who)).collect();
        Note::sign(said, &keys.iter().collect::<Vec<_>>())
    }

    /// What three people sign.
    fn whole(&self, said: &Handover) -> Note {
        self.signed(said, &["lead", "accountant", "accountant2"])
    }

    /// The next assignment of every subject of the leaver, without them.
    fn assignments(&self) -> Vec<Assignment> {
        let root = Profile::open(&self.demo.profile("lead")).expect("a profile").info().root;
        let mut all = Vec::new();
        for client in &self.said.clients {
            let url = self.url(&format!("directory?client={client}"));
            let answer = curl(&self.demo, &["-H", &bearer(&self.demo, "lead"), &url]).json();
            let notes: Vec<Note> =
                serde_json::from_value(answer["statements"].clone()).expect("statements");
            let directory = Directory::verify(root, &notes).expect("verifies");
            for category in directory.subjects_of(*client, self.said.from) {
                let mut accountants = directory.assigned_exactly(*client, category).to_vec();
                accountants.retain(|member| *member != self.said.from);
                all.push(Assignment {
                    root: root.key_id(),
                    client: *client,
                    category,
                    accountants,
                    prev: directory.assignment_head(*client, category),
                    time: self.said.time,
                });
            }
        }
        all
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/v1/{path}", self.demo.record["url"].as_str().expect("an address"))
    }

    fn post(&self, who: &str, statement: &Note, assignments: &[Assignment]) -> Answered {
        let by = key(&self.demo, "lead");
        let notes: Vec<Note> = assignments.iter().map(|a| Note::sign(a, &[&by])).collect();
        let body = json!({ "statement": statement, "assignments": notes }).to_string();
        let json = "content-type: application/json";
        let head = ["-H", json, "-H", &bearer(&self.demo, who), "--data-binary", "@-"];
        let url = self.url("handovers");
        curl_with(&self.demo, &[&head[..], &[&url]].concat(), body.as_bytes())
    }

    /// Refused, and nobody's place has ended.
    #[track_caller]
    fn refused(&self, what: &str, answer: &Answered, status: u16, code: &str) {
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        assert_eq!(answer.json()["code"], code, "{what}");
        for client in &self.said.clients {
            let ran = self.demo.run("accountant", &["list", "--client", &client.to_string()]);
            assert_ne!(ran.status, 3, "{what}: {ran:?}");
        }
    }
}

#[test]
fn the_gateway_completes_a_hand_over_that_three_people_signed_and_no_other() {
    let handing = Handing::drawn_up();
    let Handing { demo, said, .. } = &handing;
    let next = handing.assignments();
    let complete = |note: &Note| handing.post("lead", note, &next);

    let [lead, leaver, successor] = ["lead", "accountant", "accountant2"];
    for by in [
        &[lead, leaver][..],
        &[lead, successor],
        &[lead],
        &[lead, leaver, leaver],
        &[lead, leaver, "auditor"],
    ] {
        let answer = complete(&handing.signed(said, by));
        handing.refused(&format!("{by:?}"), &answer, 409, "handover_unsigned");
    }
    // One person in two places.
    let to_lead = Handover { to: member_id(demo, lead), ..said.clone() };
    let answer = complete(&handing.signed(&to_lead, &[lead, leaver]));
    handing.refused("the lead supervises herself", &answer, 409, "handover_unsigned");

    for who in ["accountant", "accountant2", "principal", "auditor", "privacy_officer", "admin"] {
        let answer = handing.post(who, &handing.whole(said), &next);
        handing.refused(who, &answer, 403, "not_allowed");
    }

    let mut without_successor = next.clone();
    without_successor[0].accountants = vec![member_id(demo, lead)];
    let mut nothing_ends = next.clone();
    nothing_ends[0].accountants = vec![said.from, said.to];
    let mut elsewhere = next.clone();
    elsewhere.push(Assignment { client: third(demo), prev: None, ..next[0].clone() });
    let mut again = next.clone();
    again.push(Assignment {
        prev: Some(next[0].hash()),
        accountants: vec![said.from],
        ..next[0].clone()
    });
    for (what, assignments) in [
        ("none", Vec::new()),
        ("one is missing", next[1..].to_vec()),
        ("without the successor", without_successor),
        ("with the leaver", nothing_ends),
        ("of another client too", elsewhere),
        ("and back again", again),
    ] {
        let answer = handing.post("lead", &handing.whole(said), &assignments);
        handing.refused(what, &answer, 422, "statement_refused");
    }
    let mut stale = next.clone();
    stale[1].prev = Some(Hash([1; 32]));
    let answer = handing.post("lead", &handing.whole(said), &stale);
    handing.refused("of another chain", &answer, 409, "chain_moved");

    // What came since is no part of the list.
    send(demo, 4);
    let whole = handing.whole(said);
    let done = complete(&whole);
    assert_eq!(done.status, 200, "{done:?}");
    assert_eq!(done.json()["handover"], json!(said.handover));
    for client in &said.clients {
        let gone = demo.run("accountant", &["list", "--client", &client.to_string()]);
        assert_eq!((gone.status, gone.code().as_str()), (3, "not_found"));
    }
    // The same again is answered alike; something else with its id is not.
    for assignments in [&next[..], &[]] {
        let again = handing.post("lead", &whole, assignments);
        assert_eq!((again.status, again.json()), (200, done.json()));
    }
    let other = Handover { documents: said.documents + 1, ..said.clone() };
    let answer = complete(&handing.whole(&other));
    assert_eq!((answer.status, &answer.json()["code"]), (409, &"wrong_state".into()));
    // Each client reads of their own documents alone.
    for (who, documents) in [("principal", said.documents - 1), ("principal2", 1)] {
        let seen = demo.run(who, &["who-saw"]).ok();
        let entries: Vec<&Value> =
            rows(&seen).iter().filter(|row| row["action"] == "handover.complete").collect();
        assert_eq!((entries.len(), &entries[0]["detail"]["documents"]), (1, &documents.into()));
    }
}

#[test]
fn the_gateway_takes_no_list_but_the_one_that_its_database_gives() {
    let handing = Handing::drawn_up();
    let Handing { demo, said, list } = &handing;
    let next = handing.assignments();
    let complete = |said: &Handover| handing.post("lead", &handing.whole(said), &next);

    // The last line is of a document whose header somebody else made for the successor.
    let mut lines: Vec<&str> = list.lines().collect();
    let client = demo.client("principal");
    let at = lines.iter().rposition(|line| line.starts_with(&client)).expect("a line");
    lines.remove(at);
    let shorter = lines.join("\n") + "\n";
    let shorter = Handover {
        documents: said.documents - 1,
        list: Hash::of(shorter.as_bytes()),
        ..said.clone()
    };
    handing.refused("a document is missing", &complete(&shorter), 409, "handover_changed");
    let miscounted = Handover { documents: said.documents - 1, ..said.clone() };
    handing.refused("miscounted", &complete(&miscounted), 409, "handover_changed");
    // A list that ends before its documents came.
    let empty = Hash::of(format!("{}\n", lines[0]).as_bytes());
    let backdated =
        Handover { time: said.time.plus_secs(-3600), documents: 0, list: empty, ..said.clone() };
    handing.refused("backdated", &complete(&backdated), 409, "handover_changed");
    let later = Handover { time: said.time.plus_secs(27 * 3600), ..said.clone() };
    handing.refused("of the far future", &complete(&later), 422, "statement_refused");

    let one_client = Handover { clients: said.clients[..1].to_vec(), ..said.clone() };
    handing.refused("a client is missing", &complete(&one_client), 409, "handover_changed");
    let mut clients = [&said.clients[..], &[third(demo)]].concat();
    clients.sort_unstable();
    let more = Handover { clients, ..said.clone() };
    handing.refused("a client more", &complete(&more), 409, "handover_changed");
    let foreign = Handover { root: KeyId::from_bytes([1; 16]), ..said.clone() };
    handing.refused("of another firm", &complete(&foreign), 422, "statement_refused");
    let invited = demo.run("lead", &["invite", "--role", "lead"]).ok();
    let url = invited["url"].as_str().expect("an address");
    demo.run("lead2", &["join", url, "--login", "lead2"]).ok();
    let others = handing.signed(said, &["lead2", "accountant", "accountant2"]);
    let answer = handing.post("lead", &others, &next);
    handing.refused("the caller has not signed", &answer, 422, "statement_refused");
    let to_lead = Handover { to: member_id(demo, "lead2"), ..said.clone() };
    let note = handing.signed(&to_lead, &["lead", "accountant", "lead2"]);
    let answer = handing.post("lead", &note, &next);
    handing.refused("to somebody not assigned", &answer, 422, "not_assigned");

    demo.sql("CREATE TABLE kept AS SELECT * FROM grants WHERE reason = 'rewrap' LIMIT 1");
    demo.sql(
        "DELETE FROM grants WHERE EXISTS (SELECT 1 FROM kept k
             WHERE k.document = grants.document AND k.member = grants.member)",
    );
    handing.refused("a header is missing", &complete(said), 409, "handover_pending");
    demo.sql("INSERT INTO grants SELECT * FROM kept");

    // What the database says of a document is what was signed.
    demo.sql("UPDATE documents SET length = length + 1 WHERE category = 'bank'");
    handing.refused("a document changed", &complete(said), 409, "handover_changed");
    demo.sql("UPDATE documents SET length = length - 1 WHERE category = 'bank'");
    // A category of its own since: its place must end too.
    let lead = member(demo, "lead");
    demo.run("lead", &["assign", "--client", &client, "--to", &lead, "--category", "payroll"]).ok();
    handing.refused("a place is left", &complete(said), 422, "statement_refused");
    let done = handing.post("lead", &handing.whole(said), &handing.assignments());
    assert_eq!(done.status, 200, "{done:?}");
}

/// A client that nobody looks after.
fn third(demo: &Demo) -> ClientId {
    let added = demo.run("lead", &["client", "add", "丙"]).ok();
    added["client"].as_str().expect("an id").parse().expect("an id")
}

fn member_id(demo: &Demo, who: &str) -> MemberId {
    member(demo, who).parse().expect("an id")
}
