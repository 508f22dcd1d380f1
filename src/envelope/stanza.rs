//! Recipient stanzas (C2SP age, "Recipient stanza"). Known types are checked for shape when
//! they are read, so a header that parses holds nothing that an identity must reject later,
//! low-order shares apart.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::envelope::Error;

pub(super) const COLUMNS: usize = 64;

/// Bytes of an encapsulated ML-KEM-768 with X25519 key.
pub(super) const HYBRID_ENC_BYTES: usize = 1120;

/// One way of unwrapping the file key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stanza {
    X25519 { share: [u8; 32], body: [u8; 32] },
    Hybrid { enc: Box<[u8; HYBRID_ENC_BYTES]>, body: [u8; 32] },
    Scrypt { salt: [u8; 16], log_n: u8, body: [u8; 32] },
    Other { args: Vec<String>, body: Vec<u8> },
}

/// Standard base64 without padding.
pub(super) fn encode_base64(bytes: &[u8]) -> String {
    STANDARD_NO_PAD.encode(bytes)
}

/// Canonical standard base64 without padding, or nothing.
pub(super) fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    STANDARD_NO_PAD.decode(text).ok()
}

fn decode_exactly<const N: usize>(text: &str) -> Option<[u8; N]> {
    decode_base64(text.as_bytes())?.try_into().ok()
}

/// `^[1-9][0-9]*$` and below 64, beyond which 2ⁿ is no number of this machine.
fn parse_work_factor(text: &str) -> Option<u8> {
    if text.starts_with('0') || !text.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|log_n| *log_n < 64)
}

impl Stanza {
    /// Gives arguments and body their type.
    pub(super) fn new(args: Vec<String>, body: Vec<u8>) -> Result<Self, Error> {
        let list: Vec<&str> = args.iter().map(String::as_str).collect();
        match list.as_slice() {
            ["X25519", rest @ ..] => {
                let (&[share], Ok(body)) = (rest, <[u8; 32]>::try_from(body)) else {
                    return Err(Error::HeaderMalformed("X25519 stanza"));
                };
                let share = decode_exactly(share).ok_or(Error::HeaderMalformed("X25519 stanza"))?;
                Ok(Self::X25519 { share, body })
            }
            ["mlkem768x25519", rest @ ..] => {
                let (&[enc], Ok(body)) = (rest, <[u8; 32]>::try_from(body)) else {
                    return Err(Error::HeaderMalformed("mlkem768x25519 stanza"));
                };
                let enc = decode_base64(enc.as_bytes())
                    .and_then(|bytes| bytes.into_boxed_slice().try_into().ok())
                    .ok_or(Error::HeaderMalformed("mlkem768x25519 stanza"))?;
                Ok(Self::Hybrid { enc, body })
            }
            ["scrypt", rest @ ..] => {
                let (&[salt, factor], Ok(body)) = (rest, <[u8; 32]>::try_from(body)) else {
                    return Err(Error::HeaderMalformed("scrypt stanza"));
                };
                match (decode_exactly(salt), parse_work_factor(factor)) {
                    (Some(salt), Some(log_n)) => Ok(Self::Scrypt { salt, log_n, body }),
                    _ => Err(Error::HeaderMalformed("scrypt stanza")),
                }
            }
            _ => Ok(Self::Other { args, body }),
        }
    }

    /// Appends the stanza as it stands in a header.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let (args, body): (String, &[u8]) = match self {
            Self::X25519 { share, body } => (format!("X25519 {}", encode_base64(share)), body),
            Self::Hybrid { enc, body } => {
                (format!("mlkem768x25519 {}", encode_base64(enc.as_slice())), body)
            }
            Self::Scrypt { salt, log_n, body } => {
                (format!("scrypt {} {log_n}", encode_base64(salt)), body)
            }
            Self::Other { args, body } => (args.join(" "), body),
        };
        out.extend_from_slice(b"-> ");
        out.extend_from_slice(args.as_bytes());
        out.push(b'\n');
        let text = encode_base64(body);
        for line in text.as_bytes().chunks(COLUMNS) {
            out.extend_from_slice(line);
            out.push(b'\n');
        }
        // The last line is always shorter than the others, if need be empty.
        if text.len().is_multiple_of(COLUMNS) {
            out.push(b'\n');
        }
    }
}
