//! Statements: everything that somebody signs, as a C2SP signed note whose text is a
//! canonical list of `key SP value LF` lines.
//!
//! Refuses whatever is not canonical: readers parse, encode again and compare the bytes,
//! so that one statement has one text and one hash. Pure; knows no keys but those given.

mod codec;
mod key;
mod kinds;
mod note;
mod words;

pub use codec::{
    Error, Hash, Line, MAX_TEXT_BYTES, Nonce, Recipient, Statement, TYPE_PREFIX, Word, peek_kind,
};
pub use key::{PublicKey, RootKnown, SigningKey};
pub use kinds::{
    Adoption, Assignment, Authorisation, Card, Entry, Handover, Invitation, Link, Manifest, Policy,
    Receipt, Recovery, Revocation, RoleGrant, Share,
};
pub use note::{MAX_SIGNATURES, Note};
pub use words::{
    Basis, Category, Decision, Direction, ParseWordError, Period, RevocationKind, Role, SealLevel,
    YesNo,
};

/// Parses `bytes` as a signed note and, where its kind is known, as that statement; the
/// entry point for fuzzing and for tools that show any statement.
pub fn parse(bytes: &[u8]) -> Result<Note, Error> {
    let note = Note::parse(std::str::from_utf8(bytes).map_err(|_| Error::Malformed)?)?;
    match peek_kind(note.text())? {
        "card" => note.decode::<Card>().map(drop),
        "invitation" => note.decode::<Invitation>().map(drop),
        "role" => note.decode::<RoleGrant>().map(drop),
        "assignment" => note.decode::<Assignment>().map(drop),
        "policy" => note.decode::<Policy>().map(drop),
        "link" => note.decode::<Link>().map(drop),
        "manifest" => note.decode::<Manifest>().map(drop),
        "adoption" => note.decode::<Adoption>().map(drop),
        "share" => note.decode::<Share>().map(drop),
        "authorisation" => note.decode::<Authorisation>().map(drop),
        "receipt" => note.decode::<Receipt>().map(drop),
        "recovery" => note.decode::<Recovery>().map(drop),
        "handover" => note.decode::<Handover>().map(drop),
        "revocation" => note.decode::<Revocation>().map(drop),
        _ => Err(Error::WrongKind),
    }?;
    Ok(note)
}

#[cfg(test)]
mod tests;
