//! What may come in at all: a well-formed age header for the kinds of recipient we know, a
//! payload of a possible length that does not begin like a file somebody forgot to seal.

use bytes::Bytes;

use crate::envelope::{
    self, Header, HeaderParser, Strength, looks_armored, looks_like_known_file, plaintext_len,
};

use super::Error;

/// Why a body is not a sealed document; each with its next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSealed {
    /// Nothing was sent.
    #[error("the body is empty; send an age file")]
    Empty,
    /// Not an age file.
    #[error("the body is not an age file; seal it first, e.g. with `strongroom send` or `age -r`")]
    NotAge,
    /// An armored age file.
    #[error("the body is an armored age file; send the binary form (`age` without `-a`)")]
    Armored,
    /// A header that is not well-formed.
    #[error("the age header is malformed")]
    Malformed,
    /// A header of more than 32 KiB or 20 stanzas.
    #[error("the age header is larger than 32 KiB or 20 stanzas")]
    HeaderTooLarge,
    /// X25519 and post-quantum stanzas in one header.
    #[error("the age header mixes X25519 and post-quantum recipients; use one kind")]
    Mixed,
    /// No stanza of a kind that the firm's keys open.
    #[error("the age header has no recipient of the firm's kind; seal to an age1… recipient")]
    NoRecipient,
    /// The payload begins like a known file.
    #[error("what follows the age header is a file that is not sealed; seal it first")]
    KnownFile,
}

impl From<envelope::Error> for NotSealed {
    fn from(error: envelope::Error) -> Self {
        match error {
            envelope::Error::NotAge => Self::NotAge,
            envelope::Error::HeaderTooLarge => Self::HeaderTooLarge,
            _ => Self::Malformed,
        }
    }
}

/// Checks what a header rests on.
pub(super) fn strength(header: &Header) -> Result<Strength, NotSealed> {
    match header.strength() {
        Ok(strength @ (Strength::X25519 | Strength::PostQuantum)) => Ok(strength),
        Ok(Strength::Passphrase | Strength::Unknown) => Err(NotSealed::NoRecipient),
        Err(_) => Err(NotSealed::Mixed),
    }
}

/// Reads a detached header of a document.
pub(super) fn detached(bytes: &[u8]) -> Result<(Header, Strength), NotSealed> {
    let header = Header::parse_detached(bytes)?;
    let strength = strength(&header)?;
    Ok((header, strength))
}

/// Checks the first 16 bytes of a payload.
pub(super) fn payload_beginning(beginning: &[u8]) -> Result<(), NotSealed> {
    if looks_like_known_file(beginning) { Err(NotSealed::KnownFile) } else { Ok(()) }
}

/// Checks that a payload may have this length.
pub(super) fn payload_length(length: u64, most: u64) -> Result<(), Error> {
    if length > most {
        return Err(Error::TooLarge(most));
    }
    plaintext_len(length).map(drop).ok_or(Error::ImpossibleLength)
}

/// What an armored age file begins with.
const ARMOR: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";

/// Finds the header at the beginning of a body that arrives bit by bit.
#[derive(Debug, Default)]
pub(super) struct HeaderIntake {
    parser: HeaderParser,
    /// What has been seen, until it is clear that it is no armor.
    beginning: Vec<u8>,
    /// Why it is no binary age file, while it may still be an armored one.
    failed: Option<NotSealed>,
}

impl HeaderIntake {
    /// Takes the next bytes; once the header is whole, gives it and the bytes behind it.
    pub(super) fn push(&mut self, bytes: &Bytes) -> Result<Option<(Header, Bytes)>, NotSealed> {
        if self.beginning.len() < 64 {
            let more = bytes.len().min(64 - self.beginning.len());
            self.beginning.extend_from_slice(&bytes[..more]);
        }
        // Once it is no binary age file, the rest is read only to tell whether it is armor.
        let pushed = match self.failed {
            Some(error) => Err(error),
            None => self.parser.push(bytes).map_err(NotSealed::from),
        };
        match pushed {
            Ok(None) => Ok(None),
            Ok(Some((header, used))) => {
                strength(&header)?;
                Ok(Some((header, bytes.slice(used..))))
            }
            Err(_) if looks_armored(&self.beginning) => Err(NotSealed::Armored),
            Err(error) if self.may_become_armor() => {
                self.failed = Some(error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn may_become_armor(&self) -> bool {
        let text = self.beginning.trim_ascii_start();
        self.beginning.len() < 64 && ARMOR.starts_with(text)
    }

    /// The body ended before the header did.
    pub(super) fn ended(&self) -> NotSealed {
        if self.beginning.is_empty() {
            NotSealed::Empty
        } else if looks_armored(&self.beginning) {
            NotSealed::Armored
        } else if self.beginning.starts_with(b"age-encryption.org/v1\n") {
            NotSealed::Malformed
        } else {
            NotSealed::NotAge
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::{FileKey, Identity, Passphrase};

    fn intake(body: &[u8], step: usize) -> Result<(usize, usize), NotSealed> {
        let mut intake = HeaderIntake::default();
        let mut taken = 0;
        for part in body.chunks(step) {
            taken += part.len();
            if let Some((header, rest)) = intake.push(&Bytes::copy_from_slice(part))? {
                return Ok((header.as_bytes().len(), body.len() - taken + rest.len()));
            }
        }
        Err(intake.ended())
    }

    #[test]
    fn whatever_is_not_sealed_is_refused() {
        let cases: [(&[u8], NotSealed); 8] = [
            (b"", NotSealed::Empty),
            (b"%PDF-1.7\n%....", NotSealed::NotAge),
            (b"PK\x03\x04 and so on and on\n", NotSealed::NotAge),
            (b"-----BEGIN AGE ENCRYPTED FILE-----\nYWdl", NotSealed::Armored),
            (b"\n-----BEGIN AGE ENCRYPTED FILE-----\nYWdl", NotSealed::Armored),
            (b"age-encryption.org/v1\n-> X25519", NotSealed::Malformed),
            (b"age-encryption.org/v1\nnothing\n", NotSealed::Malformed),
            (b"a", NotSealed::NotAge),
        ];
        for (body, expected) in cases {
            for step in [1, 7, 100] {
                assert_eq!(intake(body, step), Err(expected), "{body:?} in {step}");
            }
        }
        let stanzas = "-> X25519 aaaa\nYWFh\n".repeat(4000);
        let many = format!("age-encryption.org/v1\n{stanzas}");
        assert!(matches!(
            intake(many.as_bytes(), 4096),
            Err(NotSealed::HeaderTooLarge | NotSealed::Malformed)
        ));
        assert_eq!(payload_beginning(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), Err(NotSealed::KnownFile));
    }

    #[test]
    fn a_header_is_found_however_it_arrives() {
        let key = FileKey::random();
        let header = Header::seal(&key, &[Identity::random().recipient()]).expect("a header");
        let mut body = header.as_bytes().to_vec();
        let length = body.len();
        body.extend_from_slice(&[7; 300]);
        for step in [1, 3, 64, 10_000] {
            assert_eq!(intake(&body, step), Ok((length, 300)), "{step}");
        }
        let passphrase = Passphrase::new("x".into()).with_work_factor(1);
        let locked = Header::seal_with_passphrase(&key, &passphrase).expect("a header");
        assert_eq!(intake(locked.as_bytes(), 50), Err(NotSealed::NoRecipient));
    }

    #[test]
    fn lengths_are_possible_and_bounded() {
        assert!(payload_length(32, 100).is_ok());
        assert!(matches!(payload_length(101, 100), Err(Error::TooLarge(100))));
        for impossible in [0, 15, 31] {
            assert!(matches!(payload_length(impossible, 100), Err(Error::ImpossibleLength)));
        }
    }
}
