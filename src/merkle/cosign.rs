//! Cosignatures (C2SP tlog-cosignature, Ed25519) and how a log asks a witness for one (C2SP
//! tlog-witness, `add-checkpoint`).
//!
//! A cosignature says that, as far as its witness has seen, the log only ever grew up to this
//! checkpoint, at this time.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::note::{SignedNote, VerifierKey};
use super::{Digest, Error};

/// The note algorithm of Ed25519 cosignatures.
const COSIGNATURE: u8 = 0x04;

/// Lines of a consistency proof at most (tlog-witness, "add-checkpoint").
const MAX_PROOF_LINES: usize = 63;

/// So long may what a log says stay without the cosignature of a witness that somebody requires,
/// in seconds.
pub const COSIGNED_SECONDS: i64 = 24 * 3600;

/// A witness's name and key, as text `NAME+HASH+BASE64` with signature type 0x04.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CosignerKey(VerifierKey);

impl CosignerKey {
    /// The key `key` of the witness called `name`.
    ///
    /// # Errors
    /// [`Error::Malformed`] for a name that cannot stand in a note.
    pub fn new(name: &str, key: [u8; 32]) -> Result<Self, Error> {
        VerifierKey::of(COSIGNATURE, name, key).map(Self)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// The signature line that says, at `seconds` since the epoch, that the checkpoint with this
    /// `text` is the largest seen; `sign` makes the signature.
    pub fn cosign(&self, text: &str, seconds: u64, sign: impl FnOnce(&[u8]) -> [u8; 64]) -> String {
        let signature = sign(message(text, seconds).as_bytes());
        self.0.line(&[&seconds.to_be_bytes()[..], &signature].concat())
    }
}

impl fmt::Display for CosignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for CosignerKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        VerifierKey::parse(COSIGNATURE, text).map(Self)
    }
}

/// What a cosignature is over.
fn message(text: &str, seconds: u64) -> String {
    format!("cosignature/v1\ntime {seconds}\n{text}")
}

impl SignedNote {
    /// When `key` last cosigned this checkpoint, in seconds since the epoch; none where it did
    /// not.
    pub fn cosigned_by(&self, key: &CosignerKey) -> Option<u64> {
        let valid = |bytes: &[u8]| {
            let (seconds, signature) = bytes.split_first_chunk::<8>()?;
            let seconds = u64::from_be_bytes(*seconds);
            let signature: &[u8; 64] = signature.try_into().ok()?;
            let in_range = i64::try_from(seconds).is_ok();
            (in_range && key.0.verifies(message(self.text(), seconds).as_bytes(), signature))
                .then_some(seconds)
        };
        self.signatures(&key.0).filter_map(valid).max()
    }
}

impl SignedNote {
    /// The line of `key`'s cosignature of `seconds`, when it is valid.
    pub fn line_of(&self, key: &CosignerKey, seconds: u64) -> Option<String> {
        let time = seconds.to_be_bytes();
        let valid = |bytes: &&[u8]| {
            bytes
                .strip_prefix(&time)
                .and_then(|s| <&[u8; 64]>::try_from(s).ok())
                .is_some_and(|s| key.0.verifies(message(self.text(), seconds).as_bytes(), s))
        };
        self.signatures(&key.0).find(valid).map(|bytes| key.0.line(bytes))
    }
}

/// What a log asks a witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// Entries of the checkpoint that the witness cosigned last; 0 where it never did.
    pub old: u64,
    /// How the log grew since (RFC 6962, section 2.1.2).
    pub proof: Vec<Digest>,
    /// The checkpoint.
    pub checkpoint: SignedNote,
}

impl AddCheckpoint {
    /// Reads a request's body.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn parse(body: &str) -> Result<Self, Error> {
        let (head, checkpoint) = body.split_once("\n\n").ok_or(Error::Malformed)?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|l| l.strip_prefix("old ")).ok_or(Error::Malformed)?;
        let proof = lines
            .take(MAX_PROOF_LINES + 1)
            .map(|line| STANDARD.decode(line).ok().and_then(|bytes| bytes.try_into().ok()))
            .collect::<Option<Vec<Digest>>>()
            .ok_or(Error::Malformed)?;
        let read = Self {
            old: old.parse().map_err(|_| Error::Malformed)?,
            proof,
            checkpoint: SignedNote::parse(checkpoint)?,
        };
        let canonical = read.proof.len() <= MAX_PROOF_LINES && read.to_string() == body;
        if canonical { Ok(read) } else { Err(Error::Malformed) }
    }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        for hash in &self.proof {
            writeln!(f, "{}", STANDARD.encode(hash))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};

    use super::*;

    /// The example of tlog-cosignature.
    const EXAMPLE: &str = "example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
";

    /// The example request of tlog-witness.
    const REQUEST: &str = "old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
";

    #[test]
    fn the_specifications_examples_are_read_as_they_are_written() {
        let note = SignedNote::parse(EXAMPLE).expect("a checkpoint");
        assert_eq!(note.to_string(), EXAMPLE);
        // Its second line is a cosignature of 2023-03-20: 1679315147 in the message of the
        // specification, behind the key's hash.
        let line = EXAMPLE.lines().last().and_then(|l| l.rsplit(' ').next()).expect("a line");
        let bytes = STANDARD.decode(line).expect("base64");
        assert_eq!(bytes.len(), 4 + 8 + 64);
        assert_eq!(bytes[4..12], 1_679_315_147_u64.to_be_bytes());
        assert_eq!(
            message(note.text(), 1_679_315_147),
            "cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n\
             CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
        );
        let request = AddCheckpoint::parse(REQUEST).expect("a request");
        assert_eq!((request.old, request.proof.len()), (20_852_014, 4));
        assert_eq!(request.to_string(), REQUEST);
    }

    #[test]
    fn a_cosignature_counts_for_its_key_its_name_and_its_text_alone() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let public = key.verifying_key().to_bytes();
        let cosigner = CosignerKey::new("witness.example/w1", public).expect("a name");
        assert_eq!(cosigner.to_string().parse(), Ok(cosigner.clone()));
        assert!(cosigner.to_string().parse::<VerifierKey>().is_err(), "another kind of key");
        let log = VerifierKey::new("log", public).expect("a name");
        let note = SignedNote::sign("log\n1\nx\n".into(), &log, |m| key.sign(m).to_bytes());
        let line = cosigner.cosign(note.text(), 1_679_315_147, |m| key.sign(m).to_bytes());
        let cosigned = note.with_lines(&line).expect("a line");
        assert_eq!(cosigned.cosigned_by(&cosigner), Some(1_679_315_147));
        assert_eq!(note.cosigned_by(&cosigner), None);
        assert!(cosigned.signed_by(&log));
        let renamed = CosignerKey::new("witness.example/w2", public).expect("a name");
        let other = SigningKey::from_bytes(&[8; 32]).verifying_key().to_bytes();
        let rekeyed = CosignerKey::new("witness.example/w1", other).expect("a name");
        for wrong in [renamed, rekeyed] {
            assert_eq!(cosigned.cosigned_by(&wrong), None);
        }
        let elsewhere = SignedNote::sign("log\n2\nx\n".into(), &log, |m| key.sign(m).to_bytes());
        let moved = elsewhere.with_lines(&line).expect("a line");
        assert_eq!(moved.cosigned_by(&cosigner), None);
        // A plain signature is no cosignature, nor the other way round.
        assert!(
            !SignedNote::parse(&format!("{}\n{line}", note.text()))
                .expect("a note")
                .signed_by(&log)
        );
        for bad in ["", "x", "— a\n", "— a b\n"] {
            assert!(note.with_lines(bad).is_err() || bad.is_empty(), "{bad}");
        }
    }

    #[test]
    fn only_the_one_form_of_a_request_is_read() {
        let two = REQUEST.replacen("old ", "old 0", 1);
        let tail = REQUEST.trim_end().to_owned();
        let head = REQUEST.replacen("old ", "new ", 1);
        let long = REQUEST.replacen(
            "\n\n",
            &format!("\n{}\n", "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n".repeat(60)),
            1,
        );
        for bad in ["", "old 0\n", &two, &tail, &head, &long] {
            assert_eq!(AddCheckpoint::parse(bad), Err(Error::Malformed), "{bad}");
        }
    }
}
