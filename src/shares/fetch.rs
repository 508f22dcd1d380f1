//! Fetching documents under a lease.

use crate::audit::{self, Event};
use crate::clock::Timestamp;
use crate::envelope::statement::{Hash, Share};
use crate::ids::{DocumentId, LeaseId, ShareId};
use crate::notices::{self, Kind, Notice};
use crate::secrets::Secret;
use crate::store::{self, Document, Segment, Store, Wanted};

use super::{Error, Settings, ready};

/// What proves a lease.
#[derive(Debug)]
pub struct LeaseProof {
    /// The lease.
    pub lease: LeaseId,
    /// `open` of its share.
    pub open: Secret<32>,
}

/// A document that may be fetched.
#[derive(Debug)]
pub struct Fetching {
    /// The header that the share's identity opens.
    pub header: Vec<u8>,
    /// The document.
    pub document: Document,
    /// Where its payload lies.
    pub segments: Vec<Segment>,
}

fn wanted<'a>(
    settings: &'a Settings,
    share: ShareId,
    proof: &LeaseProof,
    now: Timestamp,
) -> Wanted<'a> {
    let open = Hash::of(proof.open.expose());
    Wanted {
        share,
        lease: proof.lease,
        proofs: (open, open),
        now,
        lease_seconds: 0,
        jurisdiction: &settings.jurisdiction,
    }
}

/// A document under a lease; nothing leaves by asking.
///
/// # Errors
/// [`Error::NotFound`] for everything that may not be fetched now.
pub async fn fetchable(
    store: &Store,
    settings: &Settings,
    share: ShareId,
    document: DocumentId,
    proof: &LeaseProof,
    now: Timestamp,
) -> Result<Fetching, Error> {
    let mut tx = store.read().await?;
    ready(&mut tx).await?;
    let leased = tx.leased(&wanted(settings, share, proof, now), document).await?;
    let segments = tx.segments(document).await?;
    let document = tx.document(document).await?;
    Ok(Fetching { header: leased.header, document, segments })
}

/// As [`fetchable`], with the fetching recorded before the first byte leaves: once for each
/// lease and document.
///
/// # Errors
/// As [`fetchable`].
pub async fn start_fetch(
    store: &Store,
    settings: &Settings,
    share: ShareId,
    document: DocumentId,
    proof: &LeaseProof,
    now: Timestamp,
) -> Result<Fetching, Error> {
    let mut tx = store.write().await?;
    ready(&mut tx).await?;
    let leased = tx.leased(&wanted(settings, share, proof, now), document).await?;
    let segments = tx.segments(document).await?;
    let document = tx.document(document).await?;
    let (new, first) = tx.header_leaves(share, proof.lease, document.id, now).await?;
    if new {
        tx.mark_opened(document.id, now).await?;
        let row = tx.share(share).await?;
        let said: Share =
            row.note.decode().map_err(|_| Error::Store(store::Error::Corrupt("shares.note")))?;
        let event = Event::new("share.fetch")
            .client(document.client)
            .object(document.id)
            .sealed_as(document.manifest, document.commitment)
            .with("share", share.to_string())
            .with("partner", row.partner.to_string())
            .with("purpose", said.purpose.as_str())
            .with("lease", proof.lease.to_string());
        audit::append(&mut tx, now, event).await?;
    }
    if first {
        let told = Notice::new(Kind::Opened, document.client, share, now);
        notices::enqueue(&mut tx, &told).await?;
    }
    tx.commit().await?;
    Ok(Fetching { header: leased.header, document, segments })
}

/// Whether a lease may still fetch: asked again and again while a download runs.
///
/// # Errors
/// [`Error::Store`].
pub async fn stands(
    store: &Store,
    settings: &Settings,
    share: ShareId,
    document: DocumentId,
    proof: &LeaseProof,
    now: Timestamp,
) -> Result<bool, Error> {
    let mut tx = store.read().await?;
    match tx.leased(&wanted(settings, share, proof, now), document).await {
        Ok(_) => Ok(true),
        Err(store::Error::NotFound) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
