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
    algorithm: u8,
    key: [u8; 32],
}

impl VerifierKey {
    /// The key `key` called `name`.
    ///
    /// # Errors
    /// [`Error::Malformed`] for a name that cannot stand in a note.
    pub fn new(name: &str, key: [u8; 32]) -> Result<Self, Error> {
        Self::of(ED25519, name, key)
    }

    /// The same for signatures of another kind.
    pub(super) fn of(algorithm: u8, name: &str, key: [u8; 32]) -> Result<Self, Error> {
        if !is_name(name) {
            return Err(Error::Malformed);
        }
        Ok(Self { name: name.into(), algorithm, key })
    }

    /// Reads a key for signatures of this kind.
    pub(super) fn parse(algorithm: u8, text: &str) -> Result<Self, Error> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(_), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Error::Malformed);
        };
        let bytes = STANDARD.decode(key).map_err(|_| Error::Malformed)?;
        let Some((first, key)) = bytes.split_first() else { return Err(Error::Malformed) };
        if *first != algorithm {
            return Err(Error::Malformed);
        }
        let read = Self::of(algorithm, name, key.try_into().map_err(|_| Error::Malformed)?)?;
        // The hash in the middle agrees where the whole is written alike.
        if read.to_string() == text { Ok(read) } else { Err(Error::Malformed) }
    }

    /// Whether it signed `message`, by the strict rules of RFC 8032.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        VerifyingKey::from_bytes(&self.key)
            .is_ok_and(|key| key.verify_strict(message, &Signature::from_bytes(signature)).is_ok())
    }

    /// A signature line of this key's with these bytes behind the key's hash.
    pub(super) fn line(&self, signature: &[u8]) -> String {
        let bytes = [&self.hash()[..], signature].concat();
        format!("— {} {}\n", self.name, STANDARD.encode(bytes))
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
        hash.update([b'\n', self.algorithm]);
        hash.update(self.key);
        let digest: [u8; 32] = hash.finalize().into();
        [digest[0], digest[1], digest[2], digest[3]]
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![self.algorithm];
        key.extend_from_slice(&self.key);
        write!(f, "{}+{}+{}", self.name, hex::encode(self.hash()), STANDARD.encode(key))
    }
}

impl FromStr for VerifierKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(ED25519, text)
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
        self.signatures(key).any(|signature| {
            <&[u8; 64]>::try_from(signature)
                .is_ok_and(|signature| key.verifies(self.text.as_bytes(), signature))
        })
    }

    /// What stands behind the key's hash in the lines of `key`.
    pub(super) fn signatures<'a>(&'a self, key: &'a VerifierKey) -> impl Iterator<Item = &'a [u8]> {
        let hash = key.hash();
        let lines = self.lines.iter().filter(|line| line.name == key.name);
        lines.filter_map(move |line| line.bytes.strip_prefix(&hash))
    }

    /// The note with further signature `lines`, as a cosigner answers them.
    ///
    /// # Errors
    /// [`Error::Malformed`] for what are no signature lines.
    pub fn with_lines(&self, lines: &str) -> Result<Self, Error> {
        Self::parse(&format!("{self}{lines}"))
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
