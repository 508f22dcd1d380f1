//! HKDF-SHA-256 (RFC 5869) with 32 bytes of output: the one derivation of the format.

use hkdf::Hkdf;
use sha2::Sha256;

use crate::secrets::Secret;

/// HKDF-SHA-256 of `ikm` with `salt` and `info`, 32 bytes.
pub fn hkdf(ikm: &[u8], salt: &[u8], info: &[u8]) -> Secret<32> {
    let mut output = zeroize::Zeroizing::new([0_u8; 32]);
    Hkdf::<Sha256>::new(Some(salt), ikm)
        .expand(info, output.as_mut())
        .expect("32 bytes are fewer than HKDF's limit of 255 blocks");
    Secret::new(*output)
}
