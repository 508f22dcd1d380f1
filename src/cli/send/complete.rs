//! Signing and completing: the manifest with the next number of the chain, and the receipt.
//!
//! The number is taken at completion. Invariant: a manifest is signed only onto the signer's
//! own valid head, never onto one older than this device remembers, and a document is done only
//! when a receipt of the firm's gateway names its manifest.

use std::path::PathBuf;

use http::HeaderValue;
use http::header::CONTENT_TYPE;

use crate::api::frames::{self, Frames};
use crate::api::{Base64, Complete, Completed, DocumentInfo, LinkSeen, ManifestHead};
use crate::cli::error::{Error, Exit, file_error};
use crate::cli::gateway::{Ask, Line};
use crate::cli::profile::{self, Head};
use crate::cli::receipt::Kept;
use crate::cli::words::Word;
use crate::envelope::Nonce;
use crate::envelope::statement::{Hash, Manifest, Note, Receipt, Role, SealLevel};
use crate::ids::DocumentId;

use super::Dispatch;
use super::tus::Patience;

/// How often others of the same signer may be faster before it is given up.
const MAX_RACES: usize = 50;

/// What the manifest says about one document.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    /// The document.
    pub document: DocumentId,
    /// The payload's nonce.
    pub nonce: Nonce,
    /// Bytes of the payload.
    pub length: u64,
    /// The combined hash of the pieces.
    pub pieces: Hash,
    /// The commitment.
    pub commit: Hash,
    /// The sealed part.
    pub part: Vec<u8>,
}

/// How the manifest reaches the gateway.
pub(crate) enum Delivery<'a> {
    /// With everything else in one request.
    Whole {
        /// The age header.
        header: &'a [u8],
        /// The payload.
        payload: &'a [u8],
    },
    /// After a resumable upload.
    Uploaded,
}

impl Dispatch {
    fn manifest(&self, sealed: &Sealed, head: Option<&Head>) -> Note {
        let manifest = Manifest {
            root: self.directory.root().key_id(),
            client: self.place.client,
            document: sealed.document,
            signer: self.sign.key_id(),
            seq: head.map_or(1, |head| head.seq + 1),
            prev: head.map(|head| head.manifest.hash()),
            seal: SealLevel::EndToEnd,
            direction: self.place.direction,
            period: self.place.period,
            category: self.place.category,
            nonce: sealed.nonce,
            length: sealed.length,
            pieces: sealed.pieces,
            commit: sealed.commit,
            sealed: Hash::of(&sealed.part),
            recipients: self.fingerprints.clone(),
            time: self.clock.now(),
        };
        Note::sign(&manifest, &[&self.sign])
    }

    /// Signs, completes, and keeps the receipt. Returns where the receipt is.
    ///
    /// # Errors
    /// What the gateway refuses with, [`Word::BadHead`], [`Word::BadReceipt`], and
    /// [`Word::Unreachable`] when `patience` ends.
    pub(crate) async fn complete(
        &self,
        sealed: &Sealed,
        delivery: Delivery<'_>,
        patience: &mut Patience,
    ) -> Result<PathBuf, Error> {
        let (note, receipt) = self.sign_in_turn(sealed, delivery, patience).await?;
        self.keep_receipt(sealed.document, &note, &receipt)
    }

    /// Signs and completes while no other command of this profile does.
    async fn sign_in_turn(
        &self,
        sealed: &Sealed,
        delivery: Delivery<'_>,
        patience: &mut Patience,
    ) -> Result<(Note, Note), Error> {
        let client = self.place.client;
        let _turn = self.desk.head_turn(client).await?;
        let mut head = match self.desk.head(client)? {
            Some(head) => Some(head),
            None => self.remote_head(None).await?,
        };
        for _ in 0..MAX_RACES {
            let note = self.manifest(sealed, head.as_ref());
            self.note_pending(sealed.document, &note)?;
            match self.hand_over(sealed, &note, &delivery, patience).await {
                Ok(receipt) => {
                    self.remember(&note)?;
                    return Ok((note, receipt));
                }
                Err(error) if matches!(error.word(), Word::ChainMoved | Word::DocumentExists) => {
                    // An earlier try may have arrived although its answer was lost.
                    if let Some(arrived) = self.arrived(sealed.document, sealed.commit).await? {
                        self.remember(&arrived.0)?;
                        return Ok(arrived);
                    }
                    let newer = self.remote_head(head.as_ref()).await?;
                    if newer == head {
                        return Err(error);
                    }
                    head = newer;
                }
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(Word::ChainMoved))
    }

    async fn hand_over(
        &self,
        sealed: &Sealed,
        note: &Note,
        delivery: &Delivery<'_>,
        patience: &mut Patience,
    ) -> Result<Note, Error> {
        let ask = match delivery {
            Delivery::Whole { header, payload } => {
                let manifest = note.to_string();
                let frames =
                    Frames { manifest: manifest.as_bytes(), sealed: &sealed.part, header, payload };
                Ask::new(http::Method::POST, "/documents")
                    .with(CONTENT_TYPE, HeaderValue::from_static(frames::CONTENT_TYPE))
                    .with_body(frames.to_body().into())
            }
            Delivery::Uploaded => {
                let complete =
                    Complete { manifest: note.clone(), sealed: Base64(sealed.part.clone()) };
                Ask::post(format!("/uploads/{}/complete", sealed.document), &complete)?
            }
        };
        loop {
            match self.line.json::<Completed>(&ask).await {
                Ok(completed) => return Ok(completed.receipt),
                Err(error) if error.is_passing() => patience.wait(error).await?,
                Err(error) => return Err(error),
            }
        }
    }

    /// The manifest and receipt of a document that is complete on the gateway as this device
    /// sealed it.
    async fn arrived(
        &self,
        document: DocumentId,
        commit: Hash,
    ) -> Result<Option<(Note, Note)>, Error> {
        let session = match &*self.line {
            Line::Session(session) => session,
            Line::Link(_) => return self.arrived_through_link(document, commit).await,
        };
        let info: DocumentInfo = match session.get(format!("/documents/{document}")).await {
            Ok(info) => info,
            Err(error) if error.word() == Word::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let complete = info.state.is_complete();
        let (Some(manifest), Some(receipt), true) = (info.manifest, info.receipt, complete) else {
            return Ok(None);
        };
        let own = manifest
            .verify::<Manifest>(&self.sign.public())
            .is_ok_and(|said| said.document == document && said.commit == commit);
        Ok(own.then_some((manifest, receipt)))
    }

    /// The same through a link, whose holder can read nothing: the manifest that was handed over
    /// is handed over again, and gets the same receipt if it had arrived.
    async fn arrived_through_link(
        &self,
        document: DocumentId,
        commit: Hash,
    ) -> Result<Option<(Note, Note)>, Error> {
        let Some(note) = self.pending(document)? else { return Ok(None) };
        let own = note
            .verify::<Manifest>(&self.sign.public())
            .is_ok_and(|said| said.document == document && said.commit == commit);
        if !own {
            return Ok(None);
        }
        let complete = Complete { manifest: note.clone(), sealed: Base64(Vec::new()) };
        let ask = Ask::post(format!("/uploads/{document}/complete"), &complete)?;
        match self.line.json::<Completed>(&ask).await {
            Ok(completed) => Ok(Some((note, completed.receipt))),
            Err(error) if error.exit() == Exit::Refused => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The newest own manifest as the gateway has it, when it is valid and not older than
    /// `known`.
    async fn remote_head(&self, known: Option<&Head>) -> Result<Option<Head>, Error> {
        let (client, signer) = (self.place.client, self.sign.key_id());
        let path = format!("/clients/{client}/manifest-head?signer={signer}");
        let ManifestHead { seq, manifest } = match &*self.line {
            Line::Session(session) => session.get(path).await?,
            Line::Link(link) => link.get::<LinkSeen>("").await?.head,
        };
        let head = manifest.map(|manifest| Head { seq, manifest });
        self.check_head(head, known)
    }

    fn check_head(&self, head: Option<Head>, known: Option<&Head>) -> Result<Option<Head>, Error> {
        let bad = || Error::new(Word::BadHead);
        let Some(head) = head else {
            return if known.is_none() { Ok(None) } else { Err(bad()) };
        };
        let manifest: Manifest = head.manifest.verify(&self.sign.public()).map_err(|_| bad())?;
        let fits = manifest.client == self.place.client
            && manifest.signer == self.sign.key_id()
            && manifest.root == self.directory.root().key_id()
            && manifest.seq == head.seq;
        let follows = known.is_none_or(|known| match head.seq.checked_sub(known.seq) {
            Some(0) => head.manifest.hash() == known.manifest.hash(),
            Some(1) => manifest.prev == Some(known.manifest.hash()),
            Some(_) => true,
            None => false,
        });
        if fits && follows { Ok(Some(head)) } else { Err(bad()) }
    }

    /// Remembers `manifest` as the newest for its client, unless a newer one is known.
    fn remember(&self, manifest: &Note) -> Result<(), Error> {
        let desk = &self.desk;
        let seq = manifest.decode::<Manifest>().map_or(0, |m| m.seq);
        if desk.head(self.place.client)?.is_none_or(|known| known.seq < seq) {
            let head = Head { seq, manifest: manifest.clone() };
            desk.store_head(self.place.client, &head)?;
        }
        Ok(())
    }

    /// Verifies the receipt and keeps it in the profile.
    fn keep_receipt(
        &self,
        document: DocumentId,
        manifest: &Note,
        receipt: &Note,
    ) -> Result<PathBuf, Error> {
        self.check_receipt(document, manifest, receipt)?;
        let folder = self.desk.folder("receipts")?;
        let path = folder.join(format!("{document}.txt"));
        let kept = Kept {
            receipt: receipt.clone(),
            gateway: Some(self.line.origin().to_owned()),
            root: Some(self.directory.root()),
            cards: Vec::new(),
            entry: None,
            proof: None,
        };
        profile::replace_private(&path, kept.to_string().as_bytes())
            .map_err(|e| file_error(Word::CannotWrite, &path, &e))?;
        if !self.several {
            self.forget_pending(document);
        }
        Ok(path)
    }

    fn check_receipt(
        &self,
        document: DocumentId,
        manifest: &Note,
        receipt: &Note,
    ) -> Result<(), Error> {
        let bad = || Error::new(Word::BadReceipt).about(document);
        let signed = self.directory.cards().any(|card| {
            card.role == Role::GatewayReceipt
                && self.directory.is_active(card.member)
                && receipt.signed_by(&card.sign)
        });
        let said: Receipt = receipt.decode().map_err(|_| bad())?;
        let sent: Manifest = manifest.decode().map_err(|_| bad())?;
        let agrees = said.root == sent.root
            && said.document == document
            && said.manifest == Some(manifest.hash())
            && said.pieces == sent.pieces
            && said.commit == Some(sent.commit)
            && said.recipients == sent.recipients;
        if signed && agrees { Ok(()) } else { Err(bad()) }
    }

    /// Keeps the receipt of a document that an earlier command completed.
    ///
    /// # Errors
    /// As [`Dispatch::complete`].
    pub(crate) async fn finished_before(
        &self,
        document: DocumentId,
        commit: Hash,
    ) -> Result<Option<PathBuf>, Error> {
        let _turn = self.desk.head_turn(self.place.client).await?;
        let Some((manifest, receipt)) = self.arrived(document, commit).await? else {
            return Ok(None);
        };
        self.remember(&manifest)?;
        self.keep_receipt(document, &manifest, &receipt).map(Some)
    }
}
