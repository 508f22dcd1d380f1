//! The 143 test vectors of the age format (C2SP CCTV), through every reader the envelope has.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use strongroom::envelope::{
    ArmorReader, Error, Header, HeaderParser, Identity, Passphrase, PayloadOpener, Sink, Source,
    open_all, read_header,
};

const COUNT: usize = 143;

struct Vector {
    name: String,
    expect: String,
    payload: Option<String>,
    armored: bool,
    identities: Vec<Identity>,
    passphrases: Vec<Passphrase>,
    file: Vec<u8>,
}

/// The package keeps each vector as base64 in a line `var NAME_default = __toBinary("…");`.
fn vectors() -> Vec<Vector> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/node_modules/cctv-age/index.js");
    let script = std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("{}: {error}; run tests/setup.sh (or: cd tests/vectors && npm ci)", path.display())
    });
    let vectors: Vec<Vector> = script
        .lines()
        .filter_map(|line| {
            let (name, rest) = line.strip_prefix("var ")?.split_once("_default = __toBinary(\"")?;
            Some(vector(name, &STANDARD.decode(rest.strip_suffix("\");")?).ok()?))
        })
        .collect();
    assert_eq!(vectors.len(), COUNT, "every vector of the package was read");
    vectors
}

fn vector(name: &str, bytes: &[u8]) -> Vector {
    let end = bytes.windows(2).position(|w| w == b"\n\n").expect("an empty line");
    let head = std::str::from_utf8(&bytes[..end]).expect("text before the empty line");
    let mut keys: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in head.lines() {
        let (key, value) = line.split_once(": ").expect("key: value");
        keys.entry(key).or_default().push(value);
    }
    let one = |key: &str| keys.get(key).map(|values| values[0].to_owned());
    let all = |key: &str| keys.get(key).cloned().unwrap_or_default();
    let mut file = bytes[end + 2..].to_vec();
    if let Some(compression) = one("compressed") {
        assert_eq!(compression, "zlib");
        let mut plain = Vec::new();
        flate2::read::ZlibDecoder::new(file.as_slice()).read_to_end(&mut plain).expect("zlib");
        file = plain;
    }
    Vector {
        name: name.to_owned(),
        expect: one("expect").expect("an expectation"),
        payload: one("payload"),
        armored: one("armored").is_some(),
        identities: all("identity").iter().map(|i| i.parse().expect("an identity")).collect(),
        passphrases: all("passphrase").iter().map(|p| Passphrase::new((*p).into())).collect(),
        file,
    }
}

impl Vector {
    fn key(&self, header: &Header) -> Result<strongroom::envelope::FileKey, Error> {
        let mut result = Err(Error::NoMatch);
        for passphrase in &self.passphrases {
            result = header.open_with_passphrase(passphrase);
            if result.is_ok() {
                return result;
            }
        }
        if self.identities.is_empty() { result } else { header.open(&self.identities) }
    }

    /// Through readers, on all cores.
    fn open_streamed(&self, released: &mut Vec<u8>) -> Result<(), Error> {
        let bytes = self.file.as_slice();
        let mut reader: Box<dyn Read + Send + '_> =
            if self.armored { Box::new(ArmorReader::new(bytes)) } else { Box::new(bytes) };
        let (header, first) = read_header(&mut reader)?;
        let key = self.key(&header)?;
        let mut payload = Cursor::new(first).chain(reader);
        open_all(&key, Source::Stream(&mut payload), Sink::Stream(released), &|_| {})
    }

    /// Pushed in pieces of `step` bytes.
    fn open_pushed(&self, step: usize, released: &mut Vec<u8>) -> Result<(), Error> {
        let mut binary = Vec::new();
        if self.armored {
            ArmorReader::new(self.file.as_slice()).read_to_end(&mut binary)?;
        } else {
            binary.clone_from(&self.file);
        }
        let mut pieces = binary.chunks(step);
        let mut parser = HeaderParser::new();
        let (header, rest) = loop {
            let piece = pieces.next().ok_or(Error::HeaderTruncated)?;
            if let Some((header, taken)) = parser.push(piece)? {
                break (header, &piece[taken..]);
            }
        };
        let mut opener = PayloadOpener::new(self.key(&header)?);
        opener.push(rest, released)?;
        for piece in pieces {
            opener.push(piece, released)?;
        }
        opener.finish(released)
    }

    fn check(&self, how: &str, result: &Result<(), Error>, released: &[u8]) -> Option<String> {
        let got = match result {
            Ok(()) => "success",
            Err(Error::Armor) => "armor failure",
            Err(Error::NoMatch) => "no match",
            Err(Error::HeaderMac) => "HMAC failure",
            Err(Error::Payload) => "payload failure",
            Err(
                Error::NotAge
                | Error::HeaderMalformed(_)
                | Error::HeaderTooLarge
                | Error::HeaderTruncated,
            ) => "header failure",
            Err(other) => return Some(format!("{} {how}: {other:?}", self.name)),
        };
        let hash = hex::encode(Sha256::digest(released));
        if got != self.expect {
            return Some(format!("{} {how}: {got}, not {}", self.name, self.expect));
        }
        if self.payload.as_ref().is_some_and(|expected| *expected != hash) {
            return Some(format!("{} {how}: other plaintext was released", self.name));
        }
        if self.payload.is_none() && !released.is_empty() && self.expect != "armor failure" {
            return Some(format!("{} {how}: plaintext was released", self.name));
        }
        None
    }
}

#[test]
fn all_vectors_of_the_age_format() {
    let mut faults = Vec::new();
    for vector in vectors() {
        let mut released = Vec::new();
        let result = vector.open_streamed(&mut released);
        faults.extend(vector.check("streamed", &result, &released));
        // Byte by byte where that takes no minutes.
        let small = if vector.file.len() < 300_000 { 1 } else { 4099 };
        for step in [small, 65_552, usize::MAX] {
            if !vector.passphrases.is_empty() && step != small {
                continue;
            }
            let mut released = Vec::new();
            let result = vector.open_pushed(step, &mut released);
            faults.extend(vector.check(&format!("in steps of {step}"), &result, &released));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn headers_are_written_as_they_were_read() {
    for vector in vectors().iter().filter(|v| !v.armored) {
        if let Ok((header, len)) = Header::parse(&vector.file) {
            assert_eq!(header.as_bytes(), &vector.file[..len], "{}", vector.name);
        }
    }
}
