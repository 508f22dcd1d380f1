//! What can be wrong with an envelope, as far as the caller can act on it. Says nothing about
//! contents: decryption has one opaque failure.

/// Why a header, payload, recipient, identity, keyring or document was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes do not begin like an age v1 file.
    #[error("not an age file")]
    NotAge,
    /// The bytes end before the header does; more of them may complete it.
    #[error("the header ends too early")]
    HeaderTruncated,
    /// The header breaks the grammar of C2SP age, or one of its stanzas does.
    #[error("the header is malformed: {0}")]
    HeaderMalformed(&'static str),
    /// More than 32 KiB or 20 stanzas.
    #[error("the header is larger than 32 KiB or 20 stanzas")]
    HeaderTooLarge,
    /// The header's MAC does not agree with the file key.
    #[error("the header has been changed: its MAC is wrong")]
    HeaderMac,
    /// No stanza is for any of the identities.
    #[error("sealed to none of these identities")]
    NoMatch,
    /// A header needs at least one recipient, and at most 20.
    #[error("a header needs 1 to 20 recipients")]
    RecipientCount,
    /// X25519 and post-quantum recipients in one header: the weakest would decide.
    #[error("post-quantum and X25519 recipients cannot share a header")]
    MixedRecipients,
    /// A document sealed post-quantum would be granted to an X25519 recipient.
    #[error("a document sealed post-quantum cannot be granted to an X25519 recipient")]
    Downgrade,
    /// Not a recipient this program seals to.
    #[error("not a recipient: expected age1… or age1pq1…")]
    Recipient,
    /// Not an identity this program opens with.
    #[error("not an identity: expected AGE-SECRET-KEY-1… or AGE-SECRET-KEY-PQ-1…")]
    Identity,
    /// Plugins run foreign programs and are refused.
    #[error("age plugins are not supported")]
    Plugin,
    /// The payload is damaged, cut, extended or of another key: nothing more is said.
    #[error("the payload is damaged or was changed")]
    Payload,
    /// The ASCII armor is not the strict form.
    #[error("the armor is malformed")]
    Armor,
    /// The payload is not committed to this file key.
    #[error("the commitment does not agree with the file key")]
    Commitment,
    /// The list of piece hashes does not agree with the pinned one.
    #[error("the list of piece hashes does not agree with the manifest")]
    PieceList,
    /// This piece does not have its pinned hash.
    #[error("piece {0} does not have its pinned hash")]
    Piece(u64),
    /// The sealed part does not have its pinned hash, or names another document.
    #[error("the sealed part does not belong to this document")]
    SealedPart,
    /// The opened document has not the hash or size that the sealed part names.
    #[error("the document does not have the hash that its sender wrote down")]
    Plaintext,
    /// What would be sealed differs from what this key, nonce and counter sealed before.
    #[error("the file has changed since it was first sealed: start again with a new key")]
    Changed,
    /// The keyring could not be opened with this secret, or is another member's.
    #[error("the keyring cannot be opened with this secret")]
    Keyring,
    /// A length that no payload can have, or a range outside the document.
    #[error("impossible length")]
    Length,
    /// Reading or writing failed.
    #[error(transparent)]
    Io(std::io::Error),
}

impl From<std::io::Error> for Error {
    /// Readers of this module report their faults through [`std::io::Read`]: those come out as
    /// what they are.
    fn from(error: std::io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(ours) => ours,
            Err(foreign) => Self::Io(foreign),
        }
    }
}

impl Error {
    /// True when something was there but did not verify, as opposed to being absent, malformed
    /// or unreadable: exit status 4 on the command line.
    pub fn is_verification(&self) -> bool {
        matches!(
            self,
            Self::HeaderMac
                | Self::Payload
                | Self::Commitment
                | Self::PieceList
                | Self::Piece(_)
                | Self::SealedPart
                | Self::Plaintext
        )
    }
}
