//! A receipt as it is kept: the signed note, byte for byte, and behind it what makes it
//! verifiable off line, each part under a line `=== NAME`.

use std::fmt;
use std::path::Path;

use crate::cli::error::Error;
use crate::cli::profile;
use crate::cli::words::Word;
use crate::envelope::statement::{Entry, Note, PublicKey, Statement};
use crate::merkle::LoggedProof;

/// What every part begins with.
const PART: &str = "=== ";

/// More bytes than a receipt with proof and cards has.
const MAX_BYTES: usize = 256 * 1024;

/// A receipt and what is known with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The gateway's promise.
    pub receipt: Note,
    /// The gateway's address.
    pub gateway: Option<String>,
    /// The firm's root key, pinned when the receipt was kept.
    pub root: Option<PublicKey>,
    /// Root-signed cards of the keys that sign receipts and checkpoints.
    pub cards: Vec<Note>,
    /// The entry that was promised, as the gateway gave it; a file of before that was asked for has
    /// none.
    pub entry: Option<Entry>,
    /// The proof that the promise was kept.
    pub proof: Option<LoggedProof>,
}

impl Kept {
    /// Reads a receipt that was kept, a bare one, or the JSON that `curl` was answered with.
    ///
    /// # Errors
    /// [`Word::NoSuchFile`], [`Word::CannotRead`], [`Word::NotAReceipt`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes =
            profile::read(path)?.ok_or_else(|| Error::new(Word::NoSuchFile).about_path(path))?;
        let text = (bytes.len() <= MAX_BYTES).then(|| String::from_utf8(bytes).ok()).flatten();
        text.and_then(|text| Self::parse(&text))
            .ok_or_else(|| Error::new(Word::NotAReceipt).about_path(path))
    }

    /// Reads [`Kept`] in the form in which it is written.
    pub fn parse(text: &str) -> Option<Self> {
        if text.trim_start().starts_with('{') {
            let answer: serde_json::Value = serde_json::from_str(text).ok()?;
            let receipt = Note::parse(answer.get("receipt")?.as_str()?).ok()?;
            return Some(Self {
                receipt,
                gateway: None,
                root: None,
                cards: Vec::new(),
                entry: None,
                proof: None,
            });
        }
        let mut parts: Vec<(&str, String)> = vec![("receipt", String::new())];
        for line in text.split_inclusive('\n') {
            match line.strip_prefix(PART) {
                Some(name) => parts.push((name.trim_end(), String::new())),
                None => parts.last_mut()?.1.push_str(line),
            }
        }
        let mut parts = parts.into_iter();
        let (_, receipt) = parts.next()?;
        let receipt = Note::parse(&receipt).ok()?;
        let cards = Vec::new();
        let mut kept = Self { receipt, gateway: None, root: None, cards, entry: None, proof: None };
        for (name, body) in parts {
            match name {
                "gateway" => kept.gateway = Some(body.trim_end().to_owned()),
                "root" => kept.root = Some(body.trim_end().parse().ok()?),
                "card" => kept.cards.push(Note::parse(&body).ok()?),
                "entry" => kept.entry = Some(Entry::from_text(&body).ok()?),
                "proof" => kept.proof = Some(LoggedProof::parse(&body).ok()?),
                _ => return None,
            }
        }
        Some(kept)
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.receipt)?;
        if let Some(gateway) = &self.gateway {
            write!(f, "{PART}gateway\n{gateway}\n")?;
        }
        if let Some(root) = &self.root {
            write!(f, "{PART}root\n{root}\n")?;
        }
        for card in &self.cards {
            write!(f, "{PART}card\n{card}")?;
        }
        if let Some(entry) = &self.entry {
            write!(f, "{PART}entry\n{}", entry.text())?;
        }
        if let Some(proof) = &self.proof {
            write!(f, "{PART}proof\n{proof}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::envelope::statement::{Hash, Receipt, SigningKey};
    use crate::ids::DocumentId;
    use crate::merkle::{Checkpoint, VerifierKey};
    use crate::secrets::Secret;

    fn receipt(key: &SigningKey) -> Note {
        let receipt = Receipt {
            root: key.key_id(),
            document: DocumentId::from_bytes([1; 16]),
            manifest: None,
            pieces: Hash([2; 32]),
            commit: None,
            recipients: Vec::new(),
            entry: Hash([3; 32]),
            time: Timestamp::EPOCH,
        };
        Note::sign(&receipt, &[key])
    }

    #[test]
    fn what_was_kept_is_read_back() {
        let key = SigningKey::from_seed(&Secret::new([4; 32]));
        let note = receipt(&key);
        let name = VerifierKey::new("log", key.public().0).expect("a key");
        let head = Checkpoint { origin: "log".into(), size: 2, root: [5; 32] };
        let bare = Kept {
            receipt: note.clone(),
            gateway: None,
            root: None,
            cards: Vec::new(),
            entry: None,
            proof: None,
        };
        assert_eq!(bare.to_string(), note.to_string(), "a receipt is a signed note");
        let whole = Kept {
            gateway: Some("https://files.example:8443".into()),
            root: Some(key.public()),
            cards: vec![note.clone(), note.clone()],
            entry: Some(Entry {
                time: Timestamp::EPOCH,
                actor: None,
                action: "document.complete".parse().expect("a word"),
                client: None,
                object: None,
                manifest: None,
                commit: None,
                data: Hash([7; 32]),
            }),
            proof: Some(LoggedProof {
                index: 1,
                hashes: vec![[6; 32]],
                checkpoint: head.sign(&name, |text| key.sign(text)),
            }),
            ..bare.clone()
        };
        for kept in [&bare, &whole] {
            assert_eq!(Kept::parse(&kept.to_string()).as_ref(), Some(kept));
        }
        let json = serde_json::json!({ "document": "x", "receipt": note }).to_string();
        assert_eq!(Kept::parse(&json), Some(bare));
        for bad in [
            "",
            "x",
            "{}",
            "=== proof\n",
            &format!("{note}=== else\n"),
            &format!("{note}=== root\nx\n"),
        ] {
            assert_eq!(Kept::parse(bad), None, "{bad}");
        }
    }
}
