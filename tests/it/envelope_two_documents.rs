//! One payload, two headers, two documents: ChaCha20-Poly1305 commits to no key, so a payload can
//! be made that is authentic under two. Stock `age` opens both; our readers must refuse.

use std::fs;
use std::process::{Command, Stdio};

use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Nonce as AeadNonce};
use num_bigint::BigUint;
use strongroom::envelope::{
    DocumentOpener, DocumentPins, Error, FileKey, Header, Identity, Nonce, PayloadOpener,
    PieceHasher, hkdf,
};
use strongroom::ids::DocumentId;
use strongroom::secrets::random_bytes;

/// The STREAM nonce of a first and last chunk.
const CHUNK_NONCE: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/// `len` bytes of the ChaCha20 key stream from block 1 on: what zeros encrypt to.
fn key_stream(key: &[u8; 32], len: usize) -> Vec<u8> {
    let cipher = ChaCha20Poly1305::new(key.into());
    let mut sealed =
        cipher.encrypt(&AeadNonce::from(CHUNK_NONCE), vec![0; len].as_slice()).expect("short");
    sealed.truncate(len);
    sealed
}

struct OneTimeKey {
    r: BigUint,
    s: BigUint,
}

fn p() -> BigUint {
    (BigUint::from(1_u8) << 130_u32) - 5_u8
}

fn two_128() -> BigUint {
    BigUint::from(1_u8) << 128_u32
}

/// Poly1305 over 16-byte blocks, without the final addition of `s` (RFC 8439, section 2.5).
fn accumulate(r: &BigUint, blocks: impl Iterator<Item = BigUint>) -> BigUint {
    blocks.fold(BigUint::ZERO, |acc, block| (acc + block + two_128()) * r % p())
}

/// The one-time Poly1305 key: the first half of block 0 of the key stream (RFC 8439, section 2.6).
fn one_time_key(key: &[u8; 32]) -> OneTimeKey {
    let block = chacha20_block_zero(key);
    let clamp =
        BigUint::from_bytes_le(&0x0fff_fffc_0fff_fffc_0fff_fffc_0fff_ffff_u128.to_le_bytes());
    OneTimeKey {
        r: BigUint::from_bytes_le(&block[..16]) & clamp,
        s: BigUint::from_bytes_le(&block[16..32]),
    }
}

/// The ChaCha20 block function (RFC 8439, section 2.3) with counter 0.
fn chacha20_block_zero(key: &[u8; 32]) -> [u8; 64] {
    let mut state = [0_u32; 16];
    state[..4].copy_from_slice(&[0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574]);
    let words = |bytes: &[u8]| -> Vec<u32> {
        bytes.as_chunks::<4>().0.iter().map(|w| u32::from_le_bytes(*w)).collect()
    };
    state[4..12].copy_from_slice(&words(key));
    state[13..].copy_from_slice(&words(&CHUNK_NONCE));
    let mut x = state;
    let mut quarter = |a: usize, b: usize, c: usize, d: usize| {
        x[a] = x[a].wrapping_add(x[b]);
        x[d] = (x[d] ^ x[a]).rotate_left(16);
        x[c] = x[c].wrapping_add(x[d]);
        x[b] = (x[b] ^ x[c]).rotate_left(12);
        x[a] = x[a].wrapping_add(x[b]);
        x[d] = (x[d] ^ x[a]).rotate_left(8);
        x[c] = x[c].wrapping_add(x[d]);
        x[b] = (x[b] ^ x[c]).rotate_left(7);
    };
    for _ in 0..10 {
        quarter(0, 4, 8, 12);
        quarter(1, 5, 9, 13);
        quarter(2, 6, 10, 14);
        quarter(3, 7, 11, 15);
        quarter(0, 5, 10, 15);
        quarter(1, 6, 11, 12);
        quarter(2, 7, 8, 13);
        quarter(3, 4, 9, 14);
    }
    let mut out = [0; 64];
    for (i, word) in x.iter().zip(state).map(|(a, b)| a.wrapping_add(b)).enumerate() {
        out[4 * i..4 * i + 4].copy_from_slice(&word.to_le_bytes());
    }
    out
}

fn padded(mut text: Vec<u8>) -> Vec<u8> {
    text.resize(text.len().next_multiple_of(16), 0);
    text
}

/// A sealed chunk that begins with `first` under one key and ends with `second` under the other.
pub(crate) fn craft(keys: [&[u8; 32]; 2], first: &[u8], second: &[u8]) -> Vec<u8> {
    let first = padded(first.to_vec());
    let mut last = vec![0; second.len().next_multiple_of(16) - second.len()];
    last.extend_from_slice(second);
    let len = first.len() + 32 + last.len();
    let streams = keys.map(|key| key_stream(key, len));
    let mut chunk = vec![0; len];
    for i in 0..first.len() {
        chunk[i] = first[i] ^ streams[0][i];
    }
    let from = len - last.len();
    for i in 0..last.len() {
        chunk[from + i] = last[i] ^ streams[1][from + i];
    }
    // Two free blocks at `free`: two linear equations modulo 2^130 - 5, one for each key's tag.
    let free = first.len() / 16;
    let blocks = len / 16;
    let length = BigUint::from_bytes_le(&(len as u128).rotate_left(64).to_le_bytes());
    let equation = keys.map(|key| {
        let OneTimeKey { r, s } = one_time_key(key);
        let fixed = chunk.chunks(16).enumerate().map(|(i, block)| {
            if i == free || i == free + 1 { BigUint::ZERO } else { BigUint::from_bytes_le(block) }
        });
        let rest = accumulate(&r, fixed.chain([length.clone()]));
        let power = |n: usize| r.modpow(&BigUint::from(n), &p());
        (s, rest, power(blocks - free + 1), power(blocks - free))
    });
    let [(s1, c1, a1, b1), (s2, c2, a2, b2)] = equation;
    let minus = |a: BigUint, b: &BigUint| (a + p() - b % p()) % p();
    let inverse = minus(&a1 * &b2, &(&a2 * &b1)).modpow(&(p() - 2_u8), &p());
    loop {
        let tag = BigUint::from_bytes_le(&random_bytes::<16>());
        let carry = |n: u8| BigUint::from(n % 3) * two_128();
        let [n1, n2] = random_bytes::<2>();
        let right = |s: &BigUint, c: &BigUint, n: u8| {
            minus((&tag + two_128() - s) % two_128() + carry(n), c)
        };
        let (t1, t2) = (right(&s1, &c1, n1), right(&s2, &c2, n2));
        let x = minus(&t1 * &b2, &(&t2 * &b1)) * &inverse % p();
        let y = minus(&a1 * &t2, &(&a2 * &t1)) * &inverse % p();
        if x < two_128() && y < two_128() {
            let block = |n: &BigUint| {
                let mut bytes = n.to_bytes_le();
                bytes.resize(16, 0);
                bytes
            };
            chunk[16 * free..16 * free + 16].copy_from_slice(&block(&x));
            chunk[16 * free + 16..16 * free + 32].copy_from_slice(&block(&y));
            chunk.extend(block(&tag));
            return chunk;
        }
    }
}

const FIRST: &[u8] = b"%PDF-1.4 tax due: 1,000 EUR";
const SECOND: &[u8] = b"PK\x03\x04 tax due: 99,000 EUR";

#[test]
fn a_payload_that_opens_to_two_documents_is_refused() {
    let keys = [FileKey::random(), FileKey::random()];
    let nonce = Nonce::random();
    let payload_key = |k: &FileKey| *hkdf(k.expose(), &nonce.0, b"payload").expose();
    let (k1, k2) = (payload_key(&keys[0]), payload_key(&keys[1]));
    let payload = [nonce.0.as_slice(), &craft([&k1, &k2], FIRST, SECOND)].concat();
    let people = [Identity::random(), Identity::random()];
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);

    // Stock age accepts both, and so must any reader of plain age files.
    for (i, (key, person)) in keys.iter().zip(&people).enumerate() {
        let header = Header::seal(key, &[person.recipient()]).expect("one recipient");
        fs::write(path("key"), person.to_secret_string().as_bytes()).expect("writable");
        fs::write(path("file.age"), [header.as_bytes(), &payload].concat()).expect("writable");
        let age = Command::new("age")
            .args(["-d", "-i"])
            .args([path("key"), path("file.age")])
            .stderr(Stdio::piped())
            .output()
            .unwrap_or_else(|e| panic!("age: {e}; run tests/setup.sh"));
        assert!(age.status.success(), "{}", String::from_utf8_lossy(&age.stderr));
        assert!(if i == 0 { age.stdout.starts_with(FIRST) } else { age.stdout.ends_with(SECOND) });
        let mut ours = Vec::new();
        let mut opener =
            PayloadOpener::new(header.open(std::slice::from_ref(person)).expect("his"));
        opener.push(&payload, &mut ours).expect("authentic");
        opener.finish(&mut ours).expect("authentic");
        assert_eq!(ours, age.stdout);
    }

    // A document is committed to one key: the manifest that pins it gives the other away.
    let mut hasher = PieceHasher::new();
    hasher.update(&payload);
    let pieces = hasher.finish();
    for (committed, other) in [(&keys[0], &keys[1]), (&keys[1], &keys[0])] {
        let pins = DocumentPins {
            document: DocumentId::random(),
            nonce,
            length: payload.len() as u64,
            commit: committed.commitment(&nonce),
            pieces: pieces.combined(),
        };
        let refused = DocumentOpener::new(other.clone(), pins.clone(), pieces.clone());
        assert!(matches!(refused, Err(Error::Commitment)));
        // The negative control: only the commitment stands between this payload and its reader.
        let unprotected = DocumentPins { commit: other.commitment(&nonce), ..pins };
        let opener = DocumentOpener::new(other.clone(), unprotected, pieces.clone());
        let mut out = Vec::new();
        opener.expect("commits to the other key").open_piece(0, &payload, &mut out).expect("opens");
        assert!(out.starts_with(FIRST) || out.ends_with(SECOND));
    }
}
