//! Secrets of a share (format, "Secrets in links"): what proves the link, what proves link and
//! access code, the keys that open it, and the sealed list of what is in it.
//!
//! The access code (提取码) is drawn, never chosen, and goes to the partner by another channel
//! than the link. The gateway stores H(find) and H(open) and sees neither before it is used.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::envelope::statement::{Hash, Nonce, Share};
use crate::envelope::{DocumentPins, MemberKeys, hkdf, payload_len};
use crate::ids::{DocumentId, ShareId};
use crate::secrets::{Secret, random_bytes};

use super::fragment::Fragment;

/// Letters that look like nothing else: 31 of them.
const ALPHABET: &[u8; 31] = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ";
/// Letters of a code: nearly 40 bits.
const CODE_LETTERS: usize = 8;
/// Argon2id: memory in KiB, passes, lanes.
const STRETCH: (u32, u32, u32) = (64 * 1024, 3, 1);

/// The text is not an access code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an access code has 8 letters and digits, without 0, 1, I, L and O")]
pub struct CodeError;

/// An access code in its one spelling: upper case, nothing between.
#[derive(Clone)]
pub struct Code(Zeroizing<String>);

impl Code {
    /// A new one, every letter equally likely.
    pub fn draw() -> Self {
        let mut code = Zeroizing::new(String::with_capacity(CODE_LETTERS));
        while code.len() < CODE_LETTERS {
            let [byte] = random_bytes::<1>();
            // Bytes beyond the last whole multiple of 31 would prefer the first letters.
            if byte < 248 {
                code.push(char::from(ALPHABET[usize::from(byte % 31)]));
            }
        }
        Self(code)
    }

    /// The code.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(…)")
    }
}

impl FromStr for Code {
    type Err = CodeError;

    /// Folds case, drops spaces and `-`.
    fn from_str(text: &str) -> Result<Self, CodeError> {
        let mut code = Zeroizing::new(String::with_capacity(CODE_LETTERS));
        for c in text.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            let c = c.to_ascii_uppercase();
            let known = u8::try_from(c).is_ok_and(|byte| ALPHABET.contains(&byte));
            if !known || code.len() == CODE_LETTERS {
                return Err(CodeError);
            }
            code.push(c);
        }
        if code.len() == CODE_LETTERS { Ok(Self(code)) } else { Err(CodeError) }
    }
}

/// What link and code of one share give.
#[derive(Debug)]
pub struct ShareSecrets {
    /// Proves the link.
    pub find: Secret<32>,
    /// Proves link and code.
    pub open: Secret<32>,
    /// Opens the documents; its signing key signs what the partner gives back.
    pub keys: MemberKeys,
}

impl ShareSecrets {
    /// Derives everything. Takes 64 MiB and a moment where there is a code.
    ///
    /// # Panics
    /// Never: the parameters of the stretching are fixed and in range.
    pub fn derive(fragment: &Fragment, id: ShareId, code: Option<&Code>) -> Self {
        let (secret, salt) = (fragment.secret().expose(), id.as_bytes());
        let mut both = Zeroizing::new([0_u8; 64]);
        both[..32].copy_from_slice(secret);
        if let Some(code) = code {
            let stretched = hkdf(secret, salt, b"strongroom/v1/share/salt");
            let (memory, passes, lanes) = STRETCH;
            let params = Params::new(memory, passes, lanes, Some(32)).expect("in range");
            Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
                .hash_password_into(
                    code.expose().as_bytes(),
                    &stretched.expose()[..16],
                    &mut both[32..],
                )
                .expect("lengths of salt and output are in range");
        }
        let seed = hkdf(&*both, salt, b"strongroom/v1/share/identity");
        Self {
            find: hkdf(secret, salt, b"strongroom/v1/share/find"),
            open: hkdf(&*both, salt, b"strongroom/v1/share/open"),
            keys: MemberKeys::from_seed(&seed),
        }
    }
}

/// One document of a share, as its sharer vouches for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedDocument {
    /// The document.
    pub document: DocumentId,
    /// Nonce of its payload.
    pub nonce: Nonce,
    /// Its commitment.
    pub commit: Hash,
    /// The combined hash of its pieces.
    pub pieces: Hash,
    /// The file's name.
    pub name: String,
    /// Bytes of the file.
    pub size: u64,
    /// SHA-256 of the file.
    pub sha256: Hash,
}

impl ListedDocument {
    /// What its opener checks; none when no payload has this size.
    pub fn pins(&self) -> Option<DocumentPins> {
        Some(DocumentPins {
            document: self.document,
            nonce: self.nonce,
            length: payload_len(self.size)?,
            commit: self.commit,
            pieces: self.pieces,
        })
    }
}

/// The sealed list of a share: an age file to the share's identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedList {
    /// The documents.
    pub documents: Vec<ListedDocument>,
}

impl SharedList {
    /// The longest sealed list, in bytes.
    pub const MAX_BYTES: usize = 128 * 1024;
    /// The most documents of one share.
    pub const MAX_DOCUMENTS: usize = 100;

    /// Whether it lists exactly the documents of `share`, each once.
    pub fn agrees(&self, share: &Share) -> bool {
        let listed: BTreeSet<_> = self.documents.iter().map(|d| d.document).collect();
        let stated: BTreeSet<_> = share.documents.iter().copied().collect();
        listed.len() == self.documents.len() && listed == stated
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::RootId;

    #[test]
    fn a_code_is_read_in_every_spelling_and_nothing_else_is() {
        for _ in 0..50 {
            let code = Code::draw();
            let text = code.expose();
            let spelt = format!(" {}-{} ", text[..4].to_lowercase(), &text[4..]);
            assert_eq!(spelt.parse::<Code>().map(|c| c.expose().to_owned()), Ok(text.to_owned()));
        }
        for bad in ["", "2345678", "234567890", "ABCDEFG0", "ABCDEFGI", "ABCDEFGé", "ABCDEFGHJ"] {
            assert!(bad.parse::<Code>().is_err(), "{bad}");
        }
    }

    #[test]
    fn every_letter_of_a_code_is_equally_likely() {
        let mut counts = [0_u32; 256];
        let codes = 20_000;
        for _ in 0..codes {
            for byte in Code::draw().expose().bytes() {
                counts[usize::from(byte)] += 1;
            }
        }
        let expected = f64::from(codes) * 8.0 / 31.0;
        let chi: f64 = ALPHABET
            .iter()
            .map(|byte| (f64::from(counts[usize::from(*byte)]) - expected).powi(2) / expected)
            .sum();
        // 30 degrees of freedom: above 70 once in 20,000 runs.
        assert!(chi < 70.0, "{chi}");
    }

    #[test]
    fn link_and_code_are_both_needed_and_each_share_has_its_own_keys() {
        let fragment = Fragment::new(RootId::from_bytes([9; 16]));
        let (id, code) = (ShareId::random(), Code::draw());
        let right = ShareSecrets::derive(&fragment, id, Some(&code));
        let again = ShareSecrets::derive(&fragment, id, Some(&code));
        assert!(right.open == again.open && right.keys.key_id() == again.keys.key_id());
        let bare = ShareSecrets::derive(&fragment, id, None);
        assert!(bare.find == right.find, "find proves the link alone");
        assert!(bare.open != right.open && bare.keys.key_id() != right.keys.key_id());
        let other = ShareSecrets::derive(&fragment, ShareId::random(), Some(&code));
        assert!(other.find != right.find && other.open != right.open);
    }
}
