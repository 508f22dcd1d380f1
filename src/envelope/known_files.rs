//! Recognises payloads that are no payload but a file somebody sent unsealed by mistake.
//!
//! A real payload begins with 16 random bytes; signatures here are at least three bytes, so a
//! sealed document is taken for a file once in millions, and senders draw such nonces again.

/// A signature and where it stands.
const SIGNATURES: &[(usize, &[u8])] = &[
    (0, b"%PDF"),
    (0, b"PK\x03\x04"),
    (0, b"PK\x05\x06"),
    (0, b"PK\x07\x08"),
    (0, b"\x89PNG"),
    (0, b"\xff\xd8\xff"),
    (0, b"GIF8"),
    (0, b"\x1f\x8b\x08"),
    (0, b"7z\xbc\xaf\x27\x1c"),
    (0, b"Rar!"),
    (0, b"BZh"),
    (0, b"\xfd7zXZ"),
    (0, b"\x28\xb5\x2f\xfd"),
    (0, b"\xd0\xcf\x11\xe0"),
    (0, b"II*\0"),
    (0, b"MM\0*"),
    (0, b"RIFF"),
    (0, b"{\\rtf"),
    (0, b"<?xml"),
    (0, b"<!DOC"),
    (0, b"<!doc"),
    (0, b"<html"),
    (0, b"<HTML"),
    (0, b"<svg"),
    (0, b"\xef\xbb\xbf"),
    (0, b"\xff\xfe<\0"),
    (0, b"%!PS"),
    (0, b"From "),
    (0, b"SQLite"),
    (0, b"\x7fELF"),
    (0, b"ID3"),
    (0, b"OggS"),
    (4, b"ftyp"),
    (0, b"age-encryption.org/"),
    (0, b"-----BEGIN"),
];

/// The printed beginning of a text, at least this long, is taken for text: 16 random bytes look
/// like that once in two million times.
const TEXT_RUN: usize = 16;

/// True when `beginning`, the first bytes of a would-be payload, are those of a known file type
/// or of a text. 16 bytes are enough to tell.
pub fn looks_like_known_file(beginning: &[u8]) -> bool {
    let signed = SIGNATURES
        .iter()
        .any(|(at, signature)| beginning.get(*at..).is_some_and(|b| b.starts_with(signature)));
    signed || is_text(beginning)
}

/// ASCII text, or UTF-8 whose first characters are of the kind people write.
fn is_text(beginning: &[u8]) -> bool {
    let Some(run) = beginning.get(..TEXT_RUN) else {
        return false;
    };
    let (valid, cut) = match std::str::from_utf8(run) {
        Ok(text) => (text, 0),
        Err(e) if e.error_len().is_none() => {
            let valid = std::str::from_utf8(&run[..e.valid_up_to()]).unwrap_or_default();
            (valid, TEXT_RUN - e.valid_up_to())
        }
        Err(_) => return false,
    };
    cut < 4 && valid.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::random_bytes;

    #[test]
    fn files_people_send_are_recognised() {
        for file in [
            &b"%PDF-1.7\n%\xe2\xe3\xcf\xd3"[..],
            b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0bbb",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
            b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0",
            b"\0\0\0\x18ftypheic\0\0\0\0",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0\0\0\0\0\0\0",
            b"age-encryption.org/v1\n-> X25519 ",
            b"-----BEGIN AGE ENCRYPTED FILE-----",
            b"date,amount,text\n2026-10-01,",
            "日期,金额,摘要,往来单位".as_bytes(),
            b"{\"document\":\"00112233",
        ] {
            assert!(looks_like_known_file(file), "{file:?}");
        }
    }

    #[test]
    fn nonces_are_hardly_ever_taken_for_files() {
        let taken = (0..200_000).filter(|_| looks_like_known_file(&random_bytes::<16>())).count();
        assert!(taken < 20, "{taken} of 200000");
    }
}
