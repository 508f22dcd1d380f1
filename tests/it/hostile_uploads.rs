//! A gateway that lies to senders: about where an upload stands, about what it takes, about what
//! it has taken; and one that helps a sender who makes one payload of two documents.

use std::path::Path;

use http::{Method, StatusCode};
use http_body_util::Full;
use serde_json::Value;
use sha2::{Digest, Sha256};
use strongroom::api::frames::{self, Frames};
use strongroom::cli::profile::Profile;
use strongroom::envelope::statement::{
    Category, Direction, Hash, Manifest, Note, Period, SealLevel,
};
use strongroom::envelope::{
    DocumentSealer, FileKey, Header, Nonce, PayloadOpener, PieceHasher, Recipient, SealedPart, hkdf,
};
use strongroom::ids::DocumentId;

use crate::envelope_two_documents::craft;
use crate::support::books::files;
use crate::support::demo::{Demo, noise, text};
use crate::support::liar::{Exchange, Liar};
use crate::support::tls::Client;

const PIECE: u64 = 1_048_832;

fn is_upload(e: &Exchange) -> bool {
    e.path.starts_with("/uploads/") && e.method == Method::PATCH
}

/// The bytes that left for each document, by offset; the same offset never carries other bytes.
#[track_caller]
fn no_two_time_pad(uploads: &[Exchange]) {
    for (at, one) in uploads.iter().enumerate().filter(|(_, e)| is_upload(e)) {
        for other in uploads[at + 1..].iter().filter(|e| is_upload(e) && e.path == one.path) {
            let from = |e: &Exchange| e.number("upload-offset", false).expect("an offset");
            let (first, second) = (from(one), from(other));
            let start = first.max(second);
            let end = (first + one.sent.len() as u64).min(second + other.sent.len() as u64);
            if start < end {
                let part = |e: &Exchange, from: u64| {
                    e.sent.slice((start - from) as usize..(end - from) as usize)
                };
                assert!(part(one, first) == part(other, second), "other bytes at {start}");
            }
        }
    }
}

/// Sends the first pieces of `file` and is then refused; returns what left.
fn broken_off(seen: &Demo, liar: &Liar, file: &Path) -> Vec<Exchange> {
    liar.be_honest();
    liar.meddle(|e| {
        if is_upload(e) {
            e.sent = e.sent.slice(..e.sent.len().min(11 * PIECE as usize));
        }
    });
    liar.lie(|e| {
        if is_upload(e) {
            e.refuse(StatusCode::INTERNAL_SERVER_ERROR, "internal");
        }
    });
    let ran = seen.run("principal", &["send", &text(file), "--retry-for", "0"]);
    assert_eq!(ran.status, 5, "{ran:?}");
    liar.uploads()
}

#[test]
fn an_understated_offset_gets_no_other_bytes_under_the_same_key() {
    let (demo, seen, liar) = Liar::before(&["principal", "accountant"]);
    let mut contents = noise(20 << 20, 4);
    let file = demo.file("big.bin", &contents);
    // The same file, and an honest gateway: it goes on where it stood.
    let first = broken_off(&seen, &liar, &file);
    liar.be_honest();
    let sent = seen.run("principal", &["send", &text(&file)]).ok();
    assert_eq!(sent[0]["resumed"], true);
    no_two_time_pad(&[first, liar.uploads()].concat());

    // A file that changed under the same size and time, and a gateway that asks for what it has.
    for pieces in [1, 3, 11] {
        contents[7] ^= 1;
        std::fs::write(&file, &contents).expect("written");
        let first = broken_off(&seen, &liar, &file);
        let sent_before = first.iter().filter(|e| is_upload(e)).count();
        assert!(sent_before > 0, "something left");
        let time = std::fs::metadata(&file).expect("there").modified().expect("a time");
        // Somewhere in each of the pieces that left.
        for piece in 0..11 {
            contents[piece << 20 | 99] ^= 1;
        }
        std::fs::write(&file, &contents).expect("changed");
        let opened = std::fs::File::options().write(true).open(&file).expect("opened");
        opened.set_modified(time).expect("set back");
        liar.be_honest();
        liar.lie(move |e| {
            if e.is(Method::HEAD, "/uploads/*")
                && let Some(stands) = e.number("upload-offset", true)
            {
                let less = stands.saturating_sub(pieces * PIECE);
                e.headers.insert("upload-offset", less.into());
            }
        });
        let ran = seen.run("principal", &["send", &text(&file)]);
        no_two_time_pad(&[first, liar.uploads()].concat());
        liar.be_honest();
        let sent = if ran.status == 0 {
            ran.json
        } else {
            seen.run("principal", &["send", &text(&file)]).ok()
        };
        assert_eq!(sent[0]["resumed"], false, "it began anew");
        let document = sent[0]["document"].as_str().expect("an id");
        let to = text(&demo.place("in"));
        let pulled = seen.run("accountant", &["pull", document, "--to", &to]).ok();
        let written = std::fs::read(pulled[0]["path"].as_str().expect("a path")).expect("there");
        assert!(written == contents, "what the file was when it was sent again");
    }
}

#[test]
fn nothing_leaves_unsealed_whatever_the_gateway_says() {
    let (demo, seen, liar) = Liar::before(&["principal", "accountant"]);
    let client = demo.client("principal");
    let canary = b"CANARY-OF-THE-DOWNGRADE-0123456789".repeat(40);
    let small = text(&demo.file("small.txt", &canary));
    let large = text(&demo.file("large.txt", &canary.repeat(2_000)));
    let unsealed = |liar: &Liar| {
        let all = liar.seen();
        let leaks = |bytes: &[u8]| bytes.windows(34).any(|window| window == &canary[..34]);
        all.iter().any(|e| leaks(&e.sent[..e.sent.len().min(1 << 21)]))
    };
    for (status, code) in [
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"),
        (StatusCode::NOT_FOUND, "not_found"),
        (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
        (StatusCode::UNPROCESSABLE_ENTITY, "recipients_missing"),
        (StatusCode::BAD_REQUEST, "send_it_unsealed"),
    ] {
        for file in [&small, &large] {
            liar.be_honest();
            liar.meddle(|e| {
                let taking = e.path == "/documents" || e.path.starts_with("/uploads");
                if taking && e.method == Method::POST {
                    e.path = "/nowhere".to_owned();
                }
            });
            liar.lie(move |e| {
                if e.path == "/nowhere" {
                    e.refuse(status, code);
                    let door = http::HeaderValue::from_static("/in/unsealed");
                    e.headers.insert("location", door);
                }
            });
            let ran = seen.run("principal", &["send", file, "--retry-for", "0"]);
            assert_ne!(ran.status, 0, "{code}");
            assert!(!unsealed(&liar), "{code}");
            assert!(liar.seen().iter().all(|e| !e.path.contains("/in/")), "{code}");
        }
    }
    // Where a lead allows sealing on arrival, whoever can seal goes on sealing.
    liar.be_honest();
    demo.run("lead", &["policy", "--client", &client, "--on-arrival", "yes"]).ok();
    let sent = seen.run("principal", &["send", &small, &large]).ok();
    assert!(sent.as_array().expect("rows").iter().all(|row| row["seal"] == "end_to_end"));
    assert!(!unsealed(&liar));
    // The control: the same eyes see a sender that does not seal.
    let gateway = Profile::open(&seen.profile("principal")).expect("a profile").info().clone();
    let curl = std::process::Command::new("curl")
        .args(["-sS", "-o", "/dev/null", "--cacert", seen.record["ca"].as_str().expect("a CA")])
        .args(["--data-binary", &format!("@{small}")])
        .arg(format!("{}/api/v1/documents", gateway.gateway))
        .status();
    assert!(curl.expect("curl runs").success());
    assert!(unsealed(&liar));
}

#[test]
fn a_receipt_for_something_else_is_no_receipt() {
    let (demo, seen, liar) = Liar::before(&["principal"]);
    let file = text(&demo.file("a.txt", b"first"));
    seen.run("principal", &["send", &file]).ok();
    let is_whole = |e: &Exchange| e.is(Method::POST, "/documents");
    let old = liar.seen().into_iter().find(is_whole).expect("sent").json()["receipt"].clone();
    let cases: [(&str, fn(&mut Value, &Value)); 3] = [
        ("an older one", |said, old| said["receipt"] = old.clone()),
        ("a changed one", |said, _| {
            let note = said["receipt"].as_str().expect("a note");
            said["receipt"] = note.replacen("time 2", "time 3", 1).into();
        }),
        ("of another document", |said, old| {
            let note = said["receipt"].as_str().expect("a note");
            let own = note.lines().find(|line| line.starts_with("document ")).expect("one");
            let theirs = old.as_str().expect("a note");
            let theirs = theirs.lines().find(|line| line.starts_with("document ")).expect("one");
            said["receipt"] = note.replacen(own, theirs, 1).into();
        }),
    ];
    for (what, change) in cases {
        let old = old.clone();
        liar.lie(move |e| {
            if is_whole(e) {
                e.rewrite(|said| change(said, &old));
            }
        });
        let file = text(&demo.file(&format!("{what}.txt"), what.as_bytes()));
        let ran = seen.run("principal", &["send", &file]);
        assert_eq!((ran.status, ran.code()), (4, "bad_receipt".into()), "{what}: {ran:?}");
        liar.be_honest();
    }
}

/// One payload that opens to two documents, sent by the principal as the first of them; and the
/// header under which it opens to the other for `reader`.
fn send_two_in_one(demo: &Demo, reader: &Recipient) -> (DocumentId, Vec<u8>, Vec<u8>) {
    let profile = Profile::open(&demo.profile("principal")).expect("a profile");
    let sign = profile.keys().expect("its keys").sign.clone();
    let client = demo.client("principal").parse().expect("an id");
    let keys = [FileKey::random(), FileKey::random()];
    let nonce = Nonce::random();
    let payload_key = |k: &FileKey| *hkdf(k.expose(), &nonce.0, b"payload").expose();
    let (k1, k2) = (payload_key(&keys[0]), payload_key(&keys[1]));
    let chunk = craft([&k1, &k2], b"tax due: 1,000", b"tax due: 99,000");
    let payload = [nonce.0.as_slice(), &chunk].concat();
    let mut plain = Vec::new();
    let mut opener = PayloadOpener::new(keys[0].clone());
    opener.push(&payload, &mut plain).expect("authentic");
    opener.finish(&mut plain).expect("authentic");
    let mut hasher = PieceHasher::new();
    hasher.update(&payload);
    let pieces = hasher.finish().combined();

    let shown = demo.run("principal", &["recipients", "--client", &demo.client("principal")]).ok();
    let recipients: Vec<Recipient> = shown
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| row["recipient"].as_str().expect("a recipient").parse().expect("one"))
        .collect();
    let mut fingerprints: Vec<Hash> = shown
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| serde_json::from_value(row["fingerprint"].clone()).expect("a hash"))
        .collect();
    fingerprints.sort_unstable();
    let document = DocumentId::random();
    let sealer = DocumentSealer::resume(keys[0].clone(), nonce, Vec::new());
    let part = sealer
        .seal_part(&SealedPart {
            document,
            commit: sealer.commitment(),
            name: "tax.txt".into(),
            media_type: "text/plain".into(),
            size: plain.len() as u64,
            sha256: Hash(Sha256::digest(&plain).into()),
            note: String::new(),
        })
        .expect("sealed");
    let period: Period = "2026-03".parse().expect("a period");
    let manifest = Manifest {
        root: profile.info().root.key_id(),
        client,
        document,
        signer: sign.key_id(),
        seq: 1,
        prev: None,
        seal: SealLevel::EndToEnd,
        direction: Direction::In,
        period,
        category: Category::Tax,
        nonce,
        length: payload.len() as u64,
        pieces,
        commit: sealer.commitment(),
        sealed: Hash::of(&part),
        recipients: fingerprints,
        time: strongroom::clock::Clock::System.now(),
    };
    let note = Note::sign(&manifest, &[&sign]).to_string();
    let header = sealer.header(&recipients).expect("a header");
    let body = Frames {
        manifest: note.as_bytes(),
        sealed: &part,
        header: header.as_bytes(),
        payload: &payload,
    }
    .to_body();
    let ca = demo.record["ca"].as_str().expect("a CA").to_owned();
    let (address, token) = (demo.address(), demo.token("principal"));
    let answer = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(async {
            let client = Client::trusting(Path::new(&ca), address);
            let request = client
                .request("POST", "/api/v1/documents")
                .header("authorization", format!("Bearer {token}"))
                .header("content-type", frames::CONTENT_TYPE)
                .body(Full::new(body.into()))
                .expect("a request");
            client.h1(request).await
        });
    assert_eq!(answer.status(), 201, "{}", answer.text());
    let other = Header::seal(&keys[1], std::slice::from_ref(reader)).expect("a header");
    (document, other.as_bytes().to_vec(), plain)
}

#[test]
fn one_payload_of_two_documents_opens_to_the_one_that_was_signed() {
    let (demo, seen, liar) = Liar::before(&["accountant"]);
    let me = seen.run("accountant", &["whoami"]).ok();
    let shown = demo.run("principal", &["recipients", "--client", &demo.client("principal")]).ok();
    let mine = shown.as_array().expect("rows").iter().find(|row| row["member"] == me["member"]);
    let reader = mine.expect("a reader")["recipient"].as_str().expect("a recipient");
    let reader: Recipient = reader.parse().expect("a recipient");
    let (document, other, plain) = send_two_in_one(&demo, &reader);
    let id = document.to_string();
    let other = serde_json::to_value(strongroom::api::Base64(other)).expect("JSON");
    liar.lie(move |e| {
        e.rewrite_documents(|said| {
            if said["document"] == id.as_str() {
                said["header"] = other.clone();
            }
        });
    });
    let id = document.to_string();
    let to = demo.place("in");
    let ran = seen.run("accountant", &["pull", &id, "--to", &text(&to)]);
    assert_eq!((ran.status, ran.code()), (4, "commitment".into()), "{ran:?}");
    assert!(files(&to).iter().all(|path| path.ends_with("manifest.csv")), "nothing is written");
    let ran = seen.run("accountant", &["list", "--period", "2026-03"]);
    assert_eq!(ran.status, 4, "{ran:?}");
    liar.be_honest();
    let pulled = seen.run("accountant", &["pull", &id, "--to", &text(&to)]).ok();
    let written = std::fs::read(pulled[0]["path"].as_str().expect("a path")).expect("there");
    assert!(written == plain && written.starts_with(b"tax due: 1,000"));
}
