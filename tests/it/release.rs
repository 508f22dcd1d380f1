//! What is in the binary that people get: no switch of a debug build.

use std::path::PathBuf;

const FAULTS: [&str; 6] =
    ["SKIP_FSYNC", "ACK_BEFORE_COMMIT", "SKIP_AUDIT", "LOSE_ANSWER", "DISK_FULL", "PANIC"];

/// The switches whose names `binary` holds.
fn switches(binary: &[u8]) -> Vec<&'static str> {
    let prefix = b"STRONGROOM_FAULT_";
    let mut found = Vec::new();
    for at in 0..binary.len().saturating_sub(prefix.len()) {
        if binary[at] == prefix[0] && binary[at..].starts_with(prefix) {
            let rest = &binary[at + prefix.len()..];
            found.extend(FAULTS.iter().filter(|name| rest.starts_with(name.as_bytes())));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn release() -> PathBuf {
    if let Some(path) = std::env::var_os("STRONGROOM_RELEASE_BINARY") {
        return path.into();
    }
    let built = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/release/strongroom");
    assert!(
        built.exists(),
        "there is no release binary to look at: run make test, or cargo build --release first"
    );
    built
}

#[test]
fn a_release_holds_no_switch_that_turns_a_protection_off() {
    let debug = std::fs::read(env!("CARGO_BIN_EXE_strongroom")).expect("built");
    let mut all = FAULTS;
    all.sort_unstable();
    assert_eq!(switches(&debug), all, "they would be seen");
    let release = release();
    let bytes = std::fs::read(&release).expect("readable");
    assert_eq!(switches(&bytes), [""; 0], "{}", release.display());
}
