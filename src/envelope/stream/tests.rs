//! All ways through a payload give the same bytes, whatever the input does.

use std::io::{self, Read};

use super::*;
use crate::envelope::{Error, FileKey, Nonce, PayloadSealer};

/// Reads in small pieces of changing size.
struct Dribble<'a>(&'a [u8], usize);

impl Read for Dribble<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.1 = self.1 * 7 % 100_003 + 1;
        let len = out.len().min(self.1).min(self.0.len());
        out[..len].copy_from_slice(&self.0[..len]);
        self.0 = &self.0[len..];
        Ok(len)
    }
}

fn sample(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i.wrapping_mul(2_654_435_761) >> 9) as u8).collect()
}

fn sealed(key: &FileKey, nonce: &Nonce, plaintext: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    let mut sealer = PayloadSealer::new(key, nonce);
    sealer.push(plaintext, &mut payload);
    sealer.finish(&mut payload);
    payload
}

fn open_stream(key: &FileKey, payload: &[u8]) -> (Vec<u8>, Result<(), Error>) {
    let mut out = Vec::new();
    let mut reader = Dribble(payload, 77);
    let opened = open_all(key, Source::Stream(&mut reader), Sink::Stream(&mut out), &|_| {});
    (out, opened)
}

const SIZES: [usize; 11] = [
    0,
    1,
    65_535,
    65_536,
    65_537,
    131_072,
    1_048_575,
    1_048_576,
    1_048_577,
    3 * 1_048_576,
    3 * 1_048_576 + 70_000,
];

#[test]
fn streams_and_files_give_the_same_payload() {
    for len in SIZES {
        let plaintext = sample(len);
        let (key, nonce) = (FileKey::random(), Nonce::random());
        let expected = sealed(&key, &nonce, &plaintext);
        let mut streamed = Vec::new();
        let mut reader = Dribble(&plaintext, 1);
        let (source, sink) = (Source::Stream(&mut reader), Sink::Stream(&mut streamed));
        seal_all(&key, &nonce, source, sink, &|_| {}).expect("nothing fails");
        assert!(streamed == expected, "{len} bytes, streamed");

        let file = tempfile::tempfile().expect("a temporary file");
        let bytes = plaintext.as_slice();
        let source = Source::File { file: &bytes, offset: 0, len: len as u64 };
        let done = std::sync::atomic::AtomicU64::new(0);
        seal_all(&key, &nonce, source, Sink::File { file: &file, offset: 5 }, &|n| {
            done.fetch_add(n, std::sync::atomic::Ordering::Relaxed);
        })
        .expect("nothing fails");
        assert_eq!(done.into_inner(), len as u64);
        let mut written = vec![0; expected.len()];
        ReadAt::read_exact_at(&file, &mut written, 5).expect("as long as expected");
        assert!(written == expected, "{len} bytes, by offset");

        let (opened, result) = open_stream(&key, &expected);
        assert!(result.is_ok() && opened == plaintext, "{len} bytes, opened as a stream");
        let out = tempfile::tempfile().expect("a temporary file");
        let source = Source::File { file: &file, offset: 5, len: expected.len() as u64 };
        open_all(&key, source, Sink::File { file: &out, offset: 0 }, &|_| {}).expect("authentic");
        let mut opened = vec![0; len];
        ReadAt::read_exact_at(&out, &mut opened, 0).expect("as long as expected");
        assert!(opened == plaintext, "{len} bytes, opened by offset");
    }
}

#[test]
fn a_damaged_stream_gives_what_stands_before_the_damage_and_nothing_more() {
    let plaintext = sample(3 * 1_048_576 + 70_000);
    let (key, nonce) = (FileKey::random(), Nonce::random());
    let payload = sealed(&key, &nonce, &plaintext);
    for chunk in [0, 1, 15, 16, 17, 40, 49] {
        let mut damaged = payload.clone();
        damaged[NONCE_BYTES + chunk * SEALED_CHUNK_BYTES + 9] ^= 4;
        let (out, result) = open_stream(&key, &damaged);
        assert!(matches!(result, Err(Error::Payload)));
        assert!(out == plaintext[..chunk * CHUNK_BYTES], "chunk {chunk}");
    }
    for cut in [1, 16, SEALED_CHUNK_BYTES, payload.len() / 2] {
        let (out, result) = open_stream(&key, &payload[..payload.len() - cut]);
        assert!(matches!(result, Err(Error::Payload)), "{cut} bytes short");
        assert!(plaintext.starts_with(&out));
    }
    let longer = [payload.as_slice(), &[0]].concat();
    let (out, result) = open_stream(&key, &longer);
    assert!(matches!(result, Err(Error::Payload)) && plaintext.starts_with(&out));
}

#[test]
fn a_source_that_fails_or_shrinks_is_reported() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let (key, nonce) = (FileKey::random(), Nonce::random());
    let start = sample(5 * 1_048_576);
    let mut reader = start.as_slice().chain(Failing);
    let mut out = Vec::new();
    let (source, sink) = (Source::Stream(&mut reader), Sink::Stream(&mut out));
    let failed = seal_all(&key, &nonce, source, sink, &|_| {});
    assert!(matches!(failed, Err(Error::Io(e)) if e.to_string() == "the disk is gone"));

    let bytes = start.as_slice();
    let source = Source::File { file: &bytes, offset: 0, len: 6 * 1_048_576 };
    let failed = seal_all(&key, &nonce, source, Sink::Stream(&mut out), &|_| {});
    assert!(matches!(failed, Err(Error::Io(e)) if e.kind() == io::ErrorKind::UnexpectedEof));
}

#[test]
fn a_writer_that_fails_is_reported_and_written_to_once() {
    struct Full(usize);
    impl io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            assert!(self.0 > 0, "written to after it failed");
            self.0 -= 1;
            if self.0 == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(bytes.len()) }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let plaintext = sample(8 * 1_048_576);
    let source = Source::Stream(&mut plaintext.as_slice());
    let (key, nonce) = (FileKey::random(), Nonce::random());
    let failed = seal_all(&key, &nonce, source, Sink::Stream(&mut Full(3)), &|_| {});
    assert!(matches!(failed, Err(Error::Io(e)) if e.kind() == io::ErrorKind::StorageFull));
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(48))]

    #[test]
    fn any_range_opens_to_that_part(len in 0..400_000_usize, a: u32, b: u32) {
        let plaintext = sample(len);
        let (key, nonce) = (FileKey::random(), Nonce::random());
        let payload = sealed(&key, &nonce, &plaintext);
        let opener = RangeOpener::new(&key, payload.as_slice(), payload.len() as u64)
            .expect("authentic");
        let (a, b) = (a as usize % (len + 1), b as usize % (len + 1));
        let (from, to) = (a.min(b), a.max(b));
        let mut out = vec![9];
        opener.open(from as u64..to as u64, &mut out).expect("inside");
        assert_eq!(&out[1..], &plaintext[from..to]);
        assert!(opener.open(0..len as u64 + 1, &mut out).is_err());
        let cut = payload.len() - 1;
        assert!(RangeOpener::new(&key, &payload[..cut], cut as u64).is_err());
    }
}

#[test]
fn lengths_of_either_side_agree() {
    for (plain, payload) in [
        (0, 32),
        (1, 33),
        (65_535, 65_567),
        (65_536, 65_568),
        (65_537, 65_585),
        (131_072, 131_120),
        (1_048_576, 16 + 1_048_832),
    ] {
        assert_eq!(payload_len(plain), Some(payload));
        assert_eq!(plaintext_len(payload), Some(plain));
    }
    for impossible in [0, 15, 16, 31, 65_568 + 1, 65_568 + 16] {
        assert_eq!(plaintext_len(impossible), None, "{impossible}");
    }
    assert_eq!(payload_len(u64::MAX), None);
}

proptest::proptest! {
    #[test]
    fn every_length_has_one_payload_length(plain in 0..1_u64 << 50) {
        let payload = payload_len(plain).expect("far from the limit");
        assert_eq!(plaintext_len(payload), Some(plain));
    }

    #[test]
    fn a_possible_length_is_some_documents(payload in 0..1_u64 << 50) {
        if let Some(plain) = plaintext_len(payload) {
            assert_eq!(payload_len(plain), Some(payload));
        }
    }
}
