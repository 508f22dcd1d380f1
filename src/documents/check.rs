//! What a manifest must agree with before a document is complete.

use crate::api::DocumentState;
use crate::audit::Event;
use crate::clock::Timestamp;
use crate::envelope::statement::{
    Category, Direction, Hash, Manifest, Note, Period, Receipt, Role, SealLevel,
};
use crate::envelope::{SealedPart, Strength};
use crate::ids::{ClientId, DocumentId, MemberId};
use crate::store::{self, Completion, GrantReason, Tx};
use crate::trust::{Demand, Directory, Reader};

use super::error::moved;
use super::{Documents, Error, Sender, record};

/// What the gateway itself knows of a document that is to be completed.
pub(super) struct Facts {
    pub(super) document: DocumentId,
    pub(super) client: ClientId,
    pub(super) direction: Direction,
    pub(super) period: Period,
    pub(super) category: Category,
    pub(super) nonce: Option<[u8; 16]>,
    pub(super) length: u64,
    pub(super) pieces: Hash,
    pub(super) strength: Strength,
}

/// A manifest that agrees with everything.
pub(super) struct Checked {
    pub(super) manifest: Manifest,
    pub(super) readers: Vec<Reader>,
}

/// Checks a sender's manifest against the document and the firm's statements.
pub(super) async fn manifest(
    tx: &mut Tx,
    directory: &Directory,
    sender: Sender,
    note: &Note,
    sealed: &[u8],
    facts: &Facts,
    here: (&str, Timestamp),
) -> Result<Checked, Error> {
    sender.may_send(tx, facts.client, facts.category, facts.direction, here).await?;
    let (manifest, signer) = directory.verify_manifest(note)?;
    let agrees = [
        ("signer", sender.signed(&signer)),
        ("document", manifest.document == facts.document),
        ("client", manifest.client == facts.client),
        ("direction", manifest.direction == facts.direction),
        ("period", manifest.period == facts.period),
        ("category", manifest.category == facts.category),
        ("seal", manifest.seal == SealLevel::EndToEnd),
        ("nonce", Some(manifest.nonce.0) == facts.nonce),
        ("length", manifest.length == facts.length),
        ("pieces", manifest.pieces == facts.pieces),
        ("sealed", sealed.len() <= SealedPart::MAX_BYTES && manifest.sealed == Hash::of(sealed)),
    ];
    if let Some((key, _)) = agrees.iter().find(|(_, holds)| !holds) {
        return Err(Error::Mismatch(key));
    }
    let readers = demanded(directory, sender, &manifest, facts.strength)?;
    continues(tx, &manifest).await?;
    Ok(Checked { manifest, readers })
}

/// Checks once more what may have changed since [`manifest`] found everything in order by the
/// same directory: the sender's rights. If the chain has moved, it does not take the manifest.
pub(super) async fn still(
    tx: &mut Tx,
    sender: Sender,
    checked: &Checked,
    here: (&str, Timestamp),
) -> Result<(), Error> {
    let Manifest { client, category, direction, .. } = checked.manifest;
    sender.may_send(tx, client, category, direction, here).await
}

/// Everybody the statements demand, if the manifest names exactly them and the header rests
/// on their kind of key. A partner who gives back may leave out the client's own people: the
/// manifest they signed then names the firm's side alone, and nobody adds the others later.
fn demanded(
    directory: &Directory,
    sender: Sender,
    manifest: &Manifest,
    strength: Strength,
) -> Result<Vec<Reader>, Error> {
    let Manifest { client, category, direction, .. } = *manifest;
    let mut readers = directory.readers(Demand { client, category, direction })?;
    let mut named = manifest.recipients.clone();
    named.sort_unstable();
    named.dedup();
    let exactly = |readers: &[Reader]| {
        let mut fingerprints: Vec<Hash> = readers.iter().map(Reader::fingerprint).collect();
        fingerprints.sort_unstable();
        fingerprints.dedup();
        fingerprints == named
    };
    if sender.gives_back() && !exactly(&readers) {
        readers.retain(Reader::is_firm_side);
    }
    let post_quantum = directory.is_post_quantum(client);
    let fits = (strength == Strength::PostQuantum) == post_quantum;
    if exactly(&readers) && fits { Ok(readers) } else { Err(Error::Recipients) }
}

/// The manifest must be the next of its chain.
async fn continues(tx: &mut Tx, manifest: &Manifest) -> Result<(), Error> {
    let head = tx.manifest_head(manifest.signer, manifest.client).await?;
    let (seq, prev) = head.as_ref().map_or((1, None), |h| (h.seq + 1, Some(h.note.hash())));
    if manifest.seq == seq && manifest.prev == prev { Ok(()) } else { Err(moved(head)) }
}

/// Why each reader who has an account may fetch the document.
pub(super) fn grants(readers: &[Reader], sender: Option<MemberId>) -> Vec<(MemberId, GrantReason)> {
    readers
        .iter()
        .filter(|reader| reader.role != Role::Recovery)
        .map(|reader| {
            let reason = if Some(reader.member) == sender {
                GrantReason::Sent
            } else if reader.role == Role::Accountant {
                GrantReason::Assigned
            } else {
                GrantReason::Own
            };
            (reader.member, reason)
        })
        .collect()
}

/// What completion needs beside the manifest.
pub(super) struct Finish<'a> {
    pub(super) document: DocumentId,
    pub(super) header: i64,
    pub(super) pieces: Hash,
    pub(super) sealed: &'a [u8],
    pub(super) note: &'a Note,
    pub(super) checked: &'a Checked,
    pub(super) sender: Option<MemberId>,
    pub(super) event: Event,
}

impl Documents {
    /// Makes a document complete in the caller's transaction: manifest, grants, audit entry,
    /// receipt.
    pub(super) async fn finish(
        &self,
        tx: &mut Tx,
        finish: Finish<'_>,
        now: Timestamp,
    ) -> Result<Note, Error> {
        let Finish { document, header, pieces, sealed, note, checked, sender, event } = finish;
        let manifest = &checked.manifest;
        match tx.insert_manifest(note, manifest, now).await {
            Ok(()) => {}
            Err(store::Error::Conflict) => {
                return Err(moved(tx.manifest_head(manifest.signer, manifest.client).await?));
            }
            Err(error) => return Err(error.into()),
        }
        tx.grant(document, header, &grants(&checked.readers, sender), now, false).await?;
        let event = event
            .client(manifest.client)
            .object(document)
            .sealed_as(Some(note.hash()), Some(manifest.commit))
            .with("seal", manifest.seal.as_str());
        let entry = record(tx, now, event).await?;
        let receipt = self.receipt(
            document,
            Some(note.hash()),
            pieces,
            Some(manifest.commit),
            manifest.recipients.clone(),
            entry,
            now,
        );
        let completion = Completion {
            pieces,
            commitment: Some(manifest.commit),
            manifest: Some(note.hash()),
            sealed,
            receipt: &receipt,
            at: now,
        };
        tx.complete_document(document, &completion).await.map_err(|error| match error {
            store::Error::Conflict => Error::WrongState,
            other => other.into(),
        })?;
        Ok(receipt)
    }

    /// The gateway's signed promise.
    #[expect(clippy::too_many_arguments, reason = "one for each key of the statement")]
    pub(super) fn receipt(
        &self,
        document: DocumentId,
        manifest: Option<Hash>,
        pieces: Hash,
        commit: Option<Hash>,
        recipients: Vec<Hash>,
        entry: Hash,
        time: Timestamp,
    ) -> Note {
        let root = self.inner.keys.root;
        let receipt = Receipt { root, document, manifest, pieces, commit, recipients, entry, time };
        Note::sign(&receipt, &[&self.inner.keys.receipt])
    }

    /// The answer to a completion that had been done before: where the document stands and,
    /// for the same manifest, the same receipt. `None` while it is not complete;
    /// [`Error::WrongState`] once it has been taken back.
    pub(super) async fn done_before(
        &self,
        tx: &mut Tx,
        sender: Sender,
        document: DocumentId,
        note: &Note,
    ) -> Result<Option<(DocumentState, Note)>, Error> {
        // A link is no member, and is told nothing that depends on being one.
        let member = sender.member().unwrap_or(MemberId::from_bytes([0; 16]));
        let seen = tx.seen_document(document, member).await?;
        if !sender.owns(&seen.document) {
            return Err(Error::Exists);
        }
        match (seen.document.state, seen.manifest, seen.receipt) {
            (DocumentState::Uploading, ..) => Ok(None),
            (state, Some(manifest), Some(receipt)) if super::error::same(&manifest, note) => {
                if state == DocumentState::Recalled {
                    return Err(Error::WrongState);
                }
                Ok(Some((state, receipt)))
            }
            _ => Err(Error::Exists),
        }
    }
}
