//! Asking the gateway for what proves a receipt, once.

use crate::api::LogProof;
use crate::cli::Context;
use crate::cli::error::{Error, file_error};
use crate::cli::gateway::{Ask, Gateway};
use crate::cli::log::{self, GatewayKeys, Memory};
use crate::cli::profile;
use crate::cli::words::Word;
use crate::envelope::statement::{Entry, Receipt, Statement};
use crate::merkle::{LoggedProof, SignedNote};

use super::{Firm, Kept, VerifyArgs, is_promised};

/// Fetches cards and proof, demands that the log grew out of what this profile saw, and keeps
/// them in the receipt's file.
pub(super) async fn fetch(
    context: &Context,
    args: &VerifyArgs,
    kept: &mut Kept,
    receipt: &Receipt,
    firm: &Firm,
) -> Result<(), Error> {
    let path = &args.receipt;
    let (root, profile, witness) = (firm.root, firm.profile.as_ref(), firm.witness.as_ref());
    let url = args
        .gateway
        .clone()
        .or_else(|| profile.map(|profile| profile.info().gateway.clone()))
        .or_else(|| kept.gateway.clone())
        .ok_or_else(|| Error::new(Word::GatewayNeeded).about_path(path))?;
    let pinned = match profile {
        Some(profile) => profile.ca()?,
        None => None,
    };
    let gateway = Gateway::at(&url, context.ca()?.or(pinned).as_deref())?;
    let memory = match profile {
        Some(profile) => Some(Memory::of(profile).await?),
        None => None,
    };
    let since = memory.as_ref().map_or(0, Memory::since);
    let wanted = log::named(witness);
    let ask = Ask::get(format!("/log/proofs/{}?since={since}{wanted}", receipt.entry));
    let answer: LogProof = match gateway.json(&ask, None).await {
        Err(error) if error.word() == Word::NotFound => {
            return Err(Error::new(Word::PromiseBroken).about(receipt.document));
        }
        answer => answer?,
    };
    let bad = || Error::new(Word::BadProof).about(receipt.document);
    let keys = GatewayKeys::of(root, &answer.cards)?;
    if !keys.signed_receipt(&kept.receipt) {
        return Err(Error::new(Word::BadReceipt).about(receipt.document));
    }
    let entry = Entry::from_text(&answer.entry).map_err(|_| bad())?;
    if !is_promised(&entry, receipt) {
        return Err(bad());
    }
    let newest = match &answer.head.checkpoint {
        Some(text) => {
            let note = SignedNote::parse(text).map_err(|_| bad())?;
            Some(keys.checkpoint(&note).ok_or_else(bad)?)
        }
        None => None,
    };
    let proof = match &answer.proof {
        Some(text) => Some(LoggedProof::parse(text).map_err(|_| bad())?),
        None => None,
    };
    let now = context.clock.now();
    let cosigned = match (witness, &newest) {
        (Some(witness), Some(newest)) => {
            Some((witness, keys.cosigned(witness, newest, &answer.head, now)?))
        }
        _ => None,
    };
    let cosigned = cosigned.as_ref().map(|(witness, older)| (*witness, older));
    let under = cosigned.map(|(_, older)| older).or(newest.as_ref());
    if let Some(proof) = &proof {
        let covering = keys.checkpoint(&proof.checkpoint).ok_or_else(bad)?;
        let same = under.is_some_and(|under| under.head == covering.head);
        if !same || proof.includes(&receipt.entry.0) != Ok(true) {
            return Err(bad());
        }
    }
    match (memory, &newest) {
        (Some(memory), Some(newest)) => memory.advance(newest, &answer.head, cosigned, now)?,
        (Some(memory), None) => memory.nothing_there(witness)?,
        (None, _) => {}
    }
    kept.cards = answer.cards;
    kept.gateway.get_or_insert_with(|| gateway.origin().to_owned());
    kept.root = Some(root);
    kept.entry = Some(entry);
    // One that a witness has not cosigned yet is still a proof.
    kept.proof = proof.or(kept.proof.take());
    profile::replace_private(path, kept.to_string().as_bytes())
        .map_err(|e| file_error(Word::CannotWrite, path, &e))
}
