//! The threat model claims nothing that no test shows.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("listed") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The names of all functions that are marked as tests.
fn tests() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "tests"] {
        sources(&root.join(folder), &mut files);
    }
    let mut names = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("read");
        let mut marked = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                marked = true;
            } else if marked && !line.starts_with("#[") && !line.starts_with("//") {
                let name = line.split_once("fn ").map(|(_, rest)| rest);
                let name = name.and_then(|rest| rest.split(['(', '<']).next());
                names.extend(name.map(str::to_owned));
                marked = false;
            }
        }
    }
    names
}

/// The claims of a document: each with the names at its end.
fn claims(text: &str) -> Vec<(&str, Vec<&str>)> {
    let claims = text.lines().filter(|line| line.starts_with("- "));
    claims
        .map(|line| {
            let is_name = |word: &&str| {
                word.contains('_')
                    && word
                        .bytes()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            };
            (line, line.split('`').skip(1).step_by(2).filter(is_name).collect())
        })
        .collect()
}

/// What is wrong with the claims of `text`. Saying that something cannot be prevented needs no test.
fn complaints(text: &str, tests: &BTreeSet<String>) -> Vec<String> {
    let mut complaints = Vec::new();
    for (line, names) in claims(text) {
        let admits = line.contains("Nothing prevents that") || line.contains("Nothing can call");
        if names.is_empty() && !admits {
            complaints.push(format!("no test: {line}"));
        }
        let unknown = names.iter().filter(|name| !tests.contains(**name));
        complaints.extend(unknown.map(|name| format!("{name} is no test")));
    }
    complaints
}

#[test]
fn every_claim_of_the_threat_model_names_tests_that_are_there() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/threat-model.md");
    let text = std::fs::read_to_string(path).expect("read");
    let tests = tests();
    assert!(tests.len() > 300, "{}", tests.len());
    assert!(claims(&text).len() > 40, "{}", claims(&text).len());
    assert_eq!(complaints(&text, &tests), Vec::<String>::new());
    for actor in ["Stranger", "Link scanner", "Partner", "Hostile gateway", "Auditor"] {
        assert!(text.contains(&format!("\n## {actor}\n")), "{actor}");
    }
    // And what is made up is found.
    let made_up = "- Cannot fly. `nobody_has_ever_flown_here`\n- Cannot swim.\n";
    assert_eq!(complaints(made_up, &tests).len(), 2);
}
