//! The age v1 header (C2SP age, "Header"): reading, writing, its MAC, and who it is for.
//!
//! Reading is linear in the input and stops at 32 KiB or 20 stanzas; only the canonical encoding
//! is accepted, so bytes and meaning are one. Stanzas of unknown types (GREASE) are kept and
//! ignored. A header this module writes never mixes post-quantum and X25519 recipients.

use hmac::Mac;

use crate::envelope::recipient::{Identity, Recipient};
use crate::envelope::stanza::Stanza;
use crate::envelope::{Error, FileKey, Passphrase};

pub use crate::envelope::header_parser::{HeaderParser, read_header};

/// The most bytes a header may have.
pub const MAX_HEADER_BYTES: usize = 32 * 1024;
/// The most stanzas a header may have.
pub const MAX_STANZAS: usize = 20;

/// Space, 43 base64 characters and the line feed after `---`.
const MAC_TAIL: usize = 45;

/// What the weakest stanza that anybody of ours could open rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// At least one X25519 stanza.
    X25519,
    /// ML-KEM-768 with X25519 only.
    PostQuantum,
    /// One scrypt stanza, alone.
    Passphrase,
    /// No stanza of a type known here, e.g. a keyring's.
    Unknown,
}

/// A complete, well-formed age v1 header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    bytes: Vec<u8>,
    stanzas: Vec<Stanza>,
    mac: [u8; 32],
}

impl Header {
    /// Reads the header that `bytes` begin with, and its length in bytes.
    ///
    /// # Errors
    /// [`Error::NotAge`], [`Error::HeaderMalformed`], [`Error::HeaderTooLarge`], and
    /// [`Error::HeaderTruncated`] when more bytes could still complete it.
    pub fn parse(bytes: &[u8]) -> Result<(Self, usize), Error> {
        HeaderParser::new().push(bytes)?.ok_or(Error::HeaderTruncated)
    }

    /// Reads a detached header: nothing may follow it.
    ///
    /// # Errors
    /// As [`Header::parse`], and [`Error::HeaderMalformed`] for trailing bytes.
    pub fn parse_detached(bytes: &[u8]) -> Result<Self, Error> {
        let (header, len) = Self::parse(bytes)?;
        if len == bytes.len() {
            Ok(header)
        } else {
            Err(Error::HeaderMalformed("bytes after the header"))
        }
    }

    /// Wraps `key` for every one of `recipients`, in their order.
    ///
    /// # Errors
    /// [`Error::RecipientCount`] without recipients or with more than fit,
    /// [`Error::MixedRecipients`], and [`Error::Recipient`] for a low-order key.
    pub fn seal(key: &FileKey, recipients: &[Recipient]) -> Result<Self, Error> {
        if recipients.is_empty() || recipients.len() > MAX_STANZAS {
            return Err(Error::RecipientCount);
        }
        if recipients.iter().any(|r| r.is_post_quantum() != recipients[0].is_post_quantum()) {
            return Err(Error::MixedRecipients);
        }
        let stanzas = recipients.iter().map(|r| r.wrap(key)).collect::<Result<Vec<_>, _>>()?;
        Self::write(key, stanzas)
    }

    /// Wraps `key` under a passphrase, with scrypt (C2SP age, "The scrypt recipient type").
    pub fn seal_with_passphrase(key: &FileKey, passphrase: &Passphrase) -> Result<Self, Error> {
        Self::write(key, vec![passphrase.wrap(key)])
    }

    pub(in crate::envelope) fn write(key: &FileKey, stanzas: Vec<Stanza>) -> Result<Self, Error> {
        let mut bytes = VERSION_LINE.to_vec();
        bytes.push(b'\n');
        for stanza in &stanzas {
            stanza.write(&mut bytes);
        }
        bytes.extend_from_slice(b"---");
        let mac: [u8; 32] = key.header_mac(&bytes).finalize().into_bytes().into();
        bytes.push(b' ');
        bytes.extend_from_slice(crate::envelope::stanza::encode_base64(&mac).as_bytes());
        bytes.push(b'\n');
        if bytes.len() > MAX_HEADER_BYTES {
            return Err(Error::HeaderTooLarge);
        }
        Ok(Self { bytes, stanzas, mac })
    }

    pub(in crate::envelope) fn from_parts(
        bytes: Vec<u8>,
        stanzas: Vec<Stanza>,
        mac: [u8; 32],
    ) -> Self {
        Self { bytes, stanzas, mac }
    }

    /// The header as it stands in the file.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many stanzas it holds, GREASE included.
    pub fn stanza_count(&self) -> usize {
        self.stanzas.len()
    }

    pub(in crate::envelope) fn stanzas(&self) -> &[Stanza] {
        &self.stanzas
    }

    /// What the header rests on; a document's header must be X25519 or post-quantum.
    ///
    /// # Errors
    /// [`Error::MixedRecipients`] when it holds X25519 and post-quantum stanzas.
    pub fn strength(&self) -> Result<Strength, Error> {
        let any = |of: fn(&Stanza) -> bool| self.stanzas.iter().any(of);
        let classic = any(|s| matches!(s, Stanza::X25519 { .. }));
        let hybrid = any(|s| matches!(s, Stanza::Hybrid { .. }));
        match (classic, hybrid) {
            (true, true) => Err(Error::MixedRecipients),
            (true, false) => Ok(Strength::X25519),
            (false, true) => Ok(Strength::PostQuantum),
            (false, false) if any(|s| matches!(s, Stanza::Scrypt { .. })) => {
                Ok(Strength::Passphrase)
            }
            (false, false) => Ok(Strength::Unknown),
        }
    }

    /// Unwraps the file key with the first identity that a stanza is for, and checks the MAC.
    ///
    /// # Errors
    /// [`Error::NoMatch`], [`Error::HeaderMac`], and [`Error::HeaderMalformed`] for a stanza
    /// with a low-order share.
    pub fn open(&self, identities: &[Identity]) -> Result<FileKey, Error> {
        for identity in identities {
            for stanza in &self.stanzas {
                if let Some(key) = identity.unwrap(stanza)? {
                    return self.authentic(key);
                }
            }
        }
        Err(Error::NoMatch)
    }

    /// Unwraps the file key of a passphrase-sealed file, and checks the MAC.
    ///
    /// # Errors
    /// [`Error::NoMatch`] for a wrong passphrase or a header without scrypt stanza,
    /// [`Error::HeaderMac`], [`Error::HeaderMalformed`] for a work factor beyond 2²².
    pub fn open_with_passphrase(&self, passphrase: &Passphrase) -> Result<FileKey, Error> {
        for stanza in &self.stanzas {
            if let Some(key) = passphrase.unwrap(stanza)? {
                return self.authentic(key);
            }
        }
        Err(Error::NoMatch)
    }

    /// `key` when the header's MAC agrees with it.
    pub(in crate::envelope) fn authentic(&self, key: FileKey) -> Result<FileKey, Error> {
        let covered = &self.bytes[..self.bytes.len() - MAC_TAIL];
        match key.header_mac(covered).verify_slice(&self.mac) {
            Ok(()) => Ok(key),
            Err(_) => Err(Error::HeaderMac),
        }
    }
}

/// The first line, without its line feed.
pub(in crate::envelope) const VERSION_LINE: &[u8] = b"age-encryption.org/v1";

/// Wraps the file key of `header`, opened with `identities`, for `recipients` in a new header.
/// The payload stays untouched.
///
/// # Errors
/// As [`Header::open`] and [`Header::seal`], and [`Error::Downgrade`] when a post-quantum
/// document would be granted to an X25519 recipient.
pub fn rewrap(
    header: &Header,
    identities: &[Identity],
    recipients: &[Recipient],
) -> Result<Header, Error> {
    if header.strength()? == Strength::PostQuantum
        && recipients.iter().any(|r| !r.is_post_quantum())
    {
        return Err(Error::Downgrade);
    }
    Header::seal(&header.open(identities)?, recipients)
}
