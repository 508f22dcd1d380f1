//! A document is recoverable beyond doubt once somebody of the firm who verified and opened it
//! has sealed it to the recovery key; before, it is its sender's claim.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use sqlx::{Connection, Row};
use strongroom::api::{Base64, RecoveryHeader, RecoveryHeaders, RecoveryProven};
use strongroom::envelope::statement::Role;
use strongroom::envelope::{Header, Identity, MemberKeys, Recipient};
use strongroom::trust::recovery::{Share, join};

use crate::support::demo::{Demo, noise, strongroom, text};
use crate::support::papers::{Desk, Paper};

fn header(paper: &Paper, to: &[Recipient]) -> RecoveryHeaders {
    let header = paper.sealer.header(to).expect("a header");
    let header = Base64(header.as_bytes().to_vec());
    RecoveryHeaders { headers: vec![RecoveryHeader { document: paper.id, header }] }
}

#[tokio::test]
async fn readers_of_the_firm_prove_it_once() {
    let desk = Desk::open().await;
    let paper = desk.sent(&desk.clerk, "x").await;
    let foreign = desk.sent(&desk.clerk, "y").await;
    let recovery: Vec<Recipient> = desk
        .readers(paper.place)
        .await
        .iter()
        .filter(|reader| reader.role == Role::Recovery)
        .map(|reader| reader.recipient.0.parse().expect("a recipient"))
        .collect();
    let good = header(&paper, &recovery);
    let path = "/recovery-headers";
    let post = |who, body| desk.office.post(path, Some(who), body);
    let unproven = async || {
        let mut tx = desk.office.state.store.read().await.expect("a transaction");
        tx.unproven_recoveries().await.expect("a count")
    };
    assert_eq!(unproven().await, 2);
    assert!(!desk.info(&desk.accountant, paper.id).await.recovery_proven);

    post(&desk.clerk, &good).await.refused(403, "not_allowed");
    post(&desk.accountant2, &good).await.refused(404, "not_found");
    post(&desk.lead, &good).await.refused(404, "not_found");
    let more = header(&paper, &[recovery[0].clone(), Identity::random().recipient()]);
    post(&desk.accountant, &more).await.refused(422, "recipients_missing");
    let none = RecoveryHeaders { headers: Vec::new() };
    post(&desk.accountant, &none).await.refused(400, "bad_request");
    let too_many = RecoveryHeaders { headers: vec![good.headers[0].clone(); 201] };
    post(&desk.accountant, &too_many).await.refused(400, "bad_request");
    // All or nothing.
    let mut mixed = good.clone();
    mixed.headers.push(RecoveryHeader { document: foreign.id, header: Base64(b"age".to_vec()) });
    post(&desk.accountant, &mixed).await.refused(415, "unsupported_media_type");
    assert_eq!(unproven().await, 2);

    for expected in [1, 0] {
        let proven: RecoveryProven = post(&desk.accountant, &good).await.ok().json();
        assert_eq!(proven.proven, expected);
    }
    assert!(desk.info(&desk.accountant, paper.id).await.recovery_proven);
    assert_eq!(unproven().await, 1);
    assert_eq!(desk.office.entries("document.prove_recovery").await, 1);
    // Nobody's own header changed.
    assert_eq!(desk.read(&desk.principal, paper.id).await, b"x");
}

/// How many documents `doctor` counts as unproven.
fn counted(demo: &Demo) -> u64 {
    let config = text(&demo.data().join("strongroom.toml"));
    let output = strongroom(&["--json", "doctor", "--config", &config]).output().expect("runs");
    let checks: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let checks = checks.as_array().expect("checks");
    let check = checks.iter().find(|check| check["check"] == "recovery of documents");
    let detail = check.expect("counted")["detail"].as_str().expect("text").to_owned();
    detail.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or_default()
}

#[tokio::test]
async fn pulling_proves_it_and_the_recovery_key_opens_what_was_pulled() {
    let demo = Demo::start();
    let before = counted(&demo);
    let contents = [noise(100_000, 1), noise(2_000_000, 2)];
    let mut send = vec!["send".to_owned()];
    for (n, bytes) in contents.iter().enumerate() {
        send.push(text(&demo.file(&format!("{n}.bin"), bytes)));
    }
    let send: Vec<&str> = send.iter().map(String::as_str).collect();
    let sent = demo.run("principal", &send).ok();
    let ids: Vec<&str> =
        sent.as_array().expect("rows").iter().filter_map(|row| row["document"].as_str()).collect();
    assert_eq!(counted(&demo), before + 2);
    let to = text(&demo.place("inbox"));
    demo.run("principal", &["pull", ids[0], ids[1], "--to", &to]).ok();
    assert_eq!(counted(&demo), before + 2, "the client's own people prove nothing");
    demo.run("accountant", &["pull", ids[0], ids[1], "--to", &to]).ok();
    assert_eq!(counted(&demo), before);
    demo.run("accountant", &["pull", ids[0], "--to", &to]).ok();

    let database = format!("sqlite://{}", demo.data().join("strongroom.db").display());
    let mut connection = sqlx::SqliteConnection::connect(&database).await.expect("connects");
    for (id, contents) in ids.iter().zip(&contents) {
        let raw = demo.place(&format!("{id}.age"));
        demo.run("accountant", &["fetch", id, "--raw", &text(&raw)]).ok();
        let rows = sqlx::query(
            "SELECT h.header FROM recovery_headers r JOIN headers h ON h.id = r.header
             WHERE r.document = $1",
        )
        .bind(id)
        .fetch_all(&mut connection)
        .await
        .expect("rows");
        assert_eq!(rows.len(), 1, "once a document");
        let header: Vec<u8> = rows[0].get(0);
        let opened = opened(&demo, &header, &std::fs::read(&raw).expect("there"));
        assert!(opened == *contents);
    }
}

/// What `age` makes of the payload of `raw` under `header`, with the key of two share holders.
fn opened(demo: &Demo, header: &[u8], raw: &[u8]) -> Vec<u8> {
    let share = |n: usize| -> Share {
        let path = Path::new(demo.record["recovery_shares"][n].as_str().expect("a path"));
        std::fs::read_to_string(path).expect("a share").parse().expect("well-formed")
    };
    let seed = join(&share(1), &share(2)).expect("they belong together");
    let identity = MemberKeys::from_seed(&seed).identities()[0].to_secret_string();
    let key = demo.file("recovery.txt", identity.as_bytes());
    let (_, length) = Header::parse(raw).expect("a header");
    let file = demo.file("recovered.age", &[header, &raw[length..]].concat());
    let opened = Command::new("age").args(["-d", "-i"]).args([&key, &file]).output();
    let opened = opened.expect("age runs");
    assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
    opened.stdout
}
