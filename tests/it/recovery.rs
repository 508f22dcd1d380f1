//! Recovery of a client's documents: two officers' shares together and nothing less, for a
//! successor, before the eyes of the client.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use strongroom::api::{NewHeader, NewHeaders, Recoverables, RecoveryOpened, Tokens};
use strongroom::envelope::statement::{Note, Recovery, SigningKey};
use strongroom::ids::{KeyId, RecoveryId};
use strongroom::secrets::Secret;
use strongroom::trust::recovery::{Share, split};

use crate::support::demo::{Demo, Ran, noise, strongroom, text};
use crate::support::papers::Desk;

fn rows(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn share(demo: &Demo, n: usize) -> String {
    demo.record["recovery_shares"][n].as_str().expect("a path").to_owned()
}

fn member(demo: &Demo, who: &str) -> String {
    demo.run(who, &["whoami"]).ok()["member"].as_str().expect("an id").to_owned()
}

fn recover(demo: &Demo, who: &str, shares: [&str; 2], client: &str, to: &str) -> Ran {
    let [a, b] = shares;
    let reason = "王会计已离职";
    demo.run(
        who,
        &["recover", "--shares", a, b, "--client", client, "--to", to, "--reason", reason],
    )
}

/// Entries of recovery about one client: action, object, what may be erased.
fn entries(demo: &Demo, client: &str) -> Vec<(String, String, Value)> {
    let data = text(&demo.data());
    let output = strongroom(&["audit", "export", "--data", &data]).output().expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("text");
    let mut found = Vec::new();
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let entry = line["entry"].as_str().expect("text");
        let field = |key: &str| {
            let key = format!("{key} ");
            entry.lines().find_map(|l| l.strip_prefix(&key)).unwrap_or_default().to_owned()
        };
        if field("action").starts_with("recovery.") && field("client") == client {
            let data = line["data"].as_str().expect("not erased");
            found.push((
                field("action"),
                field("object"),
                serde_json::from_str(data).expect("JSON"),
            ));
        }
    }
    found
}

fn send(demo: &Demo, who: &str, seed: u64) -> Vec<(String, Vec<u8>)> {
    let kinds = ["bank", "payroll", "contract"];
    let mut sent = Vec::new();
    for (n, category) in (0_u64..).zip(kinds) {
        let contents = noise(90_000 * (n as usize * 20 + 1), seed + n);
        let file = text(&demo.file(&format!("{who}-{category}.bin"), &contents));
        let rows_of = demo.run(who, &["send", &file, "--category", category]).ok();
        sent.push((rows(&rows_of)[0]["document"].as_str().expect("an id").to_owned(), contents));
    }
    sent
}

/// The successor pulls all of it, verified.
fn pulls(demo: &Demo, who: &str, documents: &[(String, Vec<u8>)]) {
    let to = text(&demo.place(&format!("inbox-{who}-{}", documents[0].0)));
    let mut pull = vec!["pull"];
    pull.extend(documents.iter().map(|(id, _)| id.as_str()));
    pull.extend(["--to", &to]);
    let pulled = demo.run(who, &pull).ok();
    assert_eq!(rows(&pulled).len(), documents.len());
    for (id, contents) in documents {
        let row = rows(&pulled).iter().find(|row| row["document"] == **id).expect("pulled");
        assert_eq!(row["verified"], true, "{row}");
        let path = PathBuf::from(row["path"].as_str().expect("a path"));
        assert!(std::fs::read(path).expect("there") == *contents);
    }
}

#[test]
fn any_two_shares_recover_a_clients_documents_for_a_successor_and_the_client_sees_it() {
    let demo = Demo::start();
    let (first, second) = (demo.client("principal"), demo.client("principal2"));
    let (accountant, accountant2) = (member(&demo, "accountant"), member(&demo, "accountant2"));
    let lead = member(&demo, "lead");
    let of_first = send(&demo, "principal", 10);
    let of_second = send(&demo, "principal2", 20);
    let [one, two, three] = [0, 1, 2].map(|n| share(&demo, n));

    let nothing_yet = demo.run("accountant2", &["list", "--client", &first]);
    assert_eq!((nothing_yet.status, nothing_yet.code()), (3, "not_found".into()));
    let done = recover(&demo, "lead", [&one, &two], &first, &accountant2).ok();
    assert_eq!((&done["rewrapped"], &done["assigned"]), (&3.into(), &true.into()));
    assert_eq!(rows(&done["unrecoverable"]).len(), 0);
    pulls(&demo, "accountant2", &of_first);
    pulls(&demo, "accountant", &of_first);

    let seen = entries(&demo, &first);
    assert_eq!(entries(&demo, &second).len(), 0, "another client sees nothing of it");
    let (action, object, data) = &seen[0];
    assert_eq!(
        (action.as_str(), object.as_str()),
        ("recovery.open", done["recovery"].as_str().expect("an id"))
    );
    assert_eq!(data["shares"], json!([1, 2]));
    assert_eq!(
        (&data["to"], &data["purpose"]),
        (&accountant2.clone().into(), &"王会计已离职".into())
    );
    for (id, _) in &of_first {
        let shown =
            seen.iter().any(|(action, object, _)| action == "recovery.rewrap" && object == id);
        assert!(shown, "{id}: {seen:?}");
    }

    let done = recover(&demo, "lead", [&three, &two], &second, &accountant).ok();
    assert_eq!(done["rewrapped"], 3);
    pulls(&demo, "accountant", &of_second);
    let done = recover(&demo, "lead", [&one, &three], &first, &lead).ok();
    assert_eq!(done["rewrapped"], 3);
    pulls(&demo, "lead", &of_first);
    // Nothing is missing any more, and the successor is assigned already.
    let again = recover(&demo, "lead", [&one, &two], &first, &accountant2).ok();
    assert_eq!((&again["rewrapped"], &again["assigned"]), (&0.into(), &false.into()));
}

/// Two officers open what was sealed post-quantum too, and no weaker header comes of it.
#[test]
fn what_was_sealed_post_quantum_is_recovered_as_strongly() {
    let demo = Demo::start();
    let client = demo.client("principal");
    let accountant2 = member(&demo, "accountant2");
    demo.run("lead", &["policy", "--client", &client, "--post-quantum", "yes"]).ok();
    let sent = send(&demo, "principal", 50);
    let [one, two] = [0, 1].map(|n| share(&demo, n));
    let done = recover(&demo, "lead", [&one, &two], &client, &accountant2).ok();
    assert_eq!(done["rewrapped"], sent.len());
    pulls(&demo, "accountant2", &sent);
    for (id, _) in &sent {
        let raw = demo.place(&format!("{id}.age"));
        demo.run("accountant2", &["fetch", id, "--raw", &text(&raw)]).ok();
        let header = std::fs::read(&raw).expect("fetched");
        let header = String::from_utf8_lossy(&header[..200]).into_owned();
        assert!(
            header.contains("-> mlkem768x25519 ") && !header.contains("-> X25519 "),
            "{header}"
        );
    }
}

#[test]
fn with_less_than_two_shares_of_this_firm_nothing_is_released() {
    let demo = Demo::start();
    let client = demo.client("principal");
    let accountant2 = member(&demo, "accountant2");
    let sent = send(&demo, "principal", 30);
    let [one, two] = [0, 1].map(|n| share(&demo, n));
    let own: Share = std::fs::read_to_string(&one).expect("there").parse().expect("a share");
    let made = |name: &str, share: &Share| text(&demo.file(name, share.to_string().as_bytes()));
    let foreign = made("foreign", &split(&Secret::random(), KeyId::from_bytes([9; 16]))[1]);
    let invented = made("invented", &split(&Secret::random(), own.root())[1]);
    let digits = std::fs::read_to_string(&two).expect("there");
    let damaged = text(&demo.file("damaged", digits.replacen("check ", "check 0", 1).as_bytes()));

    let alone =
        demo.run("lead", &["recover", "--shares", &one, "--client", &client, "--to", &accountant2]);
    assert_eq!(alone.status, 2);
    for (shares, code) in [
        ([&one, &one], "recovery_failed"),
        ([&one, &foreign], "recovery_failed"),
        ([&one, &invented], "recovery_failed"),
        ([&one, &damaged], "share_damaged"),
    ] {
        let refused = recover(&demo, "lead", shares.map(String::as_str), &client, &accountant2);
        assert_eq!((refused.status, refused.code().as_str()), (4, code));
    }
    // Two good shares are no use without the office.
    for who in ["accountant", "accountant2", "principal", "auditor", "privacy_officer", "admin"] {
        let refused = recover(&demo, who, [&one, &two], &client, &accountant2);
        assert_eq!(refused.status, 3, "{who}: {}", refused.stderr);
    }
    let principal = member(&demo, "principal");
    for nobody in [principal.as_str(), &"0".repeat(32)] {
        let refused = recover(&demo, "lead", [&one, &two], &client, nobody);
        assert_eq!((refused.status, refused.code().as_str()), (3, "no_such_member"));
    }
    let books = demo.books();
    let opened = |(action, _): &&(String, String)| action.starts_with("recovery.open");
    assert_eq!(books.entries.iter().find(opened), None);
    let still = demo.run("accountant2", &["pull", &sent[0].0, "--to", &text(&demo.place("x"))]);
    assert_eq!((still.status, still.code()), (3, "not_found".into()));
}

#[test]
fn a_raw_age_file_that_was_never_sealed_to_the_recovery_key_is_named() {
    let demo = Demo::start();
    let client = demo.client("principal");
    let (accountant, accountant2) = (member(&demo, "accountant"), member(&demo, "accountant2"));
    let recipients = demo.run("principal", &["recipients", "--client", &client]).ok();
    let of = |who: &str| {
        let row = rows(&recipients).iter().find(|row| row["member"] == *who).expect("a recipient");
        row["recipient"].as_str().expect("text").to_owned()
    };
    let plain = demo.file("plain.txt", b"from another tool");
    let sealed = demo.place("plain.age");
    let run = |command: &mut Command| {
        let output = command.output().expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    run(Command::new("age").args(["-r", &of(&accountant), "-o"]).args([&sealed, &plain]));
    let door = format!("{}/", demo.record["on_arrival_url"].as_str().expect("an address"));
    let ca = demo.record["ca"].as_str().expect("a path");
    let answer =
        run(Command::new("curl").args(["-sf", "--cacert", ca, "-T"]).arg(&sealed).arg(&door));
    let arrived: Value = serde_json::from_slice(&answer).expect("JSON");
    assert_eq!(arrived["seal"], "raw_age");

    let shares = [share(&demo, 0), share(&demo, 1)];
    let shares = [shares[0].as_str(), shares[1].as_str()];
    let done = recover(&demo, "lead", shares, &client, &accountant2).ok();
    let left = rows(&done["unrecoverable"]);
    assert_eq!(left.len(), 1, "{done}");
    assert_eq!(
        (&left[0]["document"], &left[0]["reason"]),
        (&arrived["document"], &"not_opened".into())
    );
    // Once its reader has adopted it, it can be recovered.
    demo.run("accountant", &["pull", "--all", "--to", &text(&demo.place("inbox"))]).ok();
    let done = recover(&demo, "lead", shares, &client, &member(&demo, "lead")).ok();
    assert_eq!(rows(&done["unrecoverable"]).len(), 0, "{done}");
}

#[tokio::test]
async fn the_gateway_opens_a_ceremony_for_the_recovery_keys_signature_alone() {
    let mut desk = Desk::open().await;
    let paper = desk.sent(&desk.clerk, "x").await;
    let office = &desk.office;
    let recovery = &office.recovery.sign;
    let said = Recovery {
        root: office.root.key_id(),
        recovery: RecoveryId::random(),
        client: desk.client,
        to: desk.accountant.member,
        shares: vec![1, 3],
        time: office.now(),
    };
    let open = |said: &Recovery, by: &[&SigningKey]| json!({ "statement": Note::sign(said, by), "reason": null });
    let lead = &desk.lead.keys.sign;
    let stranger = SigningKey::from_seed(&Secret::random());
    let changed = |change: fn(&mut Recovery)| {
        let mut other = said.clone();
        change(&mut other);
        other
    };
    let refused = [
        open(&said, &[lead]),
        open(&said, &[recovery]),
        open(&said, &[lead, &stranger]),
        open(&said, &[lead, &office.root]),
        open(&changed(|said| said.shares = vec![1, 1]), &[lead, recovery]),
        open(&changed(|said| said.shares = vec![2]), &[lead, recovery]),
        open(&changed(|said| said.shares = vec![1, 4]), &[lead, recovery]),
        open(&changed(|said| said.root = KeyId::from_bytes([1; 16])), &[lead, recovery]),
        open(&changed(|said| said.time = said.time.plus_secs(-27 * 3600)), &[lead, recovery]),
    ];
    for body in &refused {
        office.post("/recoveries", Some(&desk.lead), body).await.refused(422, "statement_refused");
    }
    let mut to_stranger = said.clone();
    to_stranger.to = desk.accountant2.member;
    let body = open(&to_stranger, &[lead, recovery]);
    office.post("/recoveries", Some(&desk.lead), &body).await.refused(422, "not_assigned");
    assert_eq!(office.entries("recovery.open").await, 0);

    let body = open(&said, &[lead, recovery]);
    for _ in 0..2 {
        let opened: RecoveryOpened =
            office.post("/recoveries", Some(&desk.lead), &body).await.ok().json();
        assert_eq!(opened.recovery, said.recovery);
    }
    assert_eq!(office.entries("recovery.open").await, 1);
    let other = office.member(&desk.lead, "lead2", desk.lead.role, None).await;
    let path = format!("/recoveries/{}/documents", said.recovery);
    office.get(&path, &other).await.refused(404, "not_found");
    // Everybody who should open the paper can: there is nothing to recover and nothing is shown.
    let page: Recoverables = office.get(&path, &desk.lead).await.ok().json();
    assert!(page.documents.is_empty() && page.next.is_none());
    let header = |members| NewHeaders {
        headers: vec![NewHeader {
            document: paper.id,
            header: strongroom::api::Base64(paper.header.clone()),
            members,
        }],
    };
    let headers = format!("/recoveries/{}/headers", said.recovery);
    let foreign = header(vec![desk.accountant2.member]);
    office.post(&headers, Some(&desk.lead), &foreign).await.refused(422, "recipients_missing");
    let none = NewHeaders { headers: Vec::new() };
    office.post(&headers, Some(&desk.lead), &none).await.refused(400, "bad_request");

    desk.office.pass_secs(3600);
    let refresh = json!({ "refresh_token": desk.lead.refresh });
    let tokens: Tokens = desk.office.post("/session/refresh", None, &refresh).await.ok().json();
    desk.lead.access = tokens.access_token;
    desk.office.get(&path, &desk.lead).await.refused(404, "not_found");
}
