//! Signed notes in general (C2SP signed-note): any key name, unknown signatures kept and
//! ignored. Statements of this project are notes too, in a narrower form of their own.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest as _, Sha256};

use super::Error;

/// The note algorithm of Ed25519.
const ED25519: u8 = 0x01;

/// The longest note that is read, in bytes.
const MAX_NOTE_BYTES: usize = 64 * 1024;

/// More signatures than any log has witnesses.
const MAX_SIGNATURES: usize = 100;

/// A named Ed25519 key, as text `NAME+HASH+BASE64` (signed-note, "Verifier keys").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    key: [u8; 32],
}

impl VerifierKey {
    /// The key `key` called `name`.
    ///
    /// # Errors
    /// [`Error::Malformed`] for a name that cannot stand in a note.
    pub fn new(name: &str, key: [u8; 32]) -> Result<Self, Error> {
        if is_name(name) { Ok(Self { name: name.into(), key }) } else { Err(Error::Malformed) }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key itself.
    pub fn key(&self) -> &[u8; 32] {
        &self.key
    }

    fn hash(&self) -> [u8; 4] {
        let mut hash = Sha256::new();
        hash.update(&self.name);
        hash.update([b'\n', ED25519]);
        hash.update(self.key);
        let digest: [u8; 32] = hash.finalize().into();
        [digest[0], digest[1], digest[2], digest[3]]
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![ED25519];
        key.extend_from_slice(&self.key);
        write!(f, "{}+{}+{}", self.name, hex::encode(self.hash()), STANDARD.encode(key))
    }
}

impl FromStr for VerifierKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(_), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Error::Malformed);
        };
        let bytes = STANDARD.decode(key).map_err(|_| Error::Malformed)?;
        let Some((&ED25519, key)) = bytes.split_first() else { return Err(Error::Malformed) };
        let read = Self::new(name, key.try_into().map_err(|_| Error::Malformed)?)?;
        // The hash in the middle agrees where the whole is written alike.
        if read.to_string() == text { Ok(read) } else { Err(Error::Malformed) }
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    name: String,
    /// Key hash and signature.
    bytes: Vec<u8>,
}

/// A text and its signatures. Reading one verifies nothing: ask [`SignedNote::signed_by`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    lines: Vec<Line>,
}

impl SignedNote {
    /// `text`, which ends with a line feed, signed by `key`; `sign` makes its signature.
    pub fn sign(text: String, key: &VerifierKey, sign: impl FnOnce(&[u8]) -> [u8; 64]) -> Self {
        let mut bytes = key.hash().to_vec();
        bytes.extend_from_slice(&sign(text.as_bytes()));
        Self { text, lines: vec![Line { name: key.name.clone(), bytes }] }
    }

    /// Reads a note.
    pub fn parse(note: &str) -> Result<Self, Error> {
        if note.len() > MAX_NOTE_BYTES {
            return Err(Error::Malformed);
        }
        let at = note.rfind("\n\n").ok_or(Error::Malformed)?;
        let (text, signatures) = (&note[..=at], &note[at + 2..]);
        if note.bytes().any(|b| b != b'\n' && (b < 0x20 || b == 0x7f)) {
            return Err(Error::Malformed);
        }
        let mut lines = Vec::new();
        for line in signatures.strip_suffix('\n').ok_or(Error::Malformed)?.split('\n') {
            let rest = line.strip_prefix("— ").ok_or(Error::Malformed)?;
            let (name, encoded) = rest.split_once(' ').ok_or(Error::Malformed)?;
            let bytes = STANDARD.decode(encoded).map_err(|_| Error::Malformed)?;
            if !is_name(name) || bytes.len() < 5 || lines.len() == MAX_SIGNATURES {
                return Err(Error::Malformed);
            }
            lines.push(Line { name: name.into(), bytes });
        }
        Ok(Self { text: text.into(), lines })
    }

    /// The signed text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether `key` signed the text, by the strict rules of RFC 8032.
    pub fn signed_by(&self, key: &VerifierKey) -> bool {
        let Ok(verifying) = VerifyingKey::from_bytes(&key.key) else { return false };
        let hash = key.hash();
        self.lines.iter().filter(|line| line.name == key.name).any(|line| {
            let Some((by, signature)) = line.bytes.split_first_chunk::<4>() else { return false };
            let Ok(signature) = <&[u8; 64]>::try_from(signature) else { return false };
            let signature = Signature::from_bytes(signature);
            *by == hash && verifying.verify_strict(self.text.as_bytes(), &signature).is_ok()
        })
    }
}

impl fmt::Display for SignedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for line in &self.lines {
            writeln!(f, "— {} {}", line.name, STANDARD.encode(&line.bytes))?;
        }
        Ok(())
    }
}
