//! What must hold for any bytes that strangers send. One function per fuzz target; the tests
//! replay the corpora through the same functions. They panic where something does not hold.

use std::io::Read;

use strongroom::envelope::{
    ArmorReader, Error, FileKey, Header, HeaderParser, Identity, MAX_HEADER_BYTES, MAX_STANZAS,
    Nonce, PayloadOpener, PayloadSealer, Recipient, statement,
};
use strongroom::http::{range, tus};
use strongroom::merkle;

/// Header and armor: bounded, canonical, and the same however the bytes arrive.
pub fn header(data: &[u8]) {
    let whole = Header::parse(data);
    let mut parser = HeaderParser::new();
    let mut at = 0;
    let pieces = data.chunks(7).find_map(|piece| match parser.push(piece) {
        Ok(Some((header, taken))) => Some(Ok((header, at + taken))),
        Ok(None) => {
            at += piece.len();
            None
        }
        Err(error) => Some(Err(error)),
    });
    match (whole, pieces) {
        (Ok((header, len)), Some(Ok(pieces))) => {
            assert!(len <= MAX_HEADER_BYTES && header.stanza_count() <= MAX_STANZAS);
            assert_eq!(header.as_bytes(), &data[..len]);
            assert_eq!(pieces, (header.clone(), len));
            let _ = header.strength();
            let identity = Identity::X25519(strongroom::secrets::Secret::new([7; 32]));
            assert!(header.open(&[identity]).is_err(), "sealed to a key nobody has");
        }
        (Err(Error::HeaderTruncated), None) | (Err(_), Some(Err(_))) => {}
        (whole, pieces) => panic!("{whole:?} at once, {pieces:?} in pieces"),
    }
    let mut binary = Vec::new();
    if ArmorReader::new(data).read_to_end(&mut binary).is_ok() {
        assert!(binary.len() < data.len());
    }
}

/// A payload under a known key opens only when sealing gives it back.
pub fn payload(data: &[u8]) {
    let key = FileKey::from_bytes([7; 16]);
    let mut opener = PayloadOpener::new(key.clone());
    let mut plaintext = Vec::new();
    if opener.push(data, &mut plaintext).is_err() || opener.finish(&mut plaintext).is_err() {
        return;
    }
    let nonce = Nonce(*data.first_chunk().expect("what opened has a nonce"));
    let mut again = Vec::new();
    let mut sealer = PayloadSealer::new(&key, &nonce);
    sealer.push(&plaintext, &mut again);
    sealer.finish(&mut again);
    assert_eq!(again, data);
}

/// Recipients and identities have one text each, upper and lower case aside.
pub fn recipient(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(recipient) = text.parse::<Recipient>() {
        assert_eq!(recipient.to_string(), text.to_ascii_lowercase());
    }
    if let Ok(identity) = text.parse::<Identity>() {
        assert_eq!(*identity.to_secret_string(), text.to_ascii_uppercase());
    }
    let _ = Identity::parse_file(text);
}

/// A signed note is read only in the form in which it is written.
pub fn statement(data: &[u8]) {
    if let Ok(note) = statement::parse(data) {
        assert_eq!(note.to_string().as_bytes(), data);
    }
}

/// Notes, checkpoints, proofs, verifier keys and paths of tiles have one text each; no proof of
/// foreign making shows a leaf that is not there.
pub fn checkpoint(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(note) = merkle::SignedNote::parse(text) {
        assert_eq!(note.to_string(), text);
        if let Ok(head) = merkle::Checkpoint::from_text(note.text()) {
            assert_eq!(head.text(), note.text());
        }
    }
    if let Ok(proof) = merkle::LoggedProof::parse(text) {
        assert_eq!(proof.to_string(), text);
        assert_ne!(proof.includes(&[7; 32]), Ok(true), "a leaf that nobody hashed");
    }
    if let Ok(key) = text.parse::<merkle::VerifierKey>() {
        assert_eq!(key.to_string(), text);
    }
    if let Ok(tile) = merkle::Tile::parse(text) {
        assert_eq!(tile.to_string(), text);
    }
}

/// A `Range` value, against a document whose size the first eight bytes give: what is selected
/// lies inside the document.
pub fn range(data: &[u8]) {
    let Some((total, value)) = data.split_first_chunk::<8>() else { return };
    let total = u64::from_le_bytes(*total) % (tus::MAX_NUMBER + 1);
    if let Ok(selection) = range::parse(value, total) {
        let (first, length) = selection.bounds(total);
        assert!(first.checked_add(length).is_some_and(|end| end <= total));
        if let range::Selection::Part { length, .. } = selection {
            assert!(length > 0 && selection.content_range(total).is_some());
        }
    }
}

/// The headers of tus, one `name: value` a line: what passes fits every client.
pub fn tus(data: &[u8]) {
    let mut headers = http::HeaderMap::new();
    for line in data.split(|b| *b == b'\n') {
        let mut halves = line.splitn(2, |b| *b == b':');
        let (Some(name), Some(value)) = (halves.next(), halves.next()) else { continue };
        let name = http::HeaderName::from_bytes(name);
        let value = http::HeaderValue::from_bytes(value.trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    let limit = 16 << 30;
    assert!(!tus::upload_length(&headers, limit).is_ok_and(|length| length > limit));
    for number in [tus::upload_offset(&headers).ok(), tus::content_length(&headers).ok().flatten()]
    {
        assert!(number.is_none_or(|number| number <= tus::MAX_NUMBER));
    }
    let _ = tus::upload_metadata(&headers);
    let _ = tus::upload_checksum(&headers);
    let _ = tus::require_version(&headers);
}
