//! Who saw my files: every act and every refusal that concerns a client is there for its
//! principal, and cannot be left out. The log's own addresses with it.

use http::Method;
use serde_json::Value;
use strongroom::api::{LogHead, LogProof, SeenPage};
use strongroom::audit::Sequencer;
use strongroom::envelope::statement::{Note, Receipt, Role, SigningKey};
use strongroom::ids::DocumentId;
use strongroom::merkle::{Checkpoint, LoggedProof, SignedNote, leaf_hash};
use strongroom::secrets::Secret;

use crate::shares::open_share;
use crate::support::demo::{Demo, strongroom, text};
use crate::support::office::Person;
use crate::support::papers::Desk;

async fn seen(desk: &Desk, person: &Person) -> SeenPage {
    let path = format!("/clients/{}/seen", desk.client);
    desk.office.get(&path, person).await.ok().json()
}

#[tokio::test]
async fn a_principal_sees_who_did_and_who_tried() {
    let desk = Desk::open().await;
    let paper = desk.sent(&desk.clerk, "x").await;
    let id = paper.id.to_string();
    desk.read(&desk.accountant, paper.id).await;
    let age = format!("/documents/{id}/age");
    desk.office.get(&age, &desk.accountant2).await.refused(404, "not_found");
    desk.office.get(&age, &desk.accountant2).await.refused(404, "not_found");
    let unknown = format!("/documents/{}/age", DocumentId::random());
    desk.office.get(&unknown, &desk.accountant2).await.refused(404, "not_found");
    let list = format!("/documents?client={}", desk.client);
    desk.office.get(&list, &desk.principal2).await.refused(404, "not_found");
    let foreign = desk.paper("not theirs").await;
    let manifest = foreign.manifest(&desk.office, &desk.principal2, 1, None);
    let note = Note::sign(&manifest, &[&desk.principal2.keys.sign]);
    let refused = desk.post_whole(&desk.principal2, foreign.frames(&note)).await;
    refused.refused(404, "not_found");
    let admin = desk.office.member(&desk.lead, "admin", Role::Admin, None).await;
    desk.office.get(&age, &admin).await.refused(403, "not_allowed");

    let page = seen(&desk, &desk.principal).await;
    let rows = &page.seen;
    assert!(rows.windows(2).all(|pair| pair[0].at >= pair[1].at), "newest first");
    let of = |action: &str, person: &Person| {
        rows.iter()
            .filter(|row| row.action == action && row.member == Some(person.member))
            .collect::<Vec<_>>()
    };
    let [sent] = of("document.complete", &desk.clerk)[..] else { panic!("sent once: {rows:?}") };
    assert_eq!((sent.role.as_deref(), sent.document), (Some("clerk"), Some(paper.id)));
    let opened = of("document.open", &desk.accountant);
    assert!(opened.iter().all(|row| row.role.as_deref() == Some("accountant")));
    assert_eq!(opened.first().and_then(|row| row.document), Some(paper.id));
    assert!(!of("assignment.set", &desk.lead).is_empty());
    let tried = |person: &Person| -> Vec<(String, Option<DocumentId>)> {
        of("access.refused", person)
            .iter()
            .map(|row| (row.detail["tried"].as_str().expect("a word").to_owned(), row.document))
            .collect()
    };
    assert_eq!(
        tried(&desk.accountant2),
        [("documents.open".into(), Some(paper.id))],
        "once a minute"
    );
    assert_eq!(
        tried(&desk.principal2),
        [("documents.send".to_owned(), None), ("documents.list".to_owned(), None)]
    );
    assert_eq!(tried(&admin), [("documents.open".into(), Some(paper.id))]);
}

#[tokio::test]
async fn it_is_for_the_principal_and_those_who_oversee() {
    let desk = Desk::open().await;
    desk.sent(&desk.clerk, "x").await;
    let path = format!("/clients/{}/seen", desk.client);
    for person in [&desk.clerk, &desk.accountant] {
        desk.office.get(&path, person).await.refused(403, "not_allowed");
    }
    desk.office.get(&path, &desk.principal2).await.refused(404, "not_found");
    let auditor = desk.office.member(&desk.lead, "audit", Role::Auditor, None).await;
    for person in [&desk.principal, &desk.lead, &auditor] {
        assert!(!seen(&desk, person).await.seen.is_empty());
    }
    // Who asked for this list in vain stands in it.
    let refused = seen(&desk, &desk.principal).await.seen;
    let refused = refused.iter().filter(|row| row.action == "access.refused").count();
    assert_eq!(refused, 3);
    // And it has pages.
    for _ in 0..110 {
        let id = desk.sent(&desk.clerk, "more").await.id;
        desk.office.get(&format!("/documents/{id}"), &desk.principal).await.ok();
    }
    let first = seen(&desk, &desk.principal).await;
    let next = first.next.expect("another page");
    let rest: SeenPage =
        desk.office.get(&format!("{path}?after={next}"), &desk.principal).await.ok().json();
    assert_eq!(first.seen.len(), 200);
    assert!(
        !rest.seen.is_empty()
            && rest.seen.iter().all(|row| !first.seen.iter().any(|f| f.entry == row.entry))
    );
    let bad = desk.office.get(&format!("{path}?after=x"), &desk.principal).await;
    assert_eq!(bad.status, 400);
}

#[tokio::test]
async fn a_refusal_that_cannot_be_recorded_is_not_given() {
    let desk = Desk::open().await;
    let paper = desk.sent(&desk.clerk, "x").await;
    let age = format!("/documents/{}/age", paper.id);
    desk.office.break_audit(true).await;
    assert_eq!(desk.office.get(&age, &desk.accountant2).await.status, 503);
    desk.office.break_audit(false).await;
    desk.office.get(&age, &desk.accountant2).await.refused(404, "not_found");
    let rows = seen(&desk, &desk.principal).await.seen;
    assert_eq!(rows.iter().filter(|row| row.action == "access.refused").count(), 1);
}

#[tokio::test]
async fn receipts_are_proven_and_the_tree_is_served_in_tiles() {
    let desk = Desk::open().await;
    let key = SigningKey::from_seed(&Secret::random());
    let state = &desk.office.state;
    let sequencer = Sequencer::new(state.store.clone(), state.clock.clone(), key);
    sequencer.all().await.expect("sequenced").expect("a checkpoint");
    let head: LogHead = desk.office.get("/log/head", &desk.clerk).await.ok().json();
    let note = SignedNote::parse(&head.checkpoint.expect("a checkpoint")).expect("a note");
    let older = Checkpoint::from_text(note.text()).expect("a checkpoint");

    let paper = desk.paper("x").await;
    let completed = desk.send(&desk.clerk, &paper).await;
    let entry = completed.receipt.decode::<Receipt>().expect("a receipt").entry;
    let path = format!("/log/proofs/{entry}?since={}", older.size);
    let ask = async || -> LogProof {
        desk.office.ask(Method::GET, &path, None, None::<&Value>).await.ok().json()
    };
    let waiting = ask().await;
    assert!(!waiting.included && waiting.proof.is_none());
    sequencer.all().await.expect("sequenced").expect("a checkpoint");
    let proven = ask().await;
    assert_eq!(leaf_hash(proven.entry.as_bytes()), entry.0, "the entry itself goes with it");
    let proof = LoggedProof::parse(&proven.proof.expect("a proof")).expect("a proof");
    assert!(proven.included && proof.includes(&entry.0) == Ok(true));
    let newer = Checkpoint::from_text(proof.checkpoint.text()).expect("a checkpoint");
    let hashes: Vec<_> = proven.head.consistency.expect("grown").iter().map(|h| h.0).collect();
    assert!(older.grew_into(&newer, &hashes) && newer.size > older.size);
    let unknown = format!("/log/proofs/{}", "0".repeat(64));
    desk.office.ask(Method::GET, &unknown, None, None::<&Value>).await.refused(404, "not_found");
    let shorter: LogHead = desk.office.get("/log/head?since=999999", &desk.clerk).await.ok().json();
    assert!(shorter.consistency.is_none());

    let auditor = desk.office.member(&desk.lead, "audit", Role::Auditor, None).await;
    let width = newer.size;
    let tile = format!("/log/tile/0/000.p/{width}");
    let tile = desk.office.get(&tile, &auditor).await.ok();
    assert_eq!(tile.body.len() as u64, 32 * width);
    let bundle = desk.office.get(&format!("/log/tile/entries/000.p/{width}"), &auditor).await.ok();
    let mut rest = &bundle.body[..];
    for leaf in tile.body.chunks(32) {
        let (length, entries) = rest.split_first_chunk::<2>().expect("a length");
        let (entry, more) = entries.split_at(u16::from_be_bytes(*length).into());
        assert_eq!(leaf_hash(entry), leaf);
        rest = more;
    }
    assert!(rest.is_empty());
    let older_width = format!("/log/tile/0/000.p/{}", older.size);
    let narrower = desk.office.get(&older_width, &auditor).await.ok();
    assert_eq!(narrower.body[..], tile.body[..32 * older.size as usize]);
    let checkpoint = desk.office.get("/log/checkpoint", &auditor).await.ok();
    assert_eq!(checkpoint.body, proof.checkpoint.to_string());
    for missing in ["0/001", "0/000", "1/000", "9/000", "entries/001", "x", "0/000.p/300"] {
        let answer = desk.office.get(&format!("/log/tile/{missing}"), &auditor).await;
        answer.refused(404, "not_found");
    }
    for path in ["/log/checkpoint", "/log/tile/0/000.p/1"] {
        desk.office.get(path, &desk.principal).await.refused(403, "not_allowed");
    }
}

#[test]
fn a_client_reads_it_by_command() {
    let demo = Demo::start();
    let file = text(&demo.file("a.pdf", b"a"));
    let sent = demo.run("principal", &["send", &file]).ok();
    let document = sent[0]["document"].as_str().expect("an id").to_owned();
    demo.run("accountant", &["pull", &document, "--to", &text(&demo.place("out"))]).ok();
    let foreign =
        demo.run("accountant2", &["fetch", &document, "--raw", &text(&demo.place("raw"))]);
    assert_eq!(foreign.status, 3);
    let rows = demo.run("principal", &["who-saw"]).ok();
    let has = |action: &str, role: &str| {
        rows.as_array().expect("rows").iter().any(|row| {
            row["action"] == action
                && row["role"] == role
                && row["document"] == document.as_str()
                && row["member"].is_string()
                && row["at"].is_string()
                && row.get("purpose").is_some()
        })
    };
    assert!(has("document.complete", "principal"), "{rows}");
    assert!(has("document.open", "accountant"), "{rows}");
    assert!(has("access.refused", "accountant"), "{rows}");
    // What a partner fetches through a share is there too, with what the share is for.
    let share = open_share(&demo, std::slice::from_ref(&document), &[]);
    share.receive(&demo, "received").ok();
    let after = demo.run("principal", &["who-saw"]).ok();
    let of = |action: &str| {
        let row = after.as_array().expect("rows").iter().find(|row| row["action"] == action);
        row.unwrap_or_else(|| panic!("{action} in {after}")).clone()
    };
    let fetched = of("share.fetch");
    assert_eq!(
        (&fetched["document"], &fetched["role"]),
        (&document.as_str().into(), &"partner".into())
    );
    for action in ["share.propose", "share.authorise", "share.open", "share.fetch"] {
        assert_eq!(of(action)["purpose"], "2025 年度审计", "{action}");
    }
    let newest = demo.run("principal", &["who-saw", "--newest", "1"]).ok();
    assert_eq!(newest.as_array().map(Vec::len), Some(1));
    // Looking through lists hides none of that.
    let client = demo.client("principal");
    for _ in 0..5 {
        demo.run("accountant", &["list", "--client", &client]).ok();
    }
    let plain = |words: &[&str]| {
        let profile = text(&demo.profile("principal"));
        let ca = demo.record["ca"].as_str().expect("a CA");
        let mut command = strongroom(&["--profile", &profile, "--ca", ca, "who-saw"]);
        let output = command.args(words).output().expect("runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let table = plain(&["--newest", "2"]);
    assert!(table.contains("a.pdf") && table.contains("routine lines"), "{table}");
    // Below its head two lines, and the one that says what is hidden.
    assert_eq!(table.lines().filter(|line| line.starts_with("20")).count(), 2, "{table}");
    let full = plain(&["--newest", "2", "--full"]);
    assert_eq!(full.lines().filter(|line| line.starts_with("20")).count(), 2, "{full}");
    assert!(full.contains("looked through the list"), "{full}");
    assert_eq!(demo.run("clerk", &["who-saw", "--client", &client]).status, 3);
    assert_eq!(demo.run("principal2", &["who-saw", "--client", &client]).status, 3);
    demo.run("auditor", &["who-saw", "--client", &client]).ok();
}
