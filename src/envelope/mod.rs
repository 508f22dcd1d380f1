//! The sealed document: the age v1 format (C2SP age), with headers kept apart from payloads,
//! a commitment, piece hashes and a sealed part, exactly as the format fixes them.
//!
//! Owns every byte of header, payload, keyring and sealed part. Refuses what is not canonical,
//! too large (32 KiB, 20 stanzas) or not authentic, before anything of it is released. Pure: bytes
//! in, bytes out; no async, no database, no clock.
//!
//! Invariants: no (key, nonce, counter) ever seals two different chunks; no plaintext leaves
//! before its chunk is authentic (and, for documents, before commitment and piece hash agree).

mod armor;
mod bech32;
mod chunk;
mod document;
mod error;
mod file_key;
mod header;
mod header_parser;
mod hybrid;
mod kdf;
pub mod keyring;
mod keys;
mod known_files;
mod passphrase;
mod pieces;
mod recipient;
mod sealed_part;
mod small;
mod stanza;
pub mod statement;
mod stream;
#[cfg(test)]
mod tests;
mod x25519;

pub use armor::{ArmorReader, ArmorWriter, looks_armored};
pub use document::{DocumentOpener, DocumentPins, DocumentSealer};
pub use error::Error;
pub use file_key::FileKey;
pub use header::{
    Header, HeaderParser, MAX_HEADER_BYTES, MAX_STANZAS, Strength, read_header, rewrap,
};
pub use kdf::hkdf;
pub use keyring::Keyring;
pub use keys::MemberKeys;
pub use known_files::looks_like_known_file;
pub use passphrase::Passphrase;
pub use pieces::{
    PIECE_BYTES, PIECE_CHUNKS, PIECE_PLAINTEXT_BYTES, PieceHasher, Pieces, combine_pieces,
    piece_count, piece_of_offset, piece_range,
};
pub use recipient::{Identity, Recipient};
pub use sealed_part::SealedPart;
pub use small::{open_small, seal_small};
pub use statement::{Hash, Nonce};
pub use stream::{
    CHUNK_BYTES, NONCE_BYTES, PayloadOpener, PayloadSealer, Progress, RangeOpener, ReadAt,
    SEALED_CHUNK_BYTES, Sink, Source, TAG_BYTES, open_all, payload_len, plaintext_len, seal_all,
};
