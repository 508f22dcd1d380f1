//! `doctor` about payloads: what the database names must be in the object store, whole.

use std::path::PathBuf;

use serde_json::Value;

use crate::support::curl::files;
use crate::support::demo::{Demo, Ran, noise, strongroom, text};

/// What `doctor` says of the payloads, and its status.
fn payloads(demo: &Demo, more: &[&str]) -> (bool, String, i32) {
    let config = text(&demo.data().join("strongroom.toml"));
    let words = [&["--json", "doctor", "--config", &config], more].concat();
    let ran = Ran::of(&strongroom(&words).output().expect("runs"));
    let checks = ran.json.as_array().expect("checks").clone();
    let check: &Value = checks.iter().find(|c| c["check"] == "payloads").expect("a line");
    let detail = check["detail"].as_str().expect("text").to_owned();
    (check["ok"] == true, detail, ran.status)
}

#[test]
fn a_payload_that_is_missing_cut_or_altered_is_counted() {
    let demo = Demo::start();
    let long = text(&demo.file("long", &noise(3 << 20, 3)));
    demo.run("principal", &["send", &long]).ok();
    let short = text(&demo.file("short", b"short"));
    demo.run("principal", &["send", &short]).ok();
    assert_eq!((payloads(&demo, &[]).0, payloads(&demo, &["--deep"]).0), (true, true));

    let mut objects: Vec<PathBuf> = Vec::new();
    files(&demo.data().join("objects").join("segments"), &mut objects);
    objects.sort_by_key(|path| std::fs::metadata(path).expect("there").len());
    let object = objects.last().expect("an object").clone();
    let whole = std::fs::read(&object).expect("readable");

    // One bit: seen by reading alone.
    let mut altered = whole.clone();
    altered[2 << 20] ^= 1;
    std::fs::write(&object, &altered).expect("written");
    assert!(payloads(&demo, &[]).0);
    let (ok, detail, status) = payloads(&demo, &["--deep"]);
    assert!(!ok && status == 1 && detail.starts_with("0 missing, 1 damaged"), "{detail}");
    // Cut.
    std::fs::write(&object, &whole[..whole.len() - 1]).expect("written");
    let (ok, detail, _) = payloads(&demo, &[]);
    assert!(!ok && detail.starts_with("0 missing, 1 damaged"), "{detail}");
    // Gone.
    std::fs::remove_file(&object).expect("removed");
    let (ok, detail, _) = payloads(&demo, &[]);
    assert!(!ok && detail.starts_with("1 missing, 0 damaged"), "{detail}");
    // All of them.
    for object in &objects {
        let _ = std::fs::remove_file(object);
    }
    let (ok, detail, status) = payloads(&demo, &[]);
    assert!(!ok && status == 1, "{detail}");
    std::fs::write(&object, &whole).expect("written");
}
