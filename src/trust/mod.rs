//! Who may sign what, and whom a document is sealed to: a directory built from signed
//! statements alone and verified against the pinned root key.
//!
//! Nothing the gateway says counts here unless a signature carries it: root → lead →
//! invitation → card verifies off line. Whatever does not verify is an error, never left
//! out silently, so that a gateway cannot hide a statement by breaking it. Statements of
//! kinds that are not known are passed over.

mod admit;
mod cards;
mod chain;
mod directory;
pub mod fragment;
pub mod handover;
mod keys;
mod manifest;
mod policies;
mod readers;
mod recall;
pub mod recovery;
pub mod share;
mod sorted;
mod spoken;

pub use cards::Vouched;
pub use directory::{Directory, Error};
pub use keys::{KeyChange, card_subject, read_card_subject};
pub use manifest::{Signer, SignerKind};
pub use policies::{lead_may_sign, principal_may_sign};
pub use readers::{Demand, DemandError, Reader};
pub use spoken::{Spoken, says, spoken};

#[cfg(test)]
mod tests;
