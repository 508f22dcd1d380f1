//! What people call themselves and their devices: login names in one canonical form, names
//! and device names that can be shown.

use crate::api::limits;

use super::Error;

pub(super) use crate::api::limits::login;

/// A display name as it stands in the card's hash: nothing is trimmed off it here.
pub(super) fn display(name: &str) -> Result<(), Error> {
    if limits::is_name(name) {
        Ok(())
    } else {
        Err(Error::Unacceptable("The name is empty, too long or not text."))
    }
}

/// What a device is called in the list of sessions.
pub(super) fn device(name: &str) -> Result<String, Error> {
    let name = name.trim();
    if name.len() > limits::MAX_NAME_BYTES || name.chars().any(limits::is_unshowable) {
        return Err(Error::Unacceptable("The device's name is too long or not text."));
    }
    Ok(if name.is_empty() { "device".to_owned() } else { name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

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
