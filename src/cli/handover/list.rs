//! The hand-over list (移交清册): every document of the clients handed over, as its sender signed
//! it, in one canonical text that each signer's own device draws up from the gateway anew.

use crate::api::{DocumentInfo, DocumentState};
use crate::cli::error::Error;
use crate::cli::reading::{Query, Reading, Said, envelope_error};
use crate::cli::words::Word;
use crate::clock::Timestamp;
use crate::envelope::Header;
use crate::envelope::statement::Hash;
use crate::ids::{ClientId, MemberId};

const COLUMNS: &str =
    "client,document,period,category,direction,seal,received,length,pieces,commit,manifest\n";

/// A list as text, and how many documents it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct List {
    pub(super) text: String,
    pub(super) documents: u64,
}

impl List {
    /// H of the text.
    pub(super) fn hash(&self) -> Hash {
        Hash::of(self.text.as_bytes())
    }
}

/// Draws up the list of what `from` looks after for `clients`, of documents that were complete at
/// `until`. With `opening` every document is also opened with this device's keys, and its
/// commitment compared.
///
/// # Errors
/// [`Word::BadSignature`], [`Word::NotOpened`], [`Word::Commitment`], and those of asking.
pub(super) async fn draw_up(
    reading: &Reading<'_>,
    clients: &[ClientId],
    from: MemberId,
    until: Timestamp,
    opening: bool,
) -> Result<List, Error> {
    let mut lines = Vec::new();
    for client in clients {
        let directory = reading.directory(*client).await?;
        let query = Query { client: Some(*client), ..Query::default() };
        for info in reading.find(&query).await? {
            let complete = matches!(info.state, DocumentState::Received | DocumentState::Pulled);
            let theirs = directory.assigned(*client, info.category).contains(&from);
            if !complete || !theirs || info.received_at > until || info.client != *client {
                continue;
            }
            lines.push(line(reading, &info, opening).await?);
        }
    }
    lines.sort_unstable();
    let documents = lines.len() as u64;
    Ok(List { text: COLUMNS.to_owned() + &lines.concat(), documents })
}

async fn line(reading: &Reading<'_>, info: &DocumentInfo, opening: bool) -> Result<String, Error> {
    let said = reading.verify(info).await?;
    if opening {
        let fault = |e| envelope_error(e, info.document);
        match &said {
            Said::Signed(signed) => {
                let (key, _) = reading.file_key(info)?;
                if key.commitment(&signed.pins.nonce) != signed.pins.commit {
                    return Err(Error::new(Word::Commitment).about(info.document));
                }
            }
            Said::Raw => {
                let header = info.header.as_ref();
                let header =
                    header.ok_or_else(|| Error::new(Word::NotOpened).about(info.document))?;
                let header = Header::parse_detached(&header.0).map_err(fault)?;
                header.open(reading.identities()).map_err(fault)?;
            }
        }
    }
    let (category, period, pieces, commit) = match &said {
        Said::Signed(signed) => (
            signed.category,
            signed.period,
            Some(signed.pins.pieces),
            signed.pins.commit.to_string(),
        ),
        Said::Raw => (info.category, info.period, info.pieces, "-".to_owned()),
    };
    let or_none = |hash: Option<Hash>| hash.map_or_else(|| "-".to_owned(), |h| h.to_string());
    Ok(format!(
        "{},{},{period},{category},{},{},{},{},{},{commit},{}\n",
        info.client,
        info.document,
        info.direction,
        info.seal,
        info.received_at,
        info.length,
        or_none(pieces),
        or_none(info.manifest.as_ref().map(crate::envelope::statement::Note::hash)),
    ))
}
