//! The X25519 recipient type (C2SP age). Low-order keys and shares are refused.

use x25519_dalek::{PublicKey, StaticSecret};

use crate::envelope::kdf::hkdf;
use crate::envelope::stanza::Stanza;
use crate::envelope::{Error, FileKey};
use crate::secrets::{Secret, random_bytes};

const LABEL: &[u8] = b"age-encryption.org/v1/X25519";
/// Every wrap key is used once, so the nonce may be fixed (C2SP age).
const ZERO_NONCE: [u8; 12] = [0; 12];

/// The public half of `scalar`.
pub(super) fn public(scalar: &Secret<32>) -> [u8; 32] {
    PublicKey::from(&StaticSecret::from(*scalar.expose())).to_bytes()
}

/// Refuses points of low order, whose shared secret everybody knows.
pub(super) fn check_public(public: &[u8; 32]) -> Result<(), Error> {
    let any = StaticSecret::from([0x40; 32]);
    if any.diffie_hellman(&PublicKey::from(*public)).was_contributory() {
        Ok(())
    } else {
        Err(Error::Recipient)
    }
}

fn wrap_key(shared: &[u8; 32], share: &[u8; 32], recipient: &[u8; 32]) -> Secret<32> {
    hkdf(shared, &[share.as_slice(), recipient.as_slice()].concat(), LABEL)
}

/// A stanza that gives `key` to `recipient`.
pub(super) fn wrap(recipient: &[u8; 32], key: &FileKey) -> Result<Stanza, Error> {
    let ephemeral = StaticSecret::from(random_bytes::<32>());
    let share = PublicKey::from(&ephemeral).to_bytes();
    let shared = ephemeral.diffie_hellman(&PublicKey::from(*recipient));
    if !shared.was_contributory() {
        return Err(Error::Recipient);
    }
    let wrap_key = wrap_key(shared.as_bytes(), &share, recipient);
    Ok(Stanza::X25519 { share, body: key.wrap(&wrap_key, &ZERO_NONCE) })
}

/// The file key when the stanza is for `scalar`.
pub(super) fn unwrap(
    scalar: &Secret<32>,
    share: &[u8; 32],
    body: &[u8; 32],
) -> Result<Option<FileKey>, Error> {
    let secret = StaticSecret::from(*scalar.expose());
    let shared = secret.diffie_hellman(&PublicKey::from(*share));
    if !shared.was_contributory() {
        return Err(Error::HeaderMalformed("X25519 share of low order"));
    }
    let wrap_key = wrap_key(shared.as_bytes(), share, PublicKey::from(&secret).as_bytes());
    Ok(FileKey::unwrap(&wrap_key, &ZERO_NONCE, body))
}
