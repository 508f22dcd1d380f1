//! Checkpoints (C2SP tlog-checkpoint) and proofs that stand by themselves (C2SP tlog-proof).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::note::{SignedNote, VerifierKey};
use super::proof::{verify_consistency, verify_inclusion};
use super::{Digest, Error};

/// The first line of a tlog-proof.
const PROOF_HEAD: &str = "c2sp.org/tlog-proof@v1\n";

/// Hashes of the longest proof: one for each level of a tree.
const MAX_PROOF_HASHES: usize = 64;

/// The head of a log: how many entries, and the root over them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log. Ours are called by the key id of the log's key, which is also the name of
    /// that key in notes.
    pub origin: String,
    /// Entries.
    pub size: u64,
    /// The root over them.
    pub root: Digest,
}

impl Checkpoint {
    /// The text that is signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }

    /// Reads [`Checkpoint::text`]. Extension lines are refused: nobody could audit them.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root), Some(""), None) =
            (lines.next(), lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(Error::Malformed);
        };
        let root = STANDARD.decode(root).map_err(|_| Error::Malformed)?;
        let read = Self {
            origin: origin.into(),
            size: size.parse().map_err(|_| Error::Malformed)?,
            root: root.try_into().map_err(|_| Error::Malformed)?,
        };
        let canonical = !origin.is_empty() && read.text() == text;
        if canonical { Ok(read) } else { Err(Error::Malformed) }
    }

    /// Signs it.
    pub fn sign(&self, key: &VerifierKey, sign: impl FnOnce(&[u8]) -> [u8; 64]) -> SignedNote {
        SignedNote::sign(self.text(), key, sign)
    }

    /// Whether `proof` shows that this one's log grew into `newer`'s.
    pub fn grew_into(&self, newer: &Self, proof: &[Digest]) -> bool {
        verify_consistency(self.size, &self.root, newer.size, &newer.root, proof)
    }
}

/// An entry's place in a signed tree, enough to be checked off line for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedProof {
    /// The entry's index.
    pub index: u64,
    /// Its audit path.
    pub hashes: Vec<Digest>,
    /// The signed checkpoint of the tree.
    pub checkpoint: SignedNote,
}

impl LoggedProof {
    /// Whether `leaf` is where this says, in the tree of the checkpoint. Who signed that is not
    /// looked at.
    pub fn includes(&self, leaf: &Digest) -> Result<bool, Error> {
        let head = Checkpoint::from_text(self.checkpoint.text())?;
        Ok(verify_inclusion(leaf, self.index, head.size, &self.hashes, &head.root))
    }

    /// Reads the form in which it is shown. Extra data is refused: there is none in ours.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let rest = text.strip_prefix(PROOF_HEAD).ok_or(Error::Malformed)?;
        let (proof, checkpoint) = rest.split_once("\n\n").ok_or(Error::Malformed)?;
        let mut lines = proof.split('\n');
        let index = lines.next().and_then(|l| l.strip_prefix("index ")).ok_or(Error::Malformed)?;
        let hashes = lines
            .map(|line| {
                let bytes = STANDARD.decode(line).map_err(|_| Error::Malformed)?;
                bytes.try_into().map_err(|_| Error::Malformed)
            })
            .take(MAX_PROOF_HASHES + 1)
            .collect::<Result<Vec<Digest>, Error>>()?;
        let read = Self {
            index: index.parse().map_err(|_| Error::Malformed)?,
            hashes,
            checkpoint: SignedNote::parse(checkpoint)?,
        };
        let canonical = read.hashes.len() <= MAX_PROOF_HASHES && read.to_string() == text;
        if canonical { Ok(read) } else { Err(Error::Malformed) }
    }
}

impl fmt::Display for LoggedProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{PROOF_HEAD}index {}", self.index)?;
        for hash in &self.hashes {
            writeln!(f, "{}", STANDARD.encode(hash))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}
