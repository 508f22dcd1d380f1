//! Of which firm a receipt is: by the profile, by what a person knows, or by the receipt's own file
//! alone.
//!
//! Invariant: a profile that knows one firm takes no receipt of another unless a person names that
//! one's root key; and what only the file itself says of the root key is told as such.

use std::path::Path;

use serde::Serialize;

use crate::cli::Context;
use crate::cli::error::Error;
use crate::cli::log;
use crate::cli::profile::Profile;
use crate::cli::words::Word;
use crate::envelope::statement::{PublicKey, Receipt, RootKnown};
use crate::merkle::{CosignerKey, LoggedProof};

use super::Kept;

/// From where the root key is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RootFrom {
    /// A person named it.
    Given,
    /// The profile pinned it.
    Profile,
    /// The receipt's file brought it, and nothing else vouches for it.
    File,
}

/// The firm that a receipt is believed to be of, and who must have cosigned its log.
pub(super) struct Firm {
    /// Its root key.
    pub(super) root: PublicKey,
    /// From where that is known.
    pub(super) from: RootFrom,
    /// The profile, where it is of this firm.
    pub(super) profile: Option<Profile>,
    /// The witness that is required, whatever firm the profile that says so is of.
    pub(super) witness: Option<CosignerKey>,
}

impl Firm {
    /// The firm of the receipt in `path`, where a person gave `root` and `witness`.
    ///
    /// # Errors
    /// [`Word::ForeignRoot`], [`Word::GatewayNeeded`], [`Word::BadWitnessKey`],
    /// [`Word::ProfileDamaged`].
    pub(super) fn of(
        context: &Context,
        (kept, receipt, path): (&Kept, &Receipt, &Path),
        given: Option<RootKnown>,
        witness: Option<&str>,
    ) -> Result<Self, Error> {
        let found = profile(context)?;
        let witness = match (witness, &found) {
            (Some(text), _) => Some(log::witness_key(text)?),
            (None, Some(profile)) => log::required(profile)?,
            (None, None) => None,
        };
        let is_here = |profile: &Profile| profile.info().root.key_id() == receipt.root;
        let from = match (given, &found) {
            (Some(_), _) => RootFrom::Given,
            (None, Some(profile)) if is_here(profile) => RootFrom::Profile,
            (None, Some(_)) => return Err(Error::new(Word::ForeignRoot)),
            (None, None) => RootFrom::File,
        };
        let profile = found.filter(is_here);
        let named = match given {
            Some(RootKnown::Key(key)) => Some(key),
            Some(RootKnown::Fingerprint(_)) | None => None,
        };
        let known = [profile.as_ref().map(|profile| profile.info().root), named, kept.root];
        let root = known.into_iter().flatten().next();
        let root = root.ok_or_else(|| Error::new(Word::GatewayNeeded).about_path(path))?;
        let one = known.into_iter().flatten().all(|key| key == root);
        let is_known = given.is_none_or(|given| given.is(root));
        if !one || !is_known || root.key_id() != receipt.root {
            return Err(Error::new(Word::ForeignRoot));
        }
        Ok(Self { root, from, profile, witness })
    }

    /// Whether `proof` is one that the required witness cosigned, or none is required.
    pub(super) fn is_cosigned(&self, proof: &LoggedProof) -> bool {
        self.witness.as_ref().is_none_or(|key| proof.checkpoint.cosigned_by(key).is_some())
    }

    /// Demands the cosignature under what was `kept`; nothing is asked of one that is not due yet.
    ///
    /// # Errors
    /// [`Word::NotCosigned`].
    pub(super) fn demand_witness(&self, kept: &Kept, due: bool) -> Result<(), Error> {
        match (&self.witness, &kept.proof) {
            (Some(witness), Some(proof)) if !self.is_cosigned(proof) => {
                Err(Error::new(Word::NotCosigned).about(witness.name()))
            }
            (Some(witness), None) if due => {
                Err(Error::new(Word::NotCosigned).about(witness.name()))
            }
            _ => Ok(()),
        }
    }
}

/// The profile that is named or usual, when there is one.
fn profile(context: &Context) -> Result<Option<Profile>, Error> {
    let Ok(dir) = context.profile_dir() else { return Ok(None) };
    if Profile::exists(&dir) { Profile::open(&dir).map(Some) } else { Ok(None) }
}
