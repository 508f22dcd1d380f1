//! Whether a document was taken back, which only its sender can say.
//!
//! A recall is a revocation of the document. It is no part of the directory: nothing else rests
//! on it, and what the gateway says without one counts for nothing.

use crate::envelope::statement::{Note, Revocation, RevocationKind};
use crate::ids::{DocumentId, KeyId};

use super::directory::{Directory, Error};

impl Directory {
    /// Verifies that the member who signed a document's manifest with the key `sender` takes it
    /// back by `note`, with that key or one that has followed it. Returns what `note` says and
    /// of which document; that the manifest of it is `sender`'s is for the caller to know.
    ///
    /// # Errors
    /// [`Error::ForeignRoot`]; [`Error::NotAuthorised`] for everything else that it may not say:
    /// links and the gateway take nothing back.
    pub fn verify_recall(
        &self,
        note: &Note,
        sender: KeyId,
    ) -> Result<(DocumentId, Revocation), Error> {
        let said: Revocation = note.decode()?;
        if said.root != self.root().key_id() {
            return Err(Error::ForeignRoot);
        }
        let card = self.card_by_key(sender).ok_or(Error::NotAuthorised)?;
        let spoke = card.role.is_person() && self.member_signed(card.member, note, said.time);
        let document = said.subject.to_string().parse().map_err(|_| Error::Malformed)?;
        if spoke && said.kind == RevocationKind::Document && said.prev.is_none() {
            Ok((document, said))
        } else {
            Err(Error::NotAuthorised)
        }
    }
}
