//! Transcripts of the program as people type and read it, replayed from `tests/cli`.
//!
//! `$ ` begins a command for a shell, what follows is what it says on both outputs, and `? N`
//! its status when that is not 0. `STRONGROOM_UPDATE_SNAPSHOTS=1` writes them anew, to be read
//! before they are believed.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The age identity of the transcripts, which protects nothing.
const KEY: &str = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX\n";

/// A folder to type in.
fn desk() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    std::fs::write(at.join("对账单.txt"), "三月对账单\n").expect("written");
    std::fs::write(at.join("key.txt"), KEY).expect("written");
    std::fs::write(at.join("damaged.age"), "age-encryption.org/v1\n-> X25519 abc\n")
        .expect("written");
    std::fs::create_dir(at.join("papers")).expect("a folder");
    folder
}

/// What a shell in `desk` shows of `command`.
fn typed(desk: &Path, command: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_strongroom")).parent().expect("a folder");
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1; {command}")])
        .current_dir(desk)
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", program.display()))
        .env("HOME", desk)
        .env("LC_ALL", "C.UTF-8")
        .stdin(std::process::Stdio::null())
        .output()
        .expect("a shell");
    let mut shown = String::from_utf8(output.stdout).expect("UTF-8");
    shown = shown.replace(&desk.display().to_string(), "DIR");
    if !shown.is_empty() && !shown.ends_with('\n') {
        shown.push('\n');
    }
    match output.status.code() {
        Some(0) => {}
        code => writeln!(shown, "? {}", code.unwrap_or(-1)).expect("text"),
    }
    shown
}

/// The transcript with everything that is shown now.
fn replayed(transcript: &str) -> String {
    let desk = desk();
    let mut now = String::new();
    for line in transcript.lines() {
        match line.strip_prefix("$ ") {
            Some(command) => {
                let shown = typed(desk.path(), command);
                write!(now, "\n$ {command}\n{shown}").expect("text");
            }
            None if line.starts_with("# ") && now.is_empty() => {
                writeln!(now, "{line}").expect("text");
            }
            None => {}
        }
    }
    now
}

fn transcripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli");
    let entries = std::fs::read_dir(folder).expect("listed");
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    found.sort();
    assert!(found.len() >= 4, "{found:?}");
    found
}

#[test]
fn the_program_says_what_its_transcripts_say() {
    let update = std::env::var_os("STRONGROOM_UPDATE_SNAPSHOTS").is_some();
    for path in transcripts() {
        let expected = std::fs::read_to_string(&path).expect("read");
        assert!(expected.lines().filter(|line| line.starts_with("$ ")).count() >= 4);
        let now = replayed(&expected);
        if update {
            std::fs::write(&path, &now).expect("written");
            continue;
        }
        let differs = expected.lines().zip(now.lines()).find(|(then, now)| then != now);
        assert!(
            now == expected,
            "{}: {differs:?}\nIf that is meant, run with STRONGROOM_UPDATE_SNAPSHOTS=1 and read the change:\n{now}",
            path.display()
        );
    }
}
