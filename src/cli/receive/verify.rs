//! Whether what the gateway serves is what the sharer signed: root → lead → sharer → share →
//! sealed list, everything before a document is fetched.

use crate::api::OpenedShare;
use crate::cli::directory::refused;
use crate::cli::error::Error;
use crate::cli::words::Word;
use crate::clock::Timestamp;
use crate::envelope::open_small;
use crate::envelope::statement::{Hash, Share};
use crate::ids::MemberId;
use crate::trust::Directory;
use crate::trust::share::{ListedDocument, SharedList};

use super::journal::Journal;
use super::link::ShareLink;

/// A share that verified.
#[derive(Debug)]
pub(super) struct Verified {
    pub(super) share: Share,
    pub(super) sharer: MemberId,
    pub(super) documents: Vec<ListedDocument>,
}

fn unverified(what: &str) -> Error {
    Error::new(Word::ShareUnverified).about(what)
}

/// Verifies `opened` for `link`.
///
/// # Errors
/// [`Word::ForeignRoot`], [`Word::BadDirectory`], [`Word::ShareUnverified`].
pub(super) fn verify(
    link: &ShareLink,
    opened: &OpenedShare,
    journal: &Journal,
    now: Timestamp,
) -> Result<Verified, Error> {
    if opened.root.key_id() != link.fragment.root() {
        return Err(Error::new(Word::ForeignRoot));
    }
    let directory = Directory::verify(opened.root, &opened.statements).map_err(refused)?;
    let note = &opened.statement;
    let share: Share = note.decode().map_err(|_| unverified("statement"))?;
    if share.root != opened.root.key_id() || share.share != link.id {
        return Err(unverified("another share"));
    }
    let sharer = directory
        .cards()
        .find(|card| {
            directory.keeps_books(card.member)
                && directory.member_signed(card.member, note, share.time)
        })
        .map(|card| card.member)
        .ok_or_else(|| unverified("signature"))?;
    if share.expires <= now {
        return Err(unverified("it has expired"));
    }
    if !journal.agrees(&share) {
        return Err(unverified("another statement than before"));
    }
    let sealed = &opened.sealed.0;
    if sealed.len() > SharedList::MAX_BYTES || Hash::of(sealed) != share.sealed {
        return Err(unverified("sealed list"));
    }
    let json = open_small(sealed, &link.secrets.keys.identities())
        .map_err(|e| unverified("sealed list").because(e))?;
    let list: SharedList = serde_json::from_slice(&json).map_err(|_| unverified("sealed list"))?;
    if !list.agrees(&share) {
        return Err(unverified("set of documents"));
    }
    Ok(Verified { share, sharer, documents: list.documents })
}
