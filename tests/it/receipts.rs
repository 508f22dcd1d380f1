//! Receipts: promised, kept, checked off line for ever; and a gateway that goes back on them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use strongroom::clock::Clock;
use strongroom::envelope::statement::{Card, Hash, Note, PublicKey, Receipt, Role, SigningKey};
use strongroom::identity::GatewaySecrets;
use strongroom::ids::{DocumentId, MemberId};
use strongroom::merkle::{Checkpoint, CosignerKey, LoggedProof, VerifierKey, leaf_hash};
use strongroom::secrets::Secret;

use crate::support::demo::{Demo, Ran, free_address, strongroom, text};

fn send(demo: &Demo, who: &str, name: &str) -> PathBuf {
    let file = text(&demo.file(name, name.as_bytes()));
    let sent = demo.run(who, &["send", &file]).ok();
    sent[0]["receipt"].as_str().expect("a receipt").into()
}

fn verify(demo: &Demo, who: &str, receipt: &Path) -> Ran {
    demo.run(who, &["verify", &text(receipt)])
}

/// Verified until it is included; within the minute that was promised.
fn included(demo: &Demo, who: &str, receipt: &Path) -> Value {
    let begun = Instant::now();
    loop {
        let verified = verify(demo, who, receipt).ok();
        if verified["included"] == true {
            return verified;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{verified}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn duplicate(demo: &Demo, receipt: &Path, name: &str) -> PathBuf {
    demo.file(name, &std::fs::read(receipt).expect("a receipt"))
}

#[test]
fn a_receipt_is_checked_once_on_line_and_then_by_itself() {
    let mut demo = Demo::start();
    let receipt = send(&demo, "principal", "a.pdf");
    let fresh = duplicate(&demo, &receipt, "fresh.txt");
    let verified = included(&demo, "principal", &receipt);
    let checkpoint = verified["checkpoint"].as_str().expect("a checkpoint").to_owned();
    assert_eq!(demo.stop(), Some(0));

    let again = verify(&demo, "principal", &receipt).ok();
    assert_eq!((&again["included"], &again["checkpoint"]), (&true.into(), &checkpoint.into()));
    let unknown = verify(&demo, "principal", &fresh);
    assert_eq!((unknown.status, unknown.code()), (5, "unreachable".into()));
    // In ten years: another machine, no profile, no gateway.
    let elsewhere = demo.run("nobody at all", &["verify", &text(&receipt)]).ok();
    assert_eq!(
        (&elsewhere["included"], &elsewhere["document"]),
        (&true.into(), &verified["document"])
    );
    let page = demo.run("nobody at all", &["receipt", "--page", &text(&receipt)]).ok();
    let page = page["html"].as_str().expect("a page");
    for said in
        ["回执", "Receipt", "zh-CN", verified["document"].as_str().expect("an id"), "tlog-proof"]
    {
        assert!(page.contains(said), "{said}");
    }
    assert!(!page.contains("<script") && !page.contains("src="));

    // One character changed anywhere: never good.
    let kept = std::fs::read_to_string(&receipt).expect("kept");
    for at in (0..kept.len()).step_by(41).filter(|at| kept.as_bytes()[*at].is_ascii_alphanumeric())
    {
        if kept[..at].rfind("=== gateway").is_some() && kept[..at].rfind("=== root").is_none() {
            continue; // The gateway's address is no promise of anybody.
        }
        let mut changed = kept.clone().into_bytes();
        changed[at] = if changed[at] == b'1' { b'2' } else { b'1' };
        let path = demo.file("changed.txt", &changed);
        let ran = verify(&demo, "principal", &path);
        assert!(matches!(ran.status, 4 | 5), "{at}: {} {} {}", ran.status, ran.json, ran.stderr);
        assert_ne!(ran.json["included"], true);
    }
    // Somebody else's proof.
    let mut demo2 = demo;
    demo2.serve(free_address());
    let other = send(&demo2, "principal", "b.pdf");
    included(&demo2, "principal", &other);
    let (a, b) = (kept, std::fs::read_to_string(&other).expect("kept"));
    let (promise, proof) = (
        a.split_once("=== proof").expect("a proof").0,
        b.split_once("=== proof").expect("a proof").1,
    );
    let swapped = demo2.file("swapped.txt", format!("{promise}=== proof{proof}").as_bytes());
    let ran = verify(&demo2, "principal", &swapped);
    assert_eq!((ran.status, ran.code()), (4, "bad_proof".into()));
}

#[test]
fn a_gateway_that_goes_back_is_found_out_by_whoever_saw_it_before() {
    let mut demo = Demo::start();
    let first = send(&demo, "principal", "a.pdf");
    let first_bare = duplicate(&demo, &first, "a.txt");
    included(&demo, "principal", &first);
    assert_eq!(demo.stop(), Some(0));
    let database = demo.data().join("strongroom.db");
    let older = std::fs::read(&database).expect("a database");

    demo.serve(free_address());
    let second = send(&demo, "principal", "b.pdf");
    let second_bare = duplicate(&demo, &second, "b.txt");
    included(&demo, "principal", &second);
    assert_eq!(demo.stop(), Some(0));
    std::fs::write(&database, older).expect("the older copy is put back");
    demo.serve(free_address());

    let before = std::fs::read(&second_bare).expect("kept");
    let broken = verify(&demo, "principal", &second_bare);
    assert_eq!((broken.status, broken.code()), (4, "promise_broken".into()));
    let back = verify(&demo, "principal", &first_bare);
    assert_eq!((back.status, back.code()), (4, "log_rolled_back".into()));
    assert_eq!(std::fs::read(&second_bare).expect("kept"), before, "nothing was written");

    // It goes on from there, until it is longer than what was seen.
    let mut forked = false;
    for number in 0..60 {
        let new = send(&demo, "clerk", &format!("c{number}.pdf"));
        std::thread::sleep(Duration::from_millis(700));
        let seen = verify(&demo, "principal", &new);
        forked = (seen.status, seen.code()) == (4, "log_forked".into());
        if forked {
            break;
        }
        assert_eq!((seen.status, seen.code()), (4, "log_rolled_back".into()));
    }
    assert!(forked, "longer than what was seen, and another log");
    let seen = demo.run("principal", &["who-saw"]);
    assert_eq!(seen.status, 4, "{} {}", seen.json, seen.stderr);
    // What was proven before stays proven, by itself.
    assert_eq!(verify(&demo, "principal", &second).ok()["included"], true);
}

/// A firm that somebody made up within a minute, with a receipt of it that proves itself.
fn made_up(demo: &Demo) -> (PathBuf, PublicKey) {
    let key = |seed: u8| SigningKey::from_seed(&Secret::new([seed; 32]));
    let (root, receipts, log) = (key(1), key(2), key(3));
    let time = Clock::System.now().plus_secs(-7 * 24 * 3600);
    let card = |key: &SigningKey, role: Role| {
        let card = Card {
            root: root.key_id(),
            member: MemberId::random(),
            role,
            name_hash: Hash([8; 32]),
            epoch: 1,
            sign: key.public(),
            recipient: None,
            recipient_pq: None,
            prev: None,
            time,
        };
        Note::sign(&card, &[key, &root])
    };
    let entry = Hash(leaf_hash(b"nothing at all"));
    let receipt = Receipt {
        root: root.key_id(),
        document: DocumentId::random(),
        manifest: Some(Hash([4; 32])),
        pieces: Hash([5; 32]),
        commit: Some(Hash([6; 32])),
        recipients: Vec::new(),
        entry,
        time,
    };
    let name = log.key_id().to_string();
    let verifier = VerifierKey::new(&name, log.public().0).expect("a name");
    let head = Checkpoint { origin: name, size: 1, root: entry.0 };
    let checkpoint = head.sign(&verifier, |message| log.sign(message));
    let kept = format!(
        "{}=== gateway\nhttps://127.0.0.1:1\n=== root\n{}\n=== card\n{}=== card\n{}=== proof\n{}",
        Note::sign(&receipt, &[&receipts]),
        root.public(),
        card(&receipts, Role::GatewayReceipt),
        card(&log, Role::GatewayLog),
        LoggedProof { index: 0, hashes: Vec::new(), checkpoint },
    );
    (demo.file("made-up.txt", kept.as_bytes()), root.public())
}

#[test]
fn a_receipt_that_brings_its_own_firm_is_not_believed_by_whoever_knows_one() {
    let demo = Demo::start();
    let (receipt, root) = made_up(&demo);
    let (receipt, print) = (text(&receipt), root.key_id().to_string());
    for words in [&["verify", &receipt][..], &["receipt", "--page", &receipt]] {
        let ran = demo.run("principal", words);
        assert_eq!((ran.status, ran.code()), (4, "foreign_root".into()), "{words:?}: {}", ran.json);
        // Somebody who knows that other firm says so; the wrong firm is refused everywhere.
        for right in [root.to_string(), print.clone()] {
            demo.run("principal", &[words, &["--root", &right]].concat()).ok();
        }
        let wrong = demo.run("nobody", &[words, &["--root", &"0".repeat(32)]].concat());
        assert_eq!((wrong.status, wrong.code()), (4, "foreign_root".into()), "{words:?}");
    }
    // Without a profile the file's word is taken, and told as such.
    let alone = demo.run("nobody", &["verify", &receipt]).ok();
    assert_eq!((&alone["root"], &alone["root_from"]), (&print.clone().into(), &"file".into()));
    let profile = text(&demo.profile("nobody"));
    let told = strongroom(&["--profile", &profile, "verify", &receipt]).output().expect("runs");
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.contains(&print) && told.contains("itself brought"), "{told}");
    let page = demo.run("nobody", &["receipt", "--page", &receipt]).ok();
    let page = page["html"].as_str().expect("a page");
    assert!(page.contains(&print) && page.contains("taken from the receipt's own file"));
    let named = demo.run("nobody", &["verify", &receipt, "--root", &print]).ok();
    assert_eq!(named["root_from"], "given");

    // A required witness is required of this too.
    let key = CosignerKey::new("witness.example/w1", [9; 32]).expect("a name").to_string();
    demo.run("principal", &["require-witness", &key]).ok();
    for words in [&["verify", &receipt][..], &["receipt", "--page", &receipt]] {
        let ran = demo.run("principal", &[words, &["--root", &print]].concat());
        assert!(matches!(ran.status, 4 | 5), "{words:?}: {}", ran.json);
        assert_eq!(ran.json, Value::Null, "{words:?}");
    }
    let ran = demo.run("principal", &["receipt", "--page", &receipt, "--root", &print]);
    assert_eq!(ran.code(), "not_cosigned");
}

#[test]
fn a_receipt_shows_what_its_entry_says_and_not_only_that_there_is_one() {
    let mut demo = Demo::start();
    let address = demo.address();
    let receipt = send(&demo, "principal", "a.pdf");
    let bare = duplicate(&demo, &receipt, "bare.txt");
    let shown = included(&demo, "principal", &receipt);
    assert_eq!(shown["entry_checked"], true);
    let kept = std::fs::read_to_string(&receipt).expect("kept");
    let (before, rest) = kept.split_once("=== entry\n").expect("the entry is kept");
    let (entry, proof) = rest.split_once("=== proof\n").expect("and the proof");
    assert!(entry.contains(shown["document"].as_str().expect("an id")), "{entry}");

    // A gateway that names an entry in the log that says something else: its own signature is
    // good, and the entry is there.
    let other = send(&demo, "principal", "b.pdf");
    included(&demo, "principal", &other);
    let said = |path: &Path| {
        let kept = std::fs::read_to_string(path).expect("kept");
        let note = kept.split("=== ").next().expect("a receipt").to_owned();
        Note::parse(&note).expect("a note").decode::<Receipt>().expect("a receipt")
    };
    let (promised, foreign) = (said(&bare), said(&other));
    let secrets = GatewaySecrets::load(&demo.data().join("secrets.json")).expect("secrets");
    let gateway = kept.split_once("=== gateway").expect("an origin").1;
    let gateway = gateway.split_once("=== card").expect("cards").0;
    for (what, lie) in [
        ("another document's", Receipt { entry: foreign.entry, ..promised.clone() }),
        ("another manifest's", Receipt { manifest: foreign.manifest, ..promised.clone() }),
        ("no manifest's", Receipt { manifest: None, ..promised.clone() }),
        ("another commitment's", Receipt { commit: foreign.commit, ..promised.clone() }),
    ] {
        let note = Note::sign(&lie, &[&secrets.receipt_key()]);
        let path = demo.file("lie.txt", format!("{note}=== gateway{gateway}").as_bytes());
        let ran = verify(&demo, "principal", &path);
        assert_eq!((ran.status, ran.code()), (4, "bad_proof".into()), "{what}: {}", ran.json);
    }
    // The same of an opening of the very document.
    let page = text(&demo.place("out"));
    demo.run("accountant", &["pull", &promised.document.to_string(), "--to", &page]).ok();
    an_opening_is_no_receipt(&demo, &promised, &secrets, gateway);
    assert_eq!(demo.stop(), Some(0));

    // Files by themselves: with another's entry, and of before entries were kept.
    let foreign_entry = std::fs::read_to_string(&other).expect("kept");
    let foreign_entry = foreign_entry.split_once("=== entry\n").expect("kept").1;
    let foreign_entry = foreign_entry.split_once("=== proof\n").expect("kept").0;
    let swapped = format!("{before}=== entry\n{foreign_entry}=== proof\n{proof}");
    let swapped = demo.file("swapped.txt", swapped.as_bytes());
    let ran = verify(&demo, "principal", &swapped);
    assert_eq!((ran.status, ran.code()), (4, "bad_proof".into()));
    let older = demo.file("older.txt", format!("{before}=== proof\n{proof}").as_bytes());
    let ran = verify(&demo, "principal", &older).ok();
    assert_eq!((&ran["included"], &ran["entry_checked"]), (&true.into(), &false.into()));
    let page = demo.run("principal", &["receipt", "--page", &text(&older)]).ok();
    assert!(
        page["html"].as_str().expect("a page").contains("what that entry says was not checked")
    );
    demo.serve(address);
    let url = format!("https://{address}");
    let ran = demo.run("principal", &["verify", &text(&older), "--gateway", &url]).ok();
    assert_eq!(ran["entry_checked"], true);
}

/// A receipt that names the entry of an opening of its own document is none.
fn an_opening_is_no_receipt(
    demo: &Demo,
    promised: &Receipt,
    secrets: &GatewaySecrets,
    gateway: &str,
) {
    let client = demo.client("principal");
    let row: Value = {
        let rows = demo.run("auditor", &["audit", "export", "--data", &text(&demo.data())]);
        let lines = String::from_utf8(rows.stdout).expect("text");
        let opening = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let mut opening = opening.filter(|row| {
            let entry = row["entry"].as_str().expect("a text");
            entry.contains("\naction document.open\n")
                && entry.contains(&promised.document.to_string())
                && entry.contains(&client)
        });
        opening.next().expect("it was opened")
    };
    let entry: Hash = row["leaf"].as_str().expect("a leaf").parse().expect("a hash");
    let note = Note::sign(&Receipt { entry, ..promised.clone() }, &[&secrets.receipt_key()]);
    let path = demo.file("opening.txt", format!("{note}=== gateway{gateway}").as_bytes());
    let ran = verify(demo, "principal", &path);
    assert_eq!((ran.status, ran.code()), (4, "bad_proof".into()), "{}", ran.json);
}
