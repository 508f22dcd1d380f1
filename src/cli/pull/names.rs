//! Names of strangers, made safe for this file system.
//!
//! A name in a sealed part is whatever its sender wrote. Invariant: what comes out is one
//! component of a path, never empty, `.` or `..`, at most 240 bytes, without separators,
//! control or direction marks, and not a name that some system reserves.

use std::path::{Path, PathBuf};

use crate::cli::terminal::is_direction_mark;

/// Room for ` (1000)` below the 255 bytes that file systems take.
const MAX_BYTES: usize = 240;
/// The longest ending that is kept when a name is cut.
const MAX_ENDING_BYTES: usize = 16;

/// How many names are tried before giving up on one.
pub(in crate::cli) const MAX_COPIES: u32 = 1000;

const RESERVED: &[&str] = &[
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8",
    "com9", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// A safe name for `name`; `fallback` (safe itself) when nothing of it is left.
pub(in crate::cli) fn safe(name: &str, fallback: &str) -> String {
    let replaced: String = name
        .chars()
        .filter(|c| !is_direction_mark(*c))
        .map(|c| match c {
            '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => '_',
            c if c.is_control() => '_',
            c => c,
        })
        .collect();
    // Leading dots hide files; trailing dots and spaces vanish on some systems.
    let trimmed = replaced.trim_matches(|c: char| c == '.' || c.is_whitespace());
    if trimmed.chars().all(|c| matches!(c, '_' | '.' | ' ')) {
        return fallback.to_owned();
    }
    let stem = trimmed.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let mut safe = String::with_capacity(trimmed.len() + 1);
    if RESERVED.contains(&stem.as_str()) {
        safe.push('_');
    }
    safe.push_str(trimmed);
    cut(&safe)
}

/// Shortens a name to [`MAX_BYTES`], keeping its ending.
fn cut(name: &str) -> String {
    if name.len() <= MAX_BYTES {
        return name.to_owned();
    }
    let (stem, ending) = split(name);
    let ending = if ending.len() <= MAX_ENDING_BYTES { ending } else { "" };
    let mut end = stem.len().min(MAX_BYTES - ending.len());
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{ending}", stem[..end].trim_end())
}

/// Stem and ending with its dot; a name that only begins with a dot has no ending.
fn split(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(at) if at > 0 => name.split_at(at),
        _ => (name, ""),
    }
}

/// `name`, `name (2)`, `name (3)` … in `folder`, the number before the ending.
pub(in crate::cli) fn candidates(folder: &Path, name: &str) -> impl Iterator<Item = PathBuf> {
    let (stem, ending) = split(name);
    let numbered = move |n: u32| match n {
        1 => format!("{stem}{ending}"),
        n => format!("{stem} ({n}){ending}"),
    };
    (1..=MAX_COPIES).map(move |n| folder.join(numbered(n)))
}

/// The usual ending of a file that begins like this; for raw age files, whose names nobody knows.
pub(in crate::cli) fn ending_of(beginning: &[u8]) -> &'static str {
    const BEGINNINGS: &[(&[u8], &str)] = &[
        (b"%PDF", ".pdf"),
        (b"\x89PNG", ".png"),
        (b"\xff\xd8\xff", ".jpg"),
        (b"PK\x03\x04", ".zip"),
        (b"\x1f\x8b", ".gz"),
        (b"<?xml", ".xml"),
    ];
    BEGINNINGS
        .iter()
        .find(|(magic, _)| beginning.starts_with(magic))
        .map_or(".bin", |(_, ending)| ending)
}

#[cfg(test)]
mod tests {
    use std::path::Component;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_people_send_keeps_its_name() {
        for name in
            ["对账单 2026年3月.pdf", "a.tar.gz", "Überweisung (2).pdf", "no ending", "a-b_c"]
        {
            assert_eq!(safe(name, "x"), name);
        }
    }

    #[test]
    fn what_could_do_harm_does_not() {
        for (name, expected) in [
            ("../../etc/passwd", "_.._etc_passwd"),
            ("a/b\\c:d", "a_b_c_d"),
            ("a\nb\0c\u{1b}d", "a_b_c_d"),
            ("exe\u{202e}fdp.pdf", "exefdp.pdf"),
            (".bashrc", "bashrc"),
            (". .hidden", "hidden"),
            ("...", "x"),
            ("", "x"),
            (" . ", "x"),
            ("\u{200b}", "x"),
            ("/", "x"),
            ("CON", "_CON"),
            ("nul.txt", "_nul.txt"),
            ("lpt1 .pdf", "_lpt1 .pdf"),
            ("trailing. . ", "trailing"),
        ] {
            assert_eq!(safe(name, "x"), expected, "{name:?}");
        }
    }

    #[test]
    fn long_names_are_cut_before_their_ending() {
        let long = format!("{}.pdf", "年".repeat(200));
        let cut = safe(&long, "x");
        assert!(cut.len() <= MAX_BYTES && cut.ends_with("年.pdf"));
        assert_eq!(safe(&"a".repeat(255), "x").len(), MAX_BYTES);
        let odd = format!("a.{}", "b".repeat(300));
        assert!(safe(&odd, "x").len() <= MAX_BYTES);
    }

    #[test]
    fn a_second_file_of_a_name_is_numbered_before_its_ending() {
        let folder = Path::new("d");
        let names: Vec<_> = candidates(folder, "a.b.pdf").take(3).collect();
        assert_eq!(names, ["d/a.b.pdf", "d/a.b (2).pdf", "d/a.b (3).pdf"].map(PathBuf::from));
        let bare: Vec<_> = candidates(folder, "a").skip(1).take(1).collect();
        assert_eq!(bare, [PathBuf::from("d/a (2)")]);
        let longest = candidates(folder, &safe(&"a".repeat(255), "x")).last().expect("a name");
        assert!(longest.file_name().expect("a name").len() <= 255);
    }

    proptest! {
        #[test]
        fn any_name_becomes_one_harmless_component(name in any::<String>()) {
            let safe = safe(&name, "x");
            prop_assert!(!safe.is_empty() && safe.len() <= MAX_BYTES);
            let path = Path::new(&safe);
            let components: Vec<_> = path.components().collect();
            prop_assert_eq!(components.len(), 1);
            prop_assert!(matches!(components[0], Component::Normal(_)));
            prop_assert!(!safe.starts_with('.') && !safe.ends_with(['.', ' ']));
            prop_assert!(!safe.chars().any(|c| c.is_control() || is_direction_mark(c)));
            prop_assert_eq!(super::safe(&safe, "x"), safe.clone(), "stable");
        }

        #[test]
        fn a_name_never_leaves_its_folder(name in "[./\\\\ a\\x00\\n:]{0,12}") {
            let joined = Path::new("/d").join(safe(&name, "x"));
            prop_assert_eq!(joined.parent(), Some(Path::new("/d")));
        }
    }
}
