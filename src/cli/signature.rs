//! Who sends without an account says a name; it stands in the first line of the note. Nothing
//! proves it but the link it came through, so it is always shown as what somebody said.

/// What the first line begins with.
const FROM: &str = "from: ";
/// The longest name, in bytes.
const MAX_BYTES: usize = 200;

/// Whether `name` can stand in that line.
pub(super) fn is_name(name: &str) -> bool {
    !name.trim().is_empty() && name.len() <= MAX_BYTES && !name.chars().any(char::is_control)
}

/// The note of a document whose sender calls themselves `name`.
pub(super) fn signed_note(name: &str, note: &str) -> String {
    format!("{FROM}{}\n{note}", name.trim())
}

/// What the sender called themselves, and the rest of the note.
pub(super) fn read_note(note: &str) -> (Option<&str>, &str) {
    let (first, rest) = note.split_once('\n').unwrap_or((note, ""));
    match first.strip_prefix(FROM).filter(|name| is_name(name)) {
        Some(name) => (Some(name), rest),
        None => (None, note),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_written_and_notes_without_one_stay_whole() {
        let note = signed_note(" 李四（出纳） ", "第一行\n第二行");
        assert_eq!(read_note(&note), (Some("李四（出纳）"), "第一行\n第二行"));
        assert_eq!(read_note(&signed_note("a", "")), (Some("a"), ""));
        for plain in ["", "no name\nfrom: b", "from: \nx", "from:a"] {
            assert_eq!(read_note(plain), (None, plain));
        }
        assert!(!is_name("") && !is_name(" ") && !is_name("a\nb") && !is_name(&"a".repeat(201)));
    }
}
