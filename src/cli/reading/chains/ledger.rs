//! What a profile remembers of the chains of one client: the hash of every manifest by signer
//! and number, and which document it is about, where that was told.
//!
//! Invariant: a number has one hash for ever. Nothing of it is secret, and nothing of it is a
//! name.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::envelope::statement::{Category, Hash, Manifest, Period};
use crate::ids::{ClientId, DocumentId, KeyId};

use crate::cli::error::Error;
use crate::cli::error::file_error;
use crate::cli::profile::{self, Desk, Lock};
use crate::cli::words::Word;

const FOLDER: &str = "chains";

/// The document that a manifest is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About(
    /// The document.
    pub DocumentId,
    /// Its period.
    pub Period,
    /// Its category.
    pub Category,
);

/// One manifest of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Link(
    /// H of its text.
    pub(super) Hash,
    /// What it is about; none while that is not this reader's to know.
    pub(super) Option<About>,
    /// Whether the document was taken back.
    pub(super) bool,
);

impl Link {
    /// The document it is about, when that is known and it should be there.
    pub(super) fn standing(&self) -> Option<About> {
        self.1.filter(|_| !self.2)
    }
}

/// The chains of one client as they were seen last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ledger {
    /// Where the gateway's order had come to.
    pub(super) next: u64,
    /// H of the manifest at that place.
    pub(super) last: Option<Hash>,
    /// The categories that this reader could see then.
    pub(super) sees: BTreeSet<Category>,
    /// Every manifest by its signer, from number 1 on.
    pub(super) signers: BTreeMap<KeyId, Vec<Link>>,
}

/// Why a manifest does not go on from what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A number, or what was signed before, is missing.
    Gap,
    /// The number belongs to another manifest.
    Forked,
}

impl Ledger {
    /// What `desk` remembers of `client`.
    ///
    /// # Errors
    /// [`Word::ProfileDamaged`].
    pub(super) fn read(desk: &Desk, client: ClientId) -> Result<Self, Error> {
        let path = desk.folder(FOLDER)?.join(format!("{client}.json"));
        Ok(profile::read_json(&path)?.unwrap_or_default())
    }

    /// Remembers this.
    ///
    /// # Errors
    /// [`Word::CannotWrite`], [`Word::DiskFull`].
    pub(super) fn store(&self, desk: &Desk, client: ClientId) -> Result<(), Error> {
        let path = desk.folder(FOLDER)?.join(format!("{client}.json"));
        let text = serde_json::to_vec(self)
            .map_err(|e| Error::new(Word::Internal).about_path(&path).because(e))?;
        profile::replace_private(&path, &text).map_err(|e| file_error(Word::CannotWrite, &path, &e))
    }

    /// The turn of one command to look at the chains of `client`.
    ///
    /// # Errors
    /// [`Word::CannotWrite`].
    pub(super) async fn turn(desk: &Desk, client: ClientId) -> Result<Lock, Error> {
        let path = desk.folder(FOLDER)?.join(format!("{client}.lock"));
        Lock::wait_async(path.clone()).await.map_err(|e| file_error(Word::CannotWrite, &path, &e))
    }

    /// Clients of whose chains `desk` remembers something.
    ///
    /// # Errors
    /// [`Word::CannotRead`].
    pub(super) fn clients(desk: &Desk) -> Result<BTreeSet<ClientId>, Error> {
        desk.clients_in(FOLDER)
    }

    /// The manifest with a number.
    pub(super) fn link(&self, signer: KeyId, seq: u64) -> Option<&Link> {
        let at = usize::try_from(seq.checked_sub(1)?).ok()?;
        self.signers.get(&signer)?.get(at)
    }

    /// Whether somebody signed a manifest of `document`.
    pub(super) fn is_about(&self, document: DocumentId) -> bool {
        let is = |link: &Link| link.1.is_some_and(|about| about.0 == document);
        self.signers.values().flatten().any(is)
    }

    /// Whether something of it is about documents that are not this reader's to know.
    pub(super) fn has_hidden(&self) -> bool {
        self.signers.values().flatten().any(|link| link.1.is_none())
    }

    /// Takes the next manifest of `signer`, with what it says where that is known and verified.
    ///
    /// # Errors
    /// [`Fault`] when it is not the next one; one that is known already is no fault.
    pub(super) fn take(
        &mut self,
        signer: KeyId,
        seq: u64,
        hash: Hash,
        said: Option<&Manifest>,
    ) -> Result<(), Fault> {
        let about = said.map(|said| About(said.document, said.period, said.category));
        let chain = self.signers.entry(signer).or_default();
        let at = seq.checked_sub(1).and_then(|at| usize::try_from(at).ok()).ok_or(Fault::Gap)?;
        if let Some(known) = chain.get_mut(at) {
            if known.0 != hash {
                return Err(Fault::Forked);
            }
            known.1 = known.1.or(about);
            return Ok(());
        }
        let before = chain.last().map(|link| link.0);
        // What is hidden is bound by the first one after it whose text is told.
        if at != chain.len() || said.is_some_and(|said| said.prev != before) {
            return Err(Fault::Gap);
        }
        chain.push(Link(hash, about, false));
        Ok(())
    }

    /// Notes that `signer` took `document` back. Whether that changed anything.
    pub(super) fn mark_gone(&mut self, signer: KeyId, document: DocumentId) -> bool {
        let mut changed = false;
        for link in self.signers.entry(signer).or_default() {
            if !link.2 && link.1.is_some_and(|about| about.0 == document) {
                link.2 = true;
                changed = true;
            }
        }
        changed
    }
}
