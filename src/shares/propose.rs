//! Proposing: an accountant shares documents that they can open themselves.

use std::collections::BTreeSet;

use crate::access::Action;
use crate::api::{ProposeShare, ShareInfo, limits};
use crate::audit;
use crate::clock::Timestamp;
use crate::envelope::statement::{Category, Hash, Share};
use crate::envelope::{Header, Strength};
use crate::ids::ClientId;
use crate::notices::{self, Kind, Notice};
use crate::store::{self, NewShare, Tx};
use crate::trust::share::SharedList;

use super::{Error, Person, Settings, allow, info, plausible, ready, signed_by};

/// The longest name of a recipient, in bytes.
const MAX_RECIPIENT_BYTES: usize = 200;
/// Files a share, which then waits for the client's principal. The very same share again
/// changes nothing.
pub async fn propose(
    tx: &mut Tx,
    settings: &Settings,
    person: Person,
    proposed: &ProposeShare,
    now: Timestamp,
) -> Result<ShareInfo, Error> {
    ready(tx).await?;
    let note = &proposed.statement;
    let share: Share = note.decode().map_err(|_| Error::StatementRefused)?;
    plausible(share.time, now)?;
    let (client, sensitive) = documents(tx, person, proposed, &share).await?;
    match tx.share(share.share).await {
        Ok(known) if known.note.text() == note.text() && known.sharer == person.member => {
            return info(tx, settings, &known, now).await;
        }
        Ok(_) => return Err(Error::Taken),
        Err(store::Error::NotFound) => {}
        Err(error) => return Err(error.into()),
    }
    let directory = signed_by(tx, person, note).await?;
    if share.root != directory.root().key_id() || share.sealed != Hash::of(&proposed.sealed.0) {
        return Err(Error::StatementRefused);
    }
    let (shortest, longest) = (settings.min_seconds, settings.max_seconds);
    let fits = share.expires >= now.plus_secs(shortest - 60)
        && share.expires <= now.plus_secs(longest + 60)
        && (1..=limits::MAX_SHARE_DOWNLOADS).contains(&share.max_downloads)
        && proposed.sealed.0.len() <= SharedList::MAX_BYTES
        && proposed.recipient.len() <= MAX_RECIPIENT_BYTES
        && !proposed.recipient.chars().any(char::is_control);
    if !fits {
        return Err(Error::Limits);
    }
    let partner = tx.partner(share.partner).await?;
    if let Some(bar) = partner.bar(now, &settings.jurisdiction) {
        return Err(Error::Partner(bar));
    }
    let new = NewShare {
        share: &share,
        note,
        client,
        sharer: person.member,
        recipient: &proposed.recipient,
        has_code: proposed.has_code,
        find_hash: proposed.find_hash,
        open_hash: proposed.open_hash,
        sensitive,
        sealed: &proposed.sealed.0,
        documents: &proposed.documents,
    };
    tx.insert_share(&new, now).await.map_err(|error| match error {
        store::Error::Conflict => Error::Taken,
        other => other.into(),
    })?;
    let row = tx.share(share.share).await?;
    let documents: Vec<_> = share.documents.iter().map(ToString::to_string).collect();
    let event = person
        .did("share.propose", &row)
        .with("partner", share.partner.to_string())
        .with("purpose", share.purpose.as_str())
        .with("documents", documents);
    audit::append(tx, now, event).await?;
    notices::enqueue(tx, &Notice::new(Kind::Shared, client, row.id, now)).await?;
    let ends = Notice::new(Kind::Expiring, client, row.id, share.expires);
    notices::schedule(tx, &ends, notices::reminder(now, share.expires)).await?;
    info(tx, settings, &row, now).await
}

/// Whose documents they are, and whether a second person must agree. Each must be one that the
/// sharer can open, with a header that is not weaker than its own.
async fn documents(
    tx: &mut Tx,
    person: Person,
    proposed: &ProposeShare,
    share: &Share,
) -> Result<(ClientId, bool), Error> {
    let given: BTreeSet<_> = proposed.documents.iter().map(|d| d.document).collect();
    let stated: BTreeSet<_> = share.documents.iter().copied().collect();
    let fits = given == stated
        && given.len() == proposed.documents.len()
        && (1..=SharedList::MAX_DOCUMENTS).contains(&given.len());
    if !fits {
        return Err(Error::Documents);
    }
    let (mut client, mut sensitive) = (None, false);
    for shared in &proposed.documents {
        let seen = tx.seen_document(shared.document, person.member).await?;
        allow(person, Action::Share, &seen.facts)?;
        allow(person, Action::ReadDocument, &seen.facts)?;
        // Without a commitment a raw age file could be opened as two different documents.
        if seen.document.commitment.is_none() {
            return Err(Error::Documents);
        }
        if *client.get_or_insert(seen.document.client) != seen.document.client {
            return Err(Error::Documents);
        }
        sensitive |= seen.document.category == Category::Payroll;
        let first = tx.first_header(shared.document).await?.1;
        let (first, new) = (strength(&first)?, strength(&shared.header.0)?);
        if first == Strength::PostQuantum && new != Strength::PostQuantum {
            return Err(Error::Header);
        }
    }
    Ok((client.ok_or(Error::Documents)?, sensitive))
}

fn strength(header: &[u8]) -> Result<Strength, Error> {
    match Header::parse_detached(header).and_then(|header| header.strength()) {
        Ok(strength @ (Strength::X25519 | Strength::PostQuantum)) => Ok(strength),
        _ => Err(Error::Header),
    }
}
