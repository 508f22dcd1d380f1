//! `strongroom witness` on another machine (here: another process): it cosigns what grew, the
//! gateway serves that beside its checkpoints, and whoever requires it believes nothing else.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use serde_json::Value;
use strongroom::merkle::{AddCheckpoint, CosignerKey, SignedNote};

use crate::support::demo::{Demo, Ran, Serving, copy, free_address, strongroom, text};
use crate::support::tls::{Answer, Client};

/// A running witness.
struct Witness {
    child: Child,
    record: Value,
}

impl Witness {
    fn start(data: &Path, log: &str) -> Self {
        Self::start_at(data, log, "127.0.0.1:0")
    }

    fn start_at(data: &Path, log: &str, listen: &str) -> Self {
        let data = text(data);
        let words = ["--json", "witness", "--data", &data, "--listen", listen];
        let mut command = strongroom(&words);
        command.args(["--name", "witness.example/w1", "--log", log]);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program runs");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let record: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert_eq!(record["ready"], true);
        Self { child, record }
    }

    fn word(&self, name: &str) -> String {
        self.record[name].as_str().expect("a word").to_owned()
    }

    fn client(&self) -> Client {
        let address = self.word("listen").parse().expect("an address");
        Client::trusting(self.word("ca").as_ref(), address)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }
}

/// The newest checkpoint of a gateway, and its log's verifier key.
fn checkpoint(demo: &Demo) -> (SignedNote, String) {
    let data = text(&demo.data());
    let shown = demo.run("auditor", &["audit", "checkpoint", "--data", &data]).ok();
    let word = |name: &str| shown[name].as_str().expect("a word").to_owned();
    (SignedNote::parse(&word("checkpoint")).expect("a note"), word("key"))
}

/// Has the gateway ask `witness` from its next start on.
fn ask(demo: &Demo, witness: &Witness) {
    let path = demo.data().join("strongroom.toml");
    let settings = std::fs::read_to_string(&path).expect("settings");
    let (url, key, ca) = (witness.word("url"), witness.word("key"), witness.word("ca"));
    let one = format!("witnesses = [{{ url = \"{url}\", key = \"{key}\", ca = \"{ca}\" }}]");
    assert!(settings.contains("witnesses = []"), "{settings}");
    let settings = settings.replace("witnesses = []", &one);
    std::fs::write(&path, settings.replace("witness_seconds = 10", "witness_seconds = 1"))
        .expect("written");
}

fn until<T>(what: &str, mut tried: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = tried() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// A key of the same name that is another.
pub(crate) fn impostor() -> String {
    CosignerKey::new("witness.example/w1", [9; 32]).expect("a name").to_string()
}

async fn add(client: &Client, method: &str, path: &str, body: &str) -> Answer {
    let request = client.request(method, path).header("content-type", "text/plain");
    client.h1(request.body(Full::new(Bytes::from(body.to_owned()))).expect("a request")).await
}

fn refused(ran: &Ran, what: &str) {
    assert_eq!((ran.status, ran.code()), (4, "not_cosigned".into()), "{what}: {}", ran.stderr);
}

#[test]
fn what_a_witness_did_not_cosign_is_refused_by_whoever_requires_it() {
    let mut demo = Demo::start();
    let (address, folder) = (demo.address(), demo.place("witness"));
    let (_, log) = checkpoint(&demo);
    let witness = Witness::start(&folder, &log);
    let key = witness.word("key");
    let data = text(&demo.data());
    let verify = |demo: &Demo, key: &str| {
        demo.run("auditor", &["audit", "verify", "--data", &data, "--witness", key])
    };
    refused(&verify(&demo, &key), "nobody asked it yet");
    refused(
        &demo.run("auditor", &["audit", "verify", "--data", &data, "--witness", &key]),
        "nor so",
    );

    demo.stop();
    ask(&demo, &witness);
    demo.serve_as(address, &Serving::default().logged());
    let file = text(&demo.file("a.txt", b"statement"));
    let sent = demo.run("principal", &["send", &file]).ok();
    let receipt = sent[0]["receipt"].as_str().expect("a receipt").to_owned();
    let shown = until("the receipt's entry is not cosigned", || {
        let ran = demo.run("principal", &["verify", &receipt, "--witness", &key]);
        (ran.status == 0 && ran.json["included"] == true).then_some(ran.json)
    });
    let note = SignedNote::parse(shown["checkpoint"].as_str().expect("one")).expect("a note");
    assert!(note.cosigned_by(&key.parse().expect("a key")).is_some());
    // The proof was kept with it: off line from now on, and for this witness alone.
    let newest = verify(&demo, &key).ok();
    assert_eq!(newest["witnesses"][0]["witness"], "witness.example/w1");
    assert!(newest["witnesses"][0]["size"].as_u64().is_some_and(|size| size > 0));
    refused(&verify(&demo, &impostor()), "another key under its name");
    let other = demo.run("principal", &["verify", &receipt, "--witness", &impostor()]);
    refused(&other, "a receipt for another key");
    assert_eq!(demo.run("principal", &["verify", &receipt, "--witness", "x"]).status, 2);

    let settings = text(&demo.data().join("strongroom.toml"));
    let checks = demo.run("admin", &["doctor", "--config", &settings]).json;
    let check = checks.as_array().expect("checks").iter().find(|check| check["check"] == "witness");
    let check = check.expect("a check of the witness");
    assert_eq!(check["ok"], true, "{check}");

    // A profile that requires it sees who saw what, and with another key nothing.
    demo.run("principal", &["require-witness", &key]).ok();
    assert!(!demo.run("principal", &["who-saw"]).ok().as_array().expect("rows").is_empty());
    demo.run("principal", &["require-witness", &impostor()]).ok();
    refused(&demo.run("principal", &["who-saw"]), "who-saw");
    refused(&demo.run("principal", &["verify", &receipt]), "verify");
    demo.run("principal", &["require-witness", "--none"]).ok();
    demo.run("principal", &["who-saw"]).ok();

    // An older copy of everything is put back: the witness has seen more, and says so.
    demo.stop();
    let kept = demo.place("kept");
    let size = |note: &SignedNote| -> u64 {
        note.text().lines().nth(1).and_then(|size| size.parse().ok()).expect("a size")
    };
    let (before, _) = checkpoint(&demo);
    copy(&demo.data(), &kept);
    demo.serve_as(address, &Serving::default().logged());
    for _ in 0..3 {
        demo.run("principal", &["send", &file, "--period", "2026-01"]).ok();
    }
    let ahead = until("what was added is not cosigned", || {
        let (newest, _) = checkpoint(&demo);
        let cosigned = newest.cosigned_by(&key.parse().expect("a key")).is_some();
        (cosigned && size(&newest) > size(&before) + 2).then_some(newest)
    });
    demo.stop();
    std::fs::remove_dir_all(demo.data()).expect("removed");
    copy(&kept, &demo.data());
    demo.serve_as(address, &Serving::default().logged());
    until("the gateway does not say that its log was rolled back", || {
        demo.log().contains("rolled back").then_some(())
    });
    // Whatever is added to that copy is cosigned no more.
    let sent = demo.run("principal2", &["send", &file]).ok();
    let receipt = sent[0]["receipt"].as_str().expect("a receipt").to_owned();
    let plain = until("the receipt's entry is not in the log", || {
        let ran = demo.run("principal2", &["verify", &receipt]);
        (ran.json["included"] == true).then_some(ran.json)
    });
    assert_ne!(plain["checkpoint"], ahead.to_string());
    refused(&demo.run("principal2", &["verify", &receipt, "--witness", &key]), "rolled back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_answers_as_the_protocol_says() {
    let demo = Demo::start();
    let (note, log) = checkpoint(&demo);
    let folder = demo.place("witness");
    let witness = Witness::start(&folder, &log);
    let client = witness.client();
    let asked = AddCheckpoint { old: 0, proof: Vec::new(), checkpoint: note.clone() };
    let right = asked.to_string();
    let path = "/add-checkpoint";
    let status = async |method: &str, path: &str, body: &str| {
        add(&client, method, path, body).await.status()
    };
    assert_eq!(status("GET", path, "").await, 405);
    assert_eq!(status("POST", "/", &right).await, 404);
    assert_eq!(status("POST", path, "").await, 400);
    assert_eq!(status("POST", path, &right.replacen("old 0", "old 00", 1)).await, 400);
    assert_eq!(status("POST", path, &"x".repeat(200_000)).await, 413);
    let later = right.replacen("old 0", "old 1", 1);
    let conflict = add(&client, "POST", path, &later).await;
    assert_eq!((conflict.status(), conflict.text()), (409, "0\n"));
    assert_eq!(conflict.header("content-type"), "text/x.tlog.size");
    let with_proof = right.replacen("\n\n", &format!("\n{}=\n\n", "A".repeat(43)), 1);
    assert_eq!(status("POST", path, &with_proof).await, 422);
    // Signed by nobody it knows, and a log that it does not know.
    let (body, signature) = right.trim_end().rsplit_once(' ').expect("a signature");
    let mut signature = STANDARD.decode(signature).expect("base64");
    signature[20] ^= 1;
    let forged = format!("{body} {}\n", STANDARD.encode(signature));
    assert_eq!(status("POST", path, &forged).await, 403);
    let unknown = right.replacen(note.text().lines().next().expect("an origin"), "elsewhere", 1);
    assert_eq!(status("POST", path, &unknown).await, 404);

    let done = add(&client, "POST", path, &right).await;
    assert_eq!(done.status(), 200);
    let key: CosignerKey = witness.word("key").parse().expect("a key");
    let cosigned = note.with_lines(done.text()).expect("lines");
    assert!(cosigned.cosigned_by(&key).is_some());
    let size = note.text().lines().nth(1).expect("a size").to_owned();
    let conflict = add(&client, "POST", path, &right).await;
    assert_eq!((conflict.status(), conflict.text()), (409, format!("{size}\n").as_str()));

    // It remembers, with the same key, and without its record it begins nowhere.
    drop(witness);
    let listen = free_address().to_string();
    let again = Witness::start_at(&folder, &log, &listen);
    assert_eq!(again.word("key"), key.to_string());
    let conflict = add(&again.client(), "POST", path, &right).await;
    assert_eq!((conflict.status(), conflict.text()), (409, format!("{size}\n").as_str()));
    drop(again);
    std::fs::remove_file(folder.join("seen.json")).expect("removed");
    let data = text(&folder);
    let words = ["--json", "witness", "--data", &data, "--listen", &listen, "--log", &log];
    let ran = Ran::with_input(strongroom(&[&words[..], &["--name", "w"]].concat()), b"");
    assert_eq!((ran.status, ran.code()), (1, "witness".into()), "{}", ran.stderr);
    let none = Ran::with_input(strongroom(&words[..6]), b"");
    assert_eq!((none.status, none.code()), (2, "bad_settings".into()));
}
