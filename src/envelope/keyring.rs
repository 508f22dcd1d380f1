//! The keyring (format, "Keys"): a member's seed as an age payload, with one header of one
//! symmetric stanza per way of unlocking it. The gateway stores both and can open neither.

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::envelope::small::{open_payload, seal_payload};
use crate::envelope::stanza::{Stanza, decode_base64, encode_base64};
use crate::envelope::{Error, FileKey, Header, MemberKeys, hkdf};
use crate::ids::{MemberId, parse_hex};
use crate::secrets::{Secret, random_bytes};

const STANZA_TYPE: &str = "strongroom/v1/wrap";
const ZERO_NONCE: [u8; 12] = [0; 12];

/// A way of unlocking a keyring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unlock {
    /// The export key of an OPAQUE login.
    Opaque,
    /// The 32 printed bytes of the recovery kit.
    Kit,
    /// A passkey's PRF output.
    Prf,
    /// The secret of one device.
    Device,
}

impl Unlock {
    /// Its name in the stanza and in the key's label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opaque => "opaque",
            Self::Kit => "kit",
            Self::Prf => "prf",
            Self::Device => "device",
        }
    }
}

/// An opened keyring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyring {
    /// Whose it is.
    pub member: MemberId,
    /// Counts rotations from 1; older ones than the remembered epoch are refused by the reader.
    pub epoch: u64,
    /// What all keys derive from.
    pub seed: Secret<32>,
    /// Seeds of the epochs before, the first one first: what was sealed to them stays readable.
    pub former: Vec<Secret<32>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyringJson {
    member: MemberId,
    epoch: u64,
    seed: String,
    /// Absent until the first rotation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    former: Vec<String>,
}

impl Drop for KeyringJson {
    fn drop(&mut self) {
        self.seed.zeroize();
        self.former.zeroize();
    }
}

impl Keyring {
    /// A new keyring of the first epoch.
    pub fn random(member: MemberId) -> Self {
        Self { member, epoch: 1, seed: Secret::random(), former: Vec::new() }
    }

    /// The keyring of the next epoch: a new seed, and all those before. `None` after so many
    /// rotations that it would outgrow what a gateway keeps.
    pub fn rotated(&self) -> Option<Self> {
        if self.former.len() >= Self::MAX_FORMER {
            return None;
        }
        let former = self.former.iter().chain([&self.seed]).cloned().collect();
        let epoch = self.epoch.checked_add(1)?;
        Some(Self { member: self.member, epoch, seed: Secret::random(), former })
    }

    /// The keys of the seed; the identities of the former ones open too.
    pub fn keys(&self) -> MemberKeys {
        let mut keys = MemberKeys::from_seed(&self.seed);
        for seed in self.former.iter().rev() {
            let old = MemberKeys::from_seed(seed);
            keys.former.extend([old.x25519, old.post_quantum]);
        }
        keys
    }

    /// The most rotations that a keyring remembers.
    pub const MAX_FORMER: usize = 100;
}

/// Seals the keyring under a new file key, which [`wrap`] then gives to each way of unlocking.
pub fn seal(keyring: &Keyring) -> (Vec<u8>, FileKey) {
    let json = KeyringJson {
        member: keyring.member,
        epoch: keyring.epoch,
        seed: hex::encode(keyring.seed.expose()),
        former: keyring.former.iter().map(|seed| hex::encode(seed.expose())).collect(),
    };
    // Room enough that the text is never moved and left behind.
    let mut text = Zeroizing::new(Vec::with_capacity(256 + 80 * keyring.former.len()));
    serde_json::to_writer(&mut *text, &json).expect("plain fields are JSON");
    let key = FileKey::random();
    (seal_payload(&key, &text), key)
}

fn wrap_key(unlock: Unlock, secret: &[u8], salt: &[u8; 16], member: MemberId) -> Secret<32> {
    let salt = [salt.as_slice(), member.as_bytes()].concat();
    hkdf(secret, &salt, format!("strongroom/v1/keyring/{}", unlock.as_str()).as_bytes())
}

/// A header that gives the keyring's file key to whoever holds `secret`.
pub fn wrap(key: &FileKey, unlock: Unlock, secret: &[u8], member: MemberId) -> Header {
    let salt: [u8; 16] = random_bytes();
    let stanza = Stanza::Other {
        args: vec![STANZA_TYPE.into(), unlock.as_str().into(), encode_base64(&salt)],
        body: key.wrap(&wrap_key(unlock, secret, &salt, member), &ZERO_NONCE).to_vec(),
    };
    Header::write(key, vec![stanza]).expect("one short stanza is within the limits")
}

/// The way of unlocking that a keyring's header is for; `None` for any other header.
pub fn unlock_of(header: &Header) -> Option<Unlock> {
    let [Stanza::Other { args, body }] = header.stanzas() else { return None };
    let [kind, name, salt] = args.as_slice() else { return None };
    let salt = decode_base64(salt.as_bytes())?;
    if kind != STANZA_TYPE || salt.len() != 16 || body.len() != 32 {
        return None;
    }
    [Unlock::Opaque, Unlock::Kit, Unlock::Prf, Unlock::Device]
        .into_iter()
        .find(|unlock| name == unlock.as_str())
}

/// The keyring's file key, to wrap it for another way of unlocking.
///
/// # Errors
/// [`Error::Keyring`] for a wrong secret, another member's header, or another kind of it.
pub fn unwrap(
    header: &Header,
    unlock: Unlock,
    secret: &[u8],
    member: MemberId,
) -> Result<FileKey, Error> {
    let [Stanza::Other { args, body }] = header.stanzas() else {
        return Err(Error::Keyring);
    };
    let salt: [u8; 16] = match args.as_slice() {
        [kind, name, salt] if kind == STANZA_TYPE && name == unlock.as_str() => {
            decode_base64(salt.as_bytes()).and_then(|s| s.try_into().ok()).ok_or(Error::Keyring)?
        }
        _ => return Err(Error::Keyring),
    };
    let body: &[u8; 32] = body.as_slice().try_into().map_err(|_| Error::Keyring)?;
    FileKey::unwrap(&wrap_key(unlock, secret, &salt, member), &ZERO_NONCE, body)
        .ok_or(Error::Keyring)
        .and_then(|key| header.authentic(key).map_err(|_| Error::Keyring))
}

/// Opens a keyring.
///
/// # Errors
/// [`Error::Keyring`] as [`unwrap`], and for a payload that is damaged or another member's.
pub fn open(
    header: &Header,
    payload: &[u8],
    unlock: Unlock,
    secret: &[u8],
    member: MemberId,
) -> Result<Keyring, Error> {
    open_with_key(unwrap(header, unlock, secret, member)?, payload, member)
}

/// Opens a keyring whose file key is known.
///
/// # Errors
/// [`Error::Keyring`].
pub fn open_with_key(key: FileKey, payload: &[u8], member: MemberId) -> Result<Keyring, Error> {
    let text = open_payload(key, payload).map_err(|_| Error::Keyring)?;
    let json: KeyringJson = serde_json::from_slice(&text).map_err(|_| Error::Keyring)?;
    let read = |hex: &String| -> Result<Secret<32>, Error> {
        let seed = Zeroizing::new(parse_hex::<32>(hex).map_err(|_| Error::Keyring)?);
        Ok(Secret::new(*seed))
    };
    if json.member != member || json.former.len() > Keyring::MAX_FORMER {
        return Err(Error::Keyring);
    }
    let former = json.former.iter().map(read).collect::<Result<_, _>>()?;
    Ok(Keyring { member, epoch: json.epoch, seed: read(&json.seed)?, former })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_unlocking_opens_the_same_keyring() {
        let member = MemberId::random();
        let keyring = Keyring::random(member);
        let (payload, key) = seal(&keyring);
        for unlock in [Unlock::Opaque, Unlock::Kit, Unlock::Prf, Unlock::Device] {
            let header = wrap(&key, unlock, b"a secret", member);
            let header = Header::parse_detached(header.as_bytes()).expect("well-formed");
            let opened = open(&header, &payload, unlock, b"a secret", member).expect("opens");
            assert_eq!(opened, keyring);
        }
    }

    #[test]
    fn a_rotated_keyring_opens_what_was_sealed_before() {
        let first = Keyring::random(MemberId::random());
        let second = first.rotated().expect("a second epoch");
        let third = second.rotated().expect("a third epoch");
        assert_eq!((third.epoch, third.former.len()), (3, 2));
        let (payload, key) = seal(&third);
        let opened = open_with_key(key, &payload, third.member).expect("opens");
        assert_eq!(opened, third);
        let keys = opened.keys();
        assert_ne!(keys.key_id(), first.keys().key_id());
        for keyring in [&first, &second, &third] {
            let old = keyring.keys();
            for recipient in [old.recipient(), old.recipient_post_quantum()] {
                let file_key = FileKey::random();
                let header = Header::seal(&file_key, &[recipient]).expect("sealed");
                assert!(header.open(&keys.identities()).is_ok(), "epoch {}", keyring.epoch);
            }
        }
        let full = Keyring { former: vec![Secret::random(); Keyring::MAX_FORMER], ..first };
        assert!(full.rotated().is_none());
        let (payload, key) = seal(&full);
        assert!(payload.len() < 8192, "{}", payload.len());
        assert_eq!(open_with_key(key, &payload, full.member).expect("opens"), full);
    }

    #[test]
    fn wrong_secret_kind_member_or_bytes_are_refused() {
        let member = MemberId::random();
        let (mut payload, key) = seal(&Keyring::random(member));
        let header = wrap(&key, Unlock::Kit, b"a secret", member);
        assert!(open(&header, &payload, Unlock::Kit, b"another", member).is_err());
        assert!(open(&header, &payload, Unlock::Device, b"a secret", member).is_err());
        assert!(open(&header, &payload, Unlock::Kit, b"a secret", MemberId::random()).is_err());
        payload[20] ^= 1;
        assert!(open(&header, &payload, Unlock::Kit, b"a secret", member).is_err());
    }

    #[test]
    fn a_keyring_served_for_another_member_is_refused() {
        let (alice, bob) = (MemberId::random(), MemberId::random());
        let (payload, key) = seal(&Keyring::random(alice));
        let header = wrap(&key, Unlock::Kit, b"a secret", bob);
        assert!(open(&header, &payload, Unlock::Kit, b"a secret", bob).is_err());
    }
}
