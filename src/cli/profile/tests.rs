use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::clock::Timestamp;
use crate::envelope::keyring::seal;
use crate::envelope::statement::{Card, Note, Recipient};
use crate::envelope::{Keyring, MemberKeys};

fn card_of(keyring: &Keyring, keys: &MemberKeys) -> Card {
    Card {
        root: keys.key_id(),
        member: keyring.member,
        role: Role::Clerk,
        name_hash: Card::hash_name(keyring.member, "n"),
        epoch: keyring.epoch,
        sign: keys.sign.public(),
        recipient: Some(Recipient(keys.recipient().to_string())),
        recipient_pq: Some(Recipient(keys.recipient_post_quantum().to_string())),
        prev: None,
        time: Timestamp::EPOCH,
    }
}

/// A profile of somebody in a firm of their own.
pub(in crate::cli) fn new_profile(dir: &Path, epoch: u64, card: impl Fn(&mut Card)) -> Profile {
    let keyring = Keyring::random(MemberId::random());
    let keys = keyring.keys();
    let mut statement = card_of(&keyring, &keys);
    card(&mut statement);
    let (payload, key) = seal(&keyring);
    let note = Note::sign(&statement, &[&keys.sign]);
    let device = DeviceKeyring::wrap(&key, payload, keyring.member, note);
    let info = ProfileInfo {
        version: ProfileInfo::VERSION,
        gateway: "https://127.0.0.1:1".into(),
        firm: "f".into(),
        root: keys.sign.public(),
        member: keyring.member,
        role: Role::Clerk,
        login: "l".into(),
        name: "n".into(),
        session: SessionId::random(),
        epoch,
    };
    Profile::create(dir, NewProfile { info, ca: None, keyring: &device, tokens: None })
        .expect("a profile")
}

#[test]
fn a_profile_opens_without_a_passphrase_and_is_kept_from_others() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path().join("p");
    let profile = new_profile(&dir, 1, |_| ());
    let opened = Profile::open(&dir).expect("opens");
    assert_eq!(opened.info(), profile.info());
    opened.keys().expect("unlocks");
    for entry in std::fs::read_dir(&dir).expect("listed") {
        let entry = entry.expect("an entry");
        let mode = entry.metadata().expect("there").permissions().mode() & 0o077;
        assert_eq!(mode, 0, "{:?}", entry.path());
    }
    let again = Profile::prepare(&dir).expect_err("one profile a folder");
    assert_eq!(again.code(), "profile_exists");
}

#[test]
fn a_damaged_profile_says_the_next_step() {
    let missing = tempfile::tempdir().expect("a folder");
    assert_eq!(Profile::open(missing.path()).expect_err("none").code(), "no_profile");
    for (file, text) in [
        ("profile.json", &b"{\"version\":1"[..]),
        ("profile.json", b""),
        ("profile.json", b"\xff\xfe"),
        ("device.key", b"short"),
        ("device.key", b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        ("keyring.json", b"{}"),
        ("keyring.json", b"null"),
    ] {
        let dir = tempfile::tempdir().expect("a folder");
        let dir = dir.path().join("p");
        new_profile(&dir, 1, |_| ());
        std::fs::write(dir.join(file), text).expect("damaged");
        let error = Profile::open(&dir).and_then(|p| p.keys().map(drop)).expect_err(file);
        assert_eq!(error.code(), "profile_damaged", "{file}");
        std::fs::remove_file(dir.join(file)).expect("removed");
        let error = Profile::open(&dir).and_then(|p| p.keys().map(drop)).expect_err(file);
        assert!(["profile_damaged", "no_profile"].contains(&error.code()), "{file}");
    }
}

#[test]
fn a_keyring_that_is_not_the_cards_or_older_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let older = new_profile(&dir.path().join("older"), 2, |_| ());
    assert_eq!(older.keys().expect_err("older").code(), "bad_keyring");
    let swapped = new_profile(&dir.path().join("swapped"), 1, |card| {
        card.recipient = Some(Recipient("age1qqqq".into()));
    });
    assert_eq!(swapped.keys().expect_err("swapped").code(), "bad_keyring");
}

#[test]
fn a_gateway_that_moved_is_found_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let profile = new_profile(&dir.path().join("p"), 1, |_| ());
    profile.relocate("https://127.0.0.1:8444/x").expect("relocated");
    let again = Profile::open(profile.dir()).expect("opens");
    assert_eq!(again.info().gateway, "https://127.0.0.1:8444");
    assert_eq!(profile.relocate("http://127.0.0.1:1").expect_err("plain").code(), "bad_url");
}
