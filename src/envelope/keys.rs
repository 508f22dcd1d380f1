//! What a member's one seed gives (format, "Keys"): a signing key and two age identities.

use crate::envelope::statement::SigningKey;
use crate::envelope::{Identity, Recipient, hkdf};
use crate::ids::KeyId;
use crate::secrets::Secret;

/// The keys of one seed: a member's, the recovery key's, a share's.
#[derive(Clone)]
pub struct MemberKeys {
    /// Signs statements.
    pub sign: SigningKey,
    /// Opens documents sealed to X25519.
    pub x25519: Identity,
    /// Opens documents sealed post-quantum.
    pub post_quantum: Identity,
    /// Identities of keys before a rotation, the newest first: they open, and nothing is sealed
    /// to them.
    pub former: Vec<Identity>,
}

impl std::fmt::Debug for MemberKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MemberKeys({})", self.key_id())
    }
}

impl MemberKeys {
    /// Derives all keys from `seed`.
    pub fn from_seed(seed: &Secret<32>) -> Self {
        let derive = |label: &str| hkdf(seed.expose(), b"", label.as_bytes());
        Self {
            sign: SigningKey::from_seed(&derive("strongroom/v1/id/sign")),
            x25519: Identity::X25519(derive("strongroom/v1/id/x25519")),
            post_quantum: Identity::Hybrid(derive("strongroom/v1/id/pq")),
            former: Vec::new(),
        }
    }

    /// The first 16 bytes of SHA-256 of the Ed25519 public key.
    pub fn key_id(&self) -> KeyId {
        self.sign.key_id()
    }

    /// The `age1…` recipient.
    pub fn recipient(&self) -> Recipient {
        self.x25519.recipient()
    }

    /// The `age1pq1…` recipient.
    pub fn recipient_post_quantum(&self) -> Recipient {
        self.post_quantum.recipient()
    }

    /// Every identity, in the order in which headers are tried.
    pub fn identities(&self) -> Vec<Identity> {
        let newest = [&self.x25519, &self.post_quantum];
        newest.into_iter().chain(&self.former).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_always_gives_the_same_keys() {
        let seed = Secret::new([7; 32]);
        let (a, b) = (MemberKeys::from_seed(&seed), MemberKeys::from_seed(&seed));
        assert_eq!(a.key_id(), b.key_id());
        assert_eq!(a.recipient(), b.recipient());
        assert_eq!(a.recipient_post_quantum(), b.recipient_post_quantum());
        assert!(!a.recipient().is_post_quantum() && a.recipient_post_quantum().is_post_quantum());
    }
}
