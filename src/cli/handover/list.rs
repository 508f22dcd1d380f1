//! The hand-over list (移交清册) as this device draws it up: every document of the clients handed
//! over, as its sender signed it.
//!
//! Refuses whatever the chains of the clients do not bear out: a document that is not shown, one
//! that was sent and is called unfinished, and one that is called newer than the list although
//! its sender had not sealed it to the successor.

use std::collections::BTreeSet;

use crate::api::DocumentInfo;
use crate::cli::error::Error;
use crate::cli::reading::{About, Query, Reading, Said, envelope_error};
use crate::cli::words::Word;
use crate::clock::Timestamp;
use crate::envelope::Header;
use crate::envelope::statement::{Category, Handover, Note};
use crate::ids::{ClientId, DocumentId, MemberId};
use crate::trust::handover::{Line, List};

/// What somebody looks after, as the gateway shows it and its senders signed it.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    documents: Vec<(DocumentInfo, Said)>,
}

/// Gathers the complete documents of `clients` that `from` looks after.
///
/// # Errors
/// [`Word::BadSignature`], [`Word::Missing`] and the others of chains, and those of asking.
pub(super) async fn gather(
    reading: &Reading<'_>,
    clients: &[ClientId],
    from: MemberId,
) -> Result<Gathered, Error> {
    let mut gathered = Gathered::default();
    for client in clients {
        let directory = reading.directory(*client).await?;
        let theirs = |category: Category| directory.assigned(*client, category).contains(&from);
        let query = Query { client: Some(*client), ..Query::default() };
        let mut listed = reading.find(&query).await?;
        let findings = reading.follow(&query, &listed.iter().collect::<Vec<_>>()).await?;
        if let Some(missing) = findings.missing.first() {
            return Err(Error::new(missing.word).about(missing.about.0));
        }
        if let Some(broken) = findings.broken() {
            return Err(broken);
        }
        listed.retain(|info| info.client == *client && info.state.is_complete());
        let shown: BTreeSet<DocumentId> = listed.iter().map(|info| info.document).collect();
        for About(document, ..) in findings.standing().filter(|about| !shown.contains(&about.0)) {
            // It came between two answers, or was left out of one.
            let info = reading.document(document).await?;
            if !info.state.is_complete() {
                return Err(Error::new(Word::Missing).about(document));
            }
            listed.push(info);
        }
        for info in listed {
            // Before its category counts, which is its sender's to say.
            let said = reading.verify(&info).await?;
            let fault = match &said {
                Said::Signed(signed) => findings.fault(&info, signed),
                Said::Raw => findings.unsigned_fault(&info),
            };
            if let Some(word) = fault {
                return Err(Error::new(word).about(info.document));
            }
            if theirs(info.category) {
                gathered.documents.push((info, said));
            }
        }
    }
    Ok(gathered)
}

impl Gathered {
    /// When the newest of the documents was complete, as the gateway says.
    pub(super) fn newest(&self) -> Option<Timestamp> {
        self.documents.iter().map(|(info, _)| info.received_at).max()
    }

    /// The list of what was complete at `until`.
    pub(super) fn list(&self, until: Timestamp) -> List {
        let listed = self.documents.iter().filter(|(info, _)| info.received_at <= until);
        List::of(listed.map(|(info, said)| line(info, said)))
    }

    /// Whether `said` is about these documents, and whatever came since was sealed to the
    /// successor by its sender. Of a raw age file nobody says that.
    ///
    /// # Errors
    /// Those of asking.
    pub(super) async fn agrees(
        &self,
        reading: &Reading<'_>,
        said: &Handover,
    ) -> Result<bool, Error> {
        for (info, signed) in self.documents.iter().filter(|(info, _)| info.received_at > said.time)
        {
            let directory = reading.directory(info.client).await?;
            if let Said::Signed(signed) = signed
                && !directory.is_among(said.to, &signed.recipients)
            {
                return Ok(false);
            }
        }
        Ok(self.list(said.time).is(said))
    }

    /// Opens the header of every document of the list with this device's keys, and compares what
    /// was signed of its key.
    ///
    /// # Errors
    /// [`Word::NotOpened`], [`Word::Commitment`], [`Word::Damaged`].
    pub(super) fn open(&self, reading: &Reading<'_>, until: Timestamp) -> Result<(), Error> {
        for (info, said) in self.documents.iter().filter(|(info, _)| info.received_at <= until) {
            match said {
                Said::Signed(signed) => {
                    let (key, _) = reading.file_key(info)?;
                    if key.commitment(&signed.pins.nonce) != signed.pins.commit {
                        return Err(Error::new(Word::Commitment).about(info.document));
                    }
                }
                Said::Raw => open_raw(reading, info)?,
            }
        }
        Ok(())
    }
}

fn open_raw(reading: &Reading<'_>, info: &DocumentInfo) -> Result<(), Error> {
    let fault = |e| envelope_error(e, info.document);
    let header = info.header.as_ref();
    let header = header.ok_or_else(|| Error::new(Word::NotOpened).about(info.document))?;
    let header = Header::parse_detached(&header.0).map_err(fault)?;
    header.open(reading.identities()).map_err(fault)?;
    Ok(())
}

fn line(info: &DocumentInfo, said: &Said) -> Line {
    let (period, category, pieces, commit) = match said {
        Said::Signed(signed) => {
            let pins = &signed.pins;
            (signed.period, signed.category, Some(pins.pieces), Some(pins.commit))
        }
        Said::Raw => (info.period, info.category, info.pieces, None),
    };
    Line {
        client: info.client,
        document: info.document,
        period,
        category,
        direction: info.direction,
        seal: info.seal,
        received: info.received_at,
        length: info.length,
        pieces,
        commit,
        manifest: info.manifest.as_ref().map(Note::hash),
    }
}
