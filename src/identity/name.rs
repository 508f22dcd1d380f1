//! What people call themselves and their devices: login names in one canonical form, names
//! and device names that can be shown.

use super::Error;

const MAX_LOGIN_BYTES: usize = 128;
const MAX_NAME_BYTES: usize = 200;

/// The canonical form of a login name: lower case, without space around it. `None` for what
/// no login name can be: letters and digits of any script and `.`, `_`, `-`, `@`, `+` only.
pub(super) fn login(text: &str) -> Option<String> {
    let login = text.trim().to_lowercase();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+');
    let fits = !login.is_empty() && login.len() <= MAX_LOGIN_BYTES && login.chars().all(plain);
    fits.then_some(login)
}

/// A display name as it stands in the card's hash: nothing is trimmed off it here.
pub(super) fn display(name: &str) -> Result<(), Error> {
    let fits = !name.is_empty()
        && name.len() <= MAX_NAME_BYTES
        && name.trim() == name
        && !name.chars().any(unshowable);
    if fits { Ok(()) } else { Err(Error::Unacceptable("The name is empty, too long or not text.")) }
}

/// What a device is called in the list of sessions.
pub(super) fn device(name: &str) -> Result<String, Error> {
    let name = name.trim();
    if name.len() > MAX_NAME_BYTES || name.chars().any(unshowable) {
        return Err(Error::Unacceptable("The device's name is too long or not text."));
    }
    Ok(if name.is_empty() { "device".to_owned() } else { name.to_owned() })
}

/// Control characters, and marks that turn the reading direction around: they make one name
/// look like another.
fn unshowable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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
        assert!(display("王丽 Li").is_ok());
        for bad in ["", " a", "a\u{7}", "a\u{202e}b", &"a".repeat(201)] {
            assert!(display(bad).is_err(), "{bad:?}");
        }
        assert_eq!(device("  ").ok(), Some("device".into()));
        assert!(device("a\nb").is_err());
    }
}
