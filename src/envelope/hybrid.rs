//! The ML-KEM-768 with X25519 recipient type (C2SP age, `mlkem768x25519`): HPKE base mode
//! (RFC 9180, sections 5.1 and 6.1) over X-Wing with HKDF-SHA256 and ChaCha20-Poly1305.
//! Low-order X25519 halves are refused, in keys and in encapsulations.

use hkdf::Hkdf;
use sha2::Sha256;
use x_wing::{
    Ciphertext, DecapsulationKey, DecapsulationKeyRejectNonContrib, Decapsulator, EncapsulationKey,
    KeyExport, TryDecapsulate,
};
use zeroize::Zeroizing;

use crate::envelope::stanza::{HYBRID_ENC_BYTES, Stanza};
use crate::envelope::{Error, FileKey, x25519};
use crate::secrets::{Secret, random_bytes};

/// Bytes of a public key: ML-KEM-768 encapsulation key, then X25519.
pub(super) const PUBLIC_KEY_BYTES: usize = x_wing::ENCAPSULATION_KEY_SIZE;

const INFO: &[u8] = b"age-encryption.org/mlkem768x25519";
/// `HPKE`, KEM 0x647a (X-Wing), KDF 0x0001 (HKDF-SHA256), AEAD 0x0003 (ChaCha20-Poly1305).
const SUITE: &[u8] = b"HPKE\x64\x7a\x00\x01\x00\x03";
const VERSION: &[u8] = b"HPKE-v1";
const MODE_BASE: u8 = 0;

/// The public half of `seed`.
pub(super) fn public(seed: &Secret<32>) -> Box<[u8; PUBLIC_KEY_BYTES]> {
    let key = DecapsulationKey::from(*seed.expose());
    Box::new(key.encapsulation_key().to_bytes().into())
}

/// Refuses what is no ML-KEM-768 key and X25519 halves of low order.
pub(super) fn check_public(public: &[u8; PUBLIC_KEY_BYTES]) -> Result<(), Error> {
    EncapsulationKey::try_from(public.as_slice()).map_err(|_| Error::Recipient)?;
    let classic = public.last_chunk::<32>().ok_or(Error::Recipient)?;
    x25519::check_public(classic)
}

/// A stanza that gives `key` to `recipient`.
pub(super) fn wrap(recipient: &[u8; PUBLIC_KEY_BYTES], key: &FileKey) -> Result<Stanza, Error> {
    check_public(recipient)?;
    let recipient =
        EncapsulationKey::try_from(recipient.as_slice()).map_err(|_| Error::Recipient)?;
    let randomness = Zeroizing::new(random_bytes::<{ x_wing::ENCAPSULATION_RANDOMNESS_SIZE }>());
    let (enc, shared) = recipient.encapsulate_deterministic((&*randomness).into());
    let shared = Zeroizing::new(<[u8; 32]>::from(shared));
    let (wrap_key, nonce) = schedule(&shared);
    let enc: [u8; HYBRID_ENC_BYTES] = enc.into();
    Ok(Stanza::Hybrid { enc: Box::new(enc), body: key.wrap(&wrap_key, &nonce) })
}

/// The file key when the stanza is for `seed`.
pub(super) fn unwrap(
    seed: &Secret<32>,
    enc: &[u8; HYBRID_ENC_BYTES],
    body: &[u8; 32],
) -> Result<Option<FileKey>, Error> {
    let key = DecapsulationKeyRejectNonContrib::from(*seed.expose());
    let shared = key
        .try_decapsulate(&Ciphertext::from(*enc))
        .map_err(|_| Error::HeaderMalformed("mlkem768x25519 share of low order"))?;
    let shared = Zeroizing::new(<[u8; 32]>::from(shared));
    let (wrap_key, nonce) = schedule(&shared);
    Ok(FileKey::unwrap(&wrap_key, &nonce, body))
}

/// The key schedule of RFC 9180, section 5.1, in base mode: key and base nonce.
fn schedule(shared: &[u8; 32]) -> (Secret<32>, [u8; 12]) {
    let (psk_id_hash, _) = labeled_extract(b"", b"psk_id_hash", b"");
    let (info_hash, _) = labeled_extract(b"", b"info_hash", INFO);
    let context = [&[MODE_BASE], psk_id_hash.as_slice(), info_hash.as_slice()].concat();
    let (_, secret) = labeled_extract(shared, b"secret", b"");
    let mut key = Zeroizing::new([0_u8; 32]);
    let mut nonce = [0_u8; 12];
    labeled_expand(&secret, b"key", &context, key.as_mut());
    labeled_expand(&secret, b"base_nonce", &context, &mut nonce);
    (Secret::new(*key), nonce)
}

/// RFC 9180, section 4.
fn labeled_extract(salt: &[u8], label: &[u8], ikm: &[u8]) -> ([u8; 32], Hkdf<Sha256>) {
    let (prk, hkdf) = Hkdf::<Sha256>::extract(Some(salt), &[VERSION, SUITE, label, ikm].concat());
    (prk.into(), hkdf)
}

/// RFC 9180, section 4.
fn labeled_expand(prk: &Hkdf<Sha256>, label: &[u8], info: &[u8], output: &mut [u8]) {
    let len = u16::try_from(output.len()).expect("outputs here are 12 and 32 bytes");
    prk.expand_multi_info(&[&len.to_be_bytes(), VERSION, SUITE, label, info], output)
        .expect("outputs here are shorter than HKDF's limit");
}
