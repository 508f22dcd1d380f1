//! The firm's root key on a lead's device: `root.age` in the profile, an age file sealed to the
//! lead's own recipient that holds the key's 32-byte seed. Only what needs the root opens it.

use crate::cli::error::{Error, file_error};
use crate::cli::profile::{self, Profile};
use crate::cli::words::Word;
use crate::envelope::statement::SigningKey;
use crate::envelope::{MemberKeys, Recipient, open_small, seal_small};
use crate::secrets::Secret;

const FILE: &str = "root.age";

/// An age file that holds the root key's seed, for `root.age` in the profile of `recipient`.
///
/// # Errors
/// [`Word::Internal`] for a recipient that nothing can be sealed to.
pub fn seal_root(seed: &Secret<32>, recipient: &Recipient) -> Result<Vec<u8>, Error> {
    seal_small(seed.expose(), std::slice::from_ref(recipient))
        .map_err(|e| Error::new(Word::Internal).about(FILE).because(e))
}

/// The root key, where this profile has it and it is the pinned one.
pub(super) fn root_key(profile: &Profile, keys: &MemberKeys) -> Result<SigningKey, Error> {
    let path = profile.dir().join(FILE);
    let damaged = || Error::new(Word::ProfileDamaged).about_path(&path);
    let file = profile::read(&path)?
        .ok_or_else(|| file_error(Word::NoSuchFile, &path, &std::io::ErrorKind::NotFound.into()))?;
    let seed = open_small(&file, &keys.identities()).map_err(|_| damaged())?;
    let root = SigningKey::from_seed(&Secret::from_slice(&seed).ok_or_else(damaged)?);
    if root.public() == profile.info().root { Ok(root) } else { Err(Error::new(Word::ForeignRoot)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::profile::tests::new_profile;

    #[test]
    fn the_root_key_opens_on_its_leads_device_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        // The fixture's firm has its member's own key as root.
        let profile = new_profile(&dir.path().join("a"), 1, |_| ());
        let keys = profile.keys().expect("unlocks");
        let path = profile.dir().join(FILE);
        assert_eq!(root_key(&profile, &keys).expect_err("none").code(), "no_such_file");
        let seed = Secret::random();
        let other = seal_root(&seed, &keys.recipient()).expect("sealed");
        std::fs::write(&path, other).expect("written");
        assert_eq!(root_key(&profile, &keys).expect_err("not pinned").code(), "foreign_root");
        let stranger = MemberKeys::from_seed(&seed);
        let sealed = seal_root(&seed, &stranger.recipient()).expect("sealed");
        std::fs::write(&path, sealed).expect("written");
        assert_eq!(root_key(&profile, &keys).expect_err("not ours").code(), "profile_damaged");
    }
}
