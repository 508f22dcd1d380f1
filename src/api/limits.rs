//! What the gateway takes of names and times, known on both sides: a device says so before it
//! asks, the gateway refuses whatever a device lets through. Changing a limit is a change of the
//! wire.

/// The longest login name, in bytes.
pub const MAX_LOGIN_BYTES: usize = 128;

/// The longest name of a person, a device or a client, in bytes.
pub const MAX_NAME_BYTES: usize = 200;

/// The longest that an invitation may be open, in days.
pub const MAX_INVITATION_DAYS: i64 = 31;

/// The longest that a link into a client's space may be open, in days.
pub const MAX_LINK_DAYS: i64 = 366;

/// The longest that a share may be open, in days; a gateway may be set to less.
pub const MAX_SHARE_DAYS: i64 = 90;

/// The shortest that a share may be open, in hours.
pub const MIN_SHARE_HOURS: i64 = 1;

/// The most full sets that one share releases.
pub const MAX_SHARE_DOWNLOADS: u64 = 1000;

/// The canonical form of a login name: lower case, without space around it. `None` for what
/// no login name can be: letters and digits of any script and `.`, `_`, `-`, `@`, `+` only.
pub fn login(text: &str) -> Option<String> {
    let login = text.trim().to_lowercase();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+');
    let fits = !login.is_empty() && login.len() <= MAX_LOGIN_BYTES && login.chars().all(plain);
    fits.then_some(login)
}

/// Whether `name` is one that a person can be shown under: nothing is trimmed off it.
pub fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= MAX_NAME_BYTES
        && name.trim() == name
        && !name.chars().any(is_unshowable)
}

/// The name of a client as it is kept; `None` for none.
pub fn client_name(text: &str) -> Option<&str> {
    let name = text.trim();
    let fits =
        !name.is_empty() && name.len() <= MAX_NAME_BYTES && !name.chars().any(char::is_control);
    fits.then_some(name)
}

/// Control characters, marks that turn the reading direction around, and what is not seen at all:
/// they make one name look like another.
pub fn is_unshowable(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
        )
}

/// Whether a text says something on one line: a letter or digit, and nothing that cannot be shown.
pub fn says_something(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric) && !text.chars().any(is_unshowable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_name_has_one_form() {
        assert_eq!(login(" Wang.Li "), Some("wang.li".into()));
        assert_eq!(login("王丽"), Some("王丽".into()));
        for bad in ["", " ", "a b", "a\nb", "a/b", "a\0b", "a\u{202e}b", &"a".repeat(129)] {
            assert_eq!(login(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn names_are_text_that_can_be_shown() {
        assert!(is_name("王丽 Li"));
        for bad in ["", " a", "a\u{7}", "a\u{202e}b", &"a".repeat(201)] {
            assert!(!is_name(bad), "{bad:?}");
        }
        assert_eq!(client_name(" 云杉 "), Some("云杉"));
        for bad in ["", "  ", "a\nb", &"a".repeat(201)] {
            assert_eq!(client_name(bad), None, "{bad:?}");
        }
    }
}
