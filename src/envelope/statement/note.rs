//! C2SP signed notes: a text, an empty line, and one line a signature,
//! `— NAME base64(key hash ‖ signature)`. Our names are key ids and our algorithm is
//! Ed25519 (0x01).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::ids::KeyId;

use super::codec::{Error, Hash, MAX_TEXT_BYTES, Statement};
use super::key::{PublicKey, SigningKey};

/// More signatures than any ceremony needs.
pub const MAX_SIGNATURES: usize = 16;

const SEPARATOR: &str = "\n\n";
const ED25519: u8 = 0x01;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    name: KeyId,
    key_hash: [u8; 4],
    signature: [u8; 64],
}

/// A text and who signed it. Reading one verifies nothing: ask [`Note::signed_by`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    lines: Vec<Line>,
}

fn key_hash(name: KeyId, key: &PublicKey) -> [u8; 4] {
    let mut hash = Sha256::new();
    hash.update(name.to_string());
    hash.update([b'\n', ED25519]);
    hash.update(key.0);
    let digest: [u8; 32] = hash.finalize().into();
    [digest[0], digest[1], digest[2], digest[3]]
}

impl Note {
    /// Signs a statement with each of `keys`, in that order.
    pub fn sign<S: Statement>(statement: &S, keys: &[&SigningKey]) -> Self {
        let mut note = Self { text: statement.text(), lines: Vec::new() };
        for key in keys {
            note.add_signature(key);
        }
        note
    }

    /// Adds one more signature.
    pub fn add_signature(&mut self, key: &SigningKey) {
        let public = key.public();
        let name = public.key_id();
        self.lines.push(Line {
            name,
            key_hash: key_hash(name, &public),
            signature: key.sign(self.text.as_bytes()),
        });
    }

    /// Takes over the signature of `key` from another note of the same text. False where it has
    /// none that verifies, or there is no room.
    pub fn take_signature(&mut self, from: &Self, key: &PublicKey) -> bool {
        if self.text != from.text || !from.signed_by(key) {
            return false;
        }
        if self.signed_by(key) {
            return true;
        }
        let name = key.key_id();
        let good = |l: &&Line| {
            l.name == name
                && l.key_hash == key_hash(name, key)
                && key.verifies(self.text.as_bytes(), &l.signature)
        };
        match from.lines.iter().find(good) {
            Some(line) if self.lines.len() < MAX_SIGNATURES => {
                self.lines.push(line.clone());
                true
            }
            _ => false,
        }
    }

    /// Reads a note in its canonical form.
    pub fn parse(note: &str) -> Result<Self, Error> {
        if note.len() > MAX_TEXT_BYTES + MAX_SIGNATURES * 160 {
            return Err(Error::Malformed);
        }
        let at = note.rfind(SEPARATOR).ok_or(Error::Malformed)?;
        let text = &note[..=at];
        // C2SP signed-note: no ASCII control characters but LF.
        if text.bytes().any(|b| b != b'\n' && (b < 0x20 || b == 0x7f)) {
            return Err(Error::Malformed);
        }
        let body = note[at + SEPARATOR.len()..].strip_suffix('\n').ok_or(Error::Malformed)?;
        let mut lines = Vec::new();
        for line in body.split('\n') {
            if lines.len() == MAX_SIGNATURES {
                return Err(Error::Malformed);
            }
            let rest = line.strip_prefix("— ").ok_or(Error::Malformed)?;
            let (name, encoded) = rest.split_once(' ').ok_or(Error::Malformed)?;
            let bytes = STANDARD.decode(encoded).map_err(|_| Error::Malformed)?;
            if bytes.len() != 68 {
                return Err(Error::Malformed);
            }
            let mut key_hash = [0; 4];
            let mut signature = [0; 64];
            key_hash.copy_from_slice(&bytes[..4]);
            signature.copy_from_slice(&bytes[4..]);
            lines.push(Line {
                name: name.parse().map_err(|_| Error::Malformed)?,
                key_hash,
                signature,
            });
        }
        let parsed = Self { text: text.into(), lines };
        if parsed.to_string() == note { Ok(parsed) } else { Err(Error::Malformed) }
    }

    /// The signed text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// H of the text: what a `prev` names.
    pub fn hash(&self) -> Hash {
        Hash::of(self.text.as_bytes())
    }

    /// Key ids that claim to have signed.
    pub fn signers(&self) -> impl Iterator<Item = KeyId> + '_ {
        self.lines.iter().map(|l| l.name)
    }

    /// Whether `key` signed this text.
    pub fn signed_by(&self, key: &PublicKey) -> bool {
        let name = key.key_id();
        let hash = key_hash(name, key);
        self.lines.iter().any(|l| {
            l.name == name && l.key_hash == hash && key.verifies(self.text.as_bytes(), &l.signature)
        })
    }

    /// Reads the text as a statement, without a look at the signatures.
    pub fn decode<S: Statement>(&self) -> Result<S, Error> {
        S::from_text(&self.text)
    }

    /// Reads the text as a statement that `key` signed.
    pub fn verify<S: Statement>(&self, key: &PublicKey) -> Result<S, Error> {
        let statement = self.decode()?;
        if self.signed_by(key) { Ok(statement) } else { Err(Error::Signature) }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        f.write_str("\n")?;
        for line in &self.lines {
            let mut bytes = line.key_hash.to_vec();
            bytes.extend_from_slice(&line.signature);
            writeln!(f, "— {} {}", line.name, STANDARD.encode(bytes))?;
        }
        Ok(())
    }
}

impl serde::Serialize for Note {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Note {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}
