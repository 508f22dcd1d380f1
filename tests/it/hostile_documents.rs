//! Row C4: a gateway that drops, reorders, renames, re-files, swaps, replays and truncates
//! documents. What it touched is not written and makes the status 4; the others are written.

use std::path::Path;

use bytes::Bytes;
use serde_json::Value;

use crate::support::books::files;
use crate::support::demo::{Demo, noise, text};
use crate::support::liar::{Exchange, Liar};

/// Bytes of a sealed piece, and of the nonce in front of the first.
const PIECE: usize = 1_048_832;
const NONCE: usize = 16;

/// Three documents of one client, and the gateway that lies about the first two.
struct Set {
    demo: Demo,
    seen: Demo,
    liar: Liar,
    client: String,
    ids: [String; 3],
    contents: [Vec<u8>; 3],
}

impl Set {
    fn new() -> Self {
        let (demo, seen, liar) = Liar::before(&["principal", "accountant"]);
        let client = demo.client("principal");
        let contents = [noise(2_500_000, 1), noise(2_500_000, 2), noise(9_000, 3)];
        let ids = ["a.bin", "b.bin", "c.bin"].map(|name| {
            let file = text(&demo.file(name, &contents[usize::from(name.as_bytes()[0] - b'a')]));
            let send = ["send", &file, "--period", "2026-03", "--category", "bank"];
            let sent = seen.run("principal", &send).ok();
            sent[0]["document"].as_str().expect("an id").to_owned()
        });
        Self { demo, seen, liar, client, ids, contents }
    }

    /// Pulls all three and returns what was written, in their order.
    fn pull(&self, to: &Path) -> (i32, Value, [Option<Vec<u8>>; 3]) {
        let [a, b, c] = &self.ids;
        let ran = self.seen.run("accountant", &["pull", a, b, c, "--to", &text(to)]);
        let written = [0, 1, 2].map(|at| {
            let path = ran.json[at]["path"].as_str()?;
            Some(std::fs::read(path).expect("there"))
        });
        (ran.status, ran.json, written)
    }

    /// The first document is refused with one of `codes`, the third is written as it was sent.
    #[track_caller]
    fn refused(&self, what: &str, codes: &[&str]) {
        let to = self.demo.place(&format!("out {what}"));
        let (status, rows, written) = self.pull(&to);
        assert_eq!(status, 4, "{what}: {rows}");
        let row = &rows[0];
        let reason = row["reason"].as_str().unwrap_or_default();
        assert!(codes.contains(&reason), "{what}: {reason}: {row}");
        assert_eq!((&row["verified"], &row["path"]), (&false.into(), &Value::Null), "{what}");
        assert!(written[0].is_none(), "{what}");
        assert!(written[2].as_ref() == Some(&self.contents[2]), "{what}: {rows}");
        let others = usize::from(written[1].is_some()) + 1;
        let there = files(&to.join(&self.client));
        assert_eq!(there.len(), others, "{what}: nothing half-written: {there:?}");
    }

    /// All three are written as they were sent.
    #[track_caller]
    fn passes(&self, what: &str) {
        self.liar.be_honest();
        let (status, rows, written) = self.pull(&self.demo.place(&format!("whole {what}")));
        assert_eq!(status, 0, "{what}: {rows}");
        for (written, sent) in written.iter().zip(&self.contents) {
            assert!(written.as_ref() == Some(sent), "{what}");
        }
    }
}

/// What the gateway says of `id`, in the answer that is on its way.
fn about(exchange: &mut Exchange, id: &str, change: impl FnOnce(&mut Value)) {
    let mut change = Some(change);
    exchange.rewrite_documents(|document| {
        if document["document"] == id
            && let Some(change) = change.take()
        {
            change(document);
        }
    });
}

/// What the gateway says honestly of `id`.
fn info(set: &Set, id: &str) -> Value {
    set.liar.be_honest();
    let to = text(&set.demo.place("info"));
    set.seen.run("accountant", &["pull", id, "--to", &to]).ok();
    let path = format!("/documents/{id}");
    let told = set.liar.seen().into_iter().find(|e| e.path == path).expect("asked");
    told.json()
}

fn decoded(value: &Value) -> Vec<u8> {
    use base64::Engine;
    let text = value.as_str().expect("base64");
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .or_else(|_| base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text))
        .expect("base64")
}

fn encoded(bytes: &[u8]) -> Value {
    serde_json::to_value(strongroom::api::Base64(bytes.to_vec())).expect("JSON")
}

#[test]
fn what_is_said_about_a_document_is_what_its_sender_signed() {
    let set = Set::new();
    let [a, b, c] = set.ids.clone();
    set.passes("at first");
    let other = info(&set, &b);
    let third = info(&set, &c);
    let field = |name: &'static str, value: Value| {
        let a = a.clone();
        move |e: &mut Exchange| about(e, &a, |said| said[name] = value.clone())
    };
    let flipped = {
        let mut sealed = decoded(&info(&set, &a)["sealed"]);
        let middle = sealed.len() / 2;
        sealed[middle] ^= 1;
        encoded(&sealed)
    };
    let manifest = info(&set, &a)["manifest"].as_str().expect("a note").to_owned();
    let edited = |from: &str, to: &str| {
        let changed = manifest.replacen(from, to, 1);
        assert_ne!(changed, manifest);
        Value::from(changed)
    };
    let said: [(&str, &[&str], Vec<(&'static str, Value)>); 14] = [
        ("period", &["bad_signature"], vec![("period", "2026-04".into())]),
        ("category", &["bad_signature"], vec![("category", "payroll".into())]),
        ("direction", &["bad_signature"], vec![("direction", "out".into())]),
        ("client", &["bad_signature"], vec![("client", set.demo.client("principal2").into())]),
        ("seal", &["bad_signature"], vec![("seal", "on_arrival".into())]),
        ("length", &["bad_signature"], vec![("length", 5.into())]),
        ("pieces", &["bad_signature"], vec![("pieces", third["pieces"].clone())]),
        ("no manifest", &["bad_signature"], vec![("manifest", Value::Null)]),
        ("another manifest", &["bad_signature"], vec![("manifest", other["manifest"].clone())]),
        (
            "period and manifest",
            &["bad_signature"],
            vec![
                ("period", "2026-04".into()),
                ("manifest", edited("period 2026-03", "period 2026-04")),
            ],
        ),
        ("another name", &["sealed_part"], vec![("sealed", other["sealed"].clone())]),
        ("changed name", &["sealed_part"], vec![("sealed", flipped)]),
        ("no name", &["sealed_part"], vec![("sealed", Value::Null)]),
        ("another key", &["commitment"], vec![("header", other["header"].clone())]),
    ];
    for (what, codes, changes) in said {
        let id = a.clone();
        set.liar.lie(move |e| {
            about(e, &id, |said| changes.iter().for_each(|(name, v)| said[*name] = v.clone()));
        });
        set.refused(what, codes);
    }
    // One document in the place of another: by its number, and whole.
    for (what, whole) in [("renumbered", false), ("replayed", true)] {
        let (id, mut other) = (a.clone(), other.clone());
        set.liar.lie(move |e| {
            if whole {
                other["document"] = id.clone().into();
            }
            about(e, &id, |said| *said = other.clone());
        });
        set.refused(what, &["bad_signature", "swapped"]);
    }
    // As raw age files, which nobody signs.
    set.liar.lie(field("seal", "raw_age".into()));
    set.refused("raw", &["bad_signature"]);
    set.passes("in the end");
}

/// A stanza that nobody can open, and a header of `header` without its last stanza.
fn stanzas(header: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let text = std::str::from_utf8(header).expect("text");
    let mac = text.rfind("\n---").expect("a MAC") + 1;
    let last = text[..mac].rfind("-> ").expect("a stanza");
    let more = format!("{}{}{}", &text[..mac], &text[last..mac], &text[mac..]);
    let less = format!("{}{}", &text[..last], &text[mac..]);
    (more.into_bytes(), less.into_bytes())
}

#[test]
fn a_reader_more_or_less_in_the_header_is_noticed() {
    let set = Set::new();
    let [a, _, _] = set.ids.clone();
    let header = decoded(&info(&set, &a)["header"]);
    let (more, less) = stanzas(&header);
    for (what, changed) in [("a stanza more", more), ("a stanza less", less)] {
        let (id, changed) = (a.clone(), encoded(&changed));
        set.liar.lie(move |e| about(e, &id, |said| said["header"] = changed.clone()));
        set.refused(what, &["damaged", "not_opened"]);
    }
    set.passes("in the end");
}

/// Header and payload as they are served.
fn parts(age: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (_, header) = strongroom::envelope::Header::parse(age).expect("a header");
    (age[..header].to_vec(), age[header..].to_vec())
}

#[test]
fn bytes_that_were_not_signed_are_not_written() {
    let set = Set::new();
    let [a, b, _] = set.ids.clone();
    set.passes("at first");
    let served = |id: &str| {
        let path = format!("/documents/{id}/age");
        set.liar.seen().into_iter().find(|e| e.path == path).expect("asked").body
    };
    set.liar.forget();
    set.pull(&set.demo.place("served"));
    let (own, other) = (served(&a), served(&b));
    let (header, payload) = parts(&own);
    let with = |payload: &[u8]| Bytes::from([header.clone(), payload.to_vec()].concat());
    let mut flipped = payload.clone();
    flipped[payload.len() / 2] ^= 1;
    let (first, rest) = payload[NONCE..].split_at(PIECE);
    let (second, last) = rest.split_at(PIECE);
    let cases = [
        ("another payload", other.clone()),
        ("another payload under its own header", with(&parts(&other).1)),
        ("a bit", with(&flipped)),
        ("a byte less", with(&payload[..payload.len() - 1])),
        ("a piece less", with(&payload[..NONCE + 2 * PIECE])),
        ("nothing", with(&[])),
        ("a byte more", with(&[&payload[..], &[0]].concat())),
        ("pieces reordered", with(&[&payload[..NONCE], second, first, last].concat())),
        ("a piece repeated", with(&[&payload[..NONCE], first, first, last].concat())),
        ("a piece left out", with(&[&payload[..NONCE], first, last].concat())),
    ];
    for (what, changed) in cases {
        let path = format!("/documents/{a}/age");
        set.liar.lie(move |e| {
            if e.path == path {
                e.answer(changed.clone());
            }
        });
        set.refused(what, &["damaged", "not_opened", "commitment"]);
    }
    // The list of pieces.
    set.liar.be_honest();
    set.pull(&set.demo.place("listed"));
    let list = |id: &str| {
        let path = format!("/documents/{id}/pieces");
        set.liar.seen().into_iter().find(|e| e.path == path).expect("asked").body
    };
    let (own, other) = (list(&a), list(&b));
    let reordered = [&own[32..64], &own[..32], &own[64..]].concat();
    for (what, changed) in [
        ("another list", other),
        ("a shorter list", own.slice(..64)),
        ("an empty list", Bytes::new()),
        ("a reordered list", reordered.into()),
    ] {
        let path = format!("/documents/{a}/pieces");
        set.liar.lie(move |e| {
            if e.path == path {
                e.answer(changed.clone());
            }
        });
        set.refused(what, &["damaged"]);
    }
    set.passes("in the end");
}
