//! Replays the fuzz corpora: what was once worth a look must hold for ever.

#[path = "../../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "the fuzz workspace builds the same file as a library")]
mod targets;

use std::path::Path;

fn replay(name: &str, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let entries =
        std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut seen = 0;
    for entry in entries {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).expect("a readable input");
        // Also cut short and with each byte changed: neighbours of what is known.
        target(&bytes);
        for at in (0..bytes.len()).step_by(1 + bytes.len() / 200) {
            target(&bytes[..at]);
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            target(&changed);
        }
        seen += 1;
    }
    assert!(seen > 0, "{} holds inputs", folder.display());
}

#[test]
fn headers() {
    replay("header", targets::header);
}

#[test]
fn payloads() {
    replay("payload", targets::payload);
}

#[test]
fn recipients() {
    replay("recipient", targets::recipient);
}

#[test]
fn statements() {
    replay("statement", targets::statement);
}

#[test]
fn checkpoints() {
    replay("checkpoint", targets::checkpoint);
}

#[test]
fn ranges() {
    replay("range", targets::range);
}

#[test]
fn tus_headers() {
    replay("tus", targets::tus);
}
