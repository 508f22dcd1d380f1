//! The rank rule of `src/lib.rs`: modules import downwards only, siblings not at all.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Module, rank, and the highest rank it may use.
const TABLE: &[(&str, u8, u8)] = &[
    ("clock", 0, 0),
    ("faults", 0, 0),
    ("ids", 0, 0),
    ("secrets", 0, 0),
    ("model", 1, 0),
    ("envelope", 1, 0),
    ("merkle", 1, 0),
    ("opaque", 1, 0),
    ("outbound", 1, 0),
    ("access", 2, 1),
    ("api", 2, 1),
    ("config", 2, 1),
    ("trust", 2, 1),
    ("store", 3, 2),
    ("objects", 3, 2),
    ("audit", 4, 3),
    ("jobs", 4, 3),
    ("notices", 4, 3),
    ("identity", 5, 4),
    ("documents", 5, 4),
    ("firm", 5, 4),
    ("partners", 5, 4),
    ("shares", 5, 4),
    ("witness", 5, 4),
    ("http", 6, 5),
    ("worker", 6, 5),
    ("cli", 6, 2),
    ("app", 7, 6),
    ("main", 7, 7),
];

/// Edges inside a rank that were decided on, one reason each.
const EXCEPTIONS: &[(&str, &str)] = &[
    // An id is made of random bytes, and both are leaves.
    ("ids", "secrets"),
    // `main` alone starts `app` and `cli`.
    ("main", "app"),
];

const BANNED_NAMES: &[&str] = &["utils", "util", "helpers", "common", "types", "misc"];

fn sources(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a readable source folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

fn module_of(root: &Path, file: &Path) -> String {
    let relative = file.strip_prefix(root).expect("a file below src");
    let first = relative.components().next().expect("a component").as_os_str();
    Path::new(first).file_stem().expect("a name").to_string_lossy().into_owned()
}

/// Every module named after `crate::` or `strongroom::` in `text`, comments left out.
fn edges(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines().filter(|l| !l.trim_start().starts_with("//")) {
        for prefix in ["crate::", "strongroom::"] {
            for (at, _) in line.match_indices(prefix) {
                let rest = &line[at + prefix.len()..];
                let names = match rest.strip_prefix('{') {
                    Some(list) => list.split('}').next().unwrap_or(list).split(',').collect(),
                    None => vec![rest],
                };
                for name in names {
                    let name: String = name
                        .trim()
                        .chars()
                        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                        .collect();
                    if !name.is_empty() {
                        found.push(name);
                    }
                }
            }
        }
    }
    found
}

fn faults(module: &str, text: &str) -> Vec<String> {
    let ranks: BTreeMap<_, _> = TABLE.iter().map(|(m, r, max)| (*m, (*r, *max))).collect();
    let Some((_, max)) = ranks.get(module) else {
        return vec![format!("{module}: not in the table of ranks")];
    };
    edges(text)
        .into_iter()
        .filter(|target| target != module)
        .filter(|target| !EXCEPTIONS.contains(&(module, target.as_str())))
        .filter_map(|target| match ranks.get(target.as_str()) {
            Some((rank, _)) if rank <= max && ranks[module].0 != *rank => None,
            Some(_) => Some(format!("{module} -> {target} goes against the ranks")),
            None if target.starts_with(|c: char| c.is_ascii_uppercase()) => None,
            None => Some(format!("{module} -> {target}: not in the table of ranks")),
        })
        .collect()
}

#[test]
fn imports_go_down_the_ranks() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 3, "the sources were found");
    let mut found = Vec::new();
    for file in files {
        let module = module_of(&root, &file);
        if module == "lib" {
            continue;
        }
        let text = fs::read_to_string(&file).expect("a readable source");
        for fault in faults(&module, &text) {
            found.push(format!("{}: {fault}", file.display()));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn an_edge_against_the_ranks_is_found() {
    assert_eq!(faults("cli", "use crate::store::Store;").len(), 1);
    assert_eq!(faults("cli", "use crate::{api, store};").len(), 1);
    assert_eq!(faults("envelope", "use crate::model::Role;").len(), 1);
    assert_eq!(faults("store", "    crate::http::router()").len(), 1);
    assert_eq!(faults("nowhere", "").len(), 1);
    assert!(faults("cli", "use crate::api::x;\n// crate::store").is_empty());
}

#[test]
fn no_room_for_leftovers() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    for file in files {
        for part in file.strip_prefix(&root).expect("below src").components() {
            let name = Path::new(part.as_os_str()).file_stem().expect("a name").to_string_lossy();
            assert!(!BANNED_NAMES.contains(&name.as_ref()), "{}: say what it is", file.display());
        }
    }
}
