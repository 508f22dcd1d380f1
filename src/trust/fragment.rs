//! Secrets in links: the fragment of a URL, and what is derived from it.
//!
//! `fragment = base64url, no padding, of 0x01 ‖ s32 ‖ H(root public key)[0..16]`. The
//! gateway stores only H(token) and never sees the fragment.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::envelope::hkdf;
use crate::envelope::statement::{Hash, SigningKey};
use crate::ids::RootId;
use crate::secrets::Secret;

const VERSION: u8 = 0x01;

/// The text after `#` is not one of our fragments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the link is not complete; copy the whole of it, with everything after the #")]
pub struct FragmentError;

/// For what a fragment was made; keys of one purpose are good for no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// An invitation to join.
    Invitation,
    /// A request link.
    Link,
}

impl Purpose {
    const fn label(self) -> &'static str {
        match self {
            Self::Invitation => "invite",
            Self::Link => "link",
        }
    }
}

/// The secret part of a link.
#[derive(Clone, Debug)]
pub struct Fragment {
    secret: Secret<32>,
    root: RootId,
}

impl Fragment {
    /// A new secret under this root key.
    pub fn new(root: RootId) -> Self {
        Self { secret: Secret::random(), root }
    }

    /// The root key the link was made under.
    pub fn root(&self) -> RootId {
        self.root
    }

    /// The text after `#`.
    pub fn encode(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new(vec![VERSION]);
        bytes.extend_from_slice(self.secret.expose());
        bytes.extend_from_slice(self.root.as_bytes());
        Zeroizing::new(URL_SAFE_NO_PAD.encode(&*bytes))
    }

    /// Reads the text after `#`.
    pub fn decode(text: &str) -> Result<Self, FragmentError> {
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).map_err(|_| FragmentError)?);
        let (&version, rest) = bytes.split_first().ok_or(FragmentError)?;
        let (secret, root) = rest.split_at_checked(32).ok_or(FragmentError)?;
        if version != VERSION {
            return Err(FragmentError);
        }
        Ok(Self {
            secret: Secret::from_slice(secret).ok_or(FragmentError)?,
            root: RootId::from_bytes(root.try_into().map_err(|_| FragmentError)?),
        })
    }

    /// The key that signs for whoever holds the link with this id (its 16 bytes).
    pub fn signing_key(&self, purpose: Purpose, id: &[u8; 16]) -> SigningKey {
        SigningKey::from_seed(&self.derive(purpose, "sign", id))
    }

    /// The token that proves the link to the gateway.
    pub fn token(&self, purpose: Purpose, id: &[u8; 16]) -> Secret<32> {
        self.derive(purpose, "token", id)
    }

    /// The secret itself, for what else is derived from it.
    pub(super) fn secret(&self) -> &Secret<32> {
        &self.secret
    }

    fn derive(&self, purpose: Purpose, what: &str, id: &[u8; 16]) -> Secret<32> {
        let label = format!("strongroom/v1/{}/{what}", purpose.label());
        hkdf(self.secret.expose(), id, label.as_bytes())
    }
}

/// What the gateway keeps of a token.
pub fn token_hash(token: &Secret<32>) -> Hash {
    Hash::of(token.expose())
}

/// The token that proves a recovery kit at login.
pub fn kit_token(kit: &Secret<32>, member: crate::ids::MemberId) -> Secret<32> {
    hkdf(kit.expose(), member.as_bytes(), b"strongroom/v1/kit/token")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_is_read_as_written_and_its_keys_are_apart() {
        let fragment = Fragment::new(RootId::from_bytes([9; 16]));
        let read = Fragment::decode(&fragment.encode()).expect("a fragment");
        let id = [1; 16];
        assert_eq!(read.root(), fragment.root());
        assert_eq!(read.token(Purpose::Link, &id), fragment.token(Purpose::Link, &id));
        assert_ne!(read.token(Purpose::Link, &id), read.token(Purpose::Invitation, &id));
        assert_ne!(read.token(Purpose::Link, &id), read.token(Purpose::Link, &[2; 16]));
        for cut in 0..fragment.encode().len() {
            assert!(Fragment::decode(&fragment.encode()[..cut]).is_err());
        }
    }

    /// Row A4: the audit of tokens. A million in a release, a tenth otherwise.
    #[test]
    fn tokens_are_as_random_as_they_are_long() {
        let full = std::env::var_os("STRONGROOM_TEST_FULL").is_some();
        let count: u32 = if full { 1_000_000 } else { 100_000 };
        let (root, id) = (RootId::from_bytes([9; 16]), [1; 16]);
        let mut seen = std::collections::HashSet::new();
        let (mut bits, mut flips) = ([0_u32; 256], [0_u32; 256]);
        let mut bytes = [0_u32; 256];
        let mut before = [0; 32];
        for _ in 0..count {
            let token = *Fragment::new(root).token(Purpose::Link, &id).expose();
            // Half of a token is 128 bits: already that never comes twice.
            assert!(seen.insert(<[u8; 16]>::try_from(&token[..16]).expect("half")));
            for (at, byte) in token.iter().enumerate() {
                bytes[usize::from(*byte)] += 1;
                for bit in 0..8 {
                    bits[at * 8 + bit] += u32::from(byte >> bit & 1);
                    flips[at * 8 + bit] += u32::from((byte ^ before[at]) >> bit & 1);
                }
            }
            before = token;
        }
        // Every bit is set half of the time and differs from the one before half of the time,
        // within six standard deviations.
        let slack = 3.0 * f64::from(count).sqrt();
        for ones in bits.iter().chain(&flips) {
            assert!((f64::from(*ones) - f64::from(count) / 2.0).abs() < slack, "{ones}");
        }
        // Chi-square of the bytes: 255 degrees of freedom, six standard deviations.
        let expected = f64::from(count) * 32.0 / 256.0;
        let chi: f64 = bytes.iter().map(|n| (f64::from(*n) - expected).powi(2) / expected).sum();
        assert!((255.0 - 6.0 * 22.6..255.0 + 6.0 * 22.6).contains(&chi), "{chi}");
    }
}
