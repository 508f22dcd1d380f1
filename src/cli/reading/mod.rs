//! Reading documents: who signed what the gateway shows, and what this device can open of it.
//!
//! Refuses whatever a manifest or adoption does not carry: client, period, category, length and
//! hashes count only as signed. Invariant: the commitment is checked before the sealed part or
//! any plaintext is opened.

mod chains;
mod download;

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::api::{DocumentInfo, DocumentPage};
use crate::cli::directory;
use crate::cli::error::Error;
use crate::cli::gateway::Session;
use crate::cli::words::Word;
use crate::envelope::statement::{
    Adoption, Category, Direction, Hash, Manifest, Period, Recipient, SealLevel,
};
use crate::envelope::{
    DocumentPins, Error as EnvelopeError, FileKey, Header, Identity, MemberKeys, SealedPart,
};
use crate::ids::{ClientId, DocumentId, KeyId, LinkId, MemberId};
use crate::trust::{Directory, SignerKind};

pub use chains::{About, Findings, Missing};
pub use download::{Download, Part};

/// What somebody signed about a document, verified.
#[derive(Clone, Debug)]
pub struct Signed {
    /// Length, hashes and commitment.
    pub pins: DocumentPins,
    /// H of the sealed part.
    pub sealed: Hash,
    /// Accounting period.
    pub period: Period,
    /// Category.
    pub category: Category,
    /// Fingerprints of the recipients, as claimed.
    pub recipients: Vec<Hash>,
    /// The member who sent it; none for links, the gateway and raw age files.
    pub sender: Option<MemberId>,
    /// The request link it came through.
    pub link: Option<LinkId>,
    /// Whether the sender is known at all; a raw age file's is not, for ever.
    pub sender_known: bool,
    /// Whether a partner gave it back to the firm alone.
    pub firm_alone: bool,
    /// Signer, number in the chain and hash, of manifests.
    pub chain: Option<(KeyId, u64, Hash)>,
}

/// What can be said about a document.
#[derive(Clone, Debug)]
pub enum Said {
    /// Somebody signed this.
    Signed(Box<Signed>),
    /// A raw age file that nobody has adopted yet.
    Raw,
}

/// Reads in the name of one session.
#[derive(Debug)]
pub struct Reading<'a> {
    session: &'a Session,
    keys: MemberKeys,
    identities: Vec<Identity>,
    directories: Mutex<HashMap<ClientId, Arc<Directory>>>,
}

impl<'a> Reading<'a> {
    /// Unlocks the profile's keys.
    ///
    /// # Errors
    /// [`Word::ProfileDamaged`], [`Word::BadKeyring`].
    pub fn new(session: &'a Session) -> Result<Self, Error> {
        let keys = session.profile().keys()?;
        let identities = keys.identities();
        Ok(Self { session, keys, identities, directories: Mutex::default() })
    }

    /// The session.
    pub fn session(&self) -> &'a Session {
        self.session
    }

    /// The member's keys.
    pub fn keys(&self) -> &MemberKeys {
        &self.keys
    }

    /// The verified directory of `client`, fetched once.
    ///
    /// # Errors
    /// As [`directory::fetch`].
    pub async fn directory(&self, client: ClientId) -> Result<Arc<Directory>, Error> {
        let mut directories = self.directories.lock().await;
        if let Some(directory) = directories.get(&client) {
            return Ok(Arc::clone(directory));
        }
        let directory = Arc::new(directory::fetch(self.session, Some(client)).await?);
        directories.insert(client, Arc::clone(&directory));
        Ok(directory)
    }

    /// One document.
    ///
    /// # Errors
    /// [`Word::NotFound`], [`Word::Swapped`], and those of asking.
    pub async fn document(&self, document: DocumentId) -> Result<DocumentInfo, Error> {
        let info: DocumentInfo = self.session.get(format!("/documents/{document}")).await?;
        if info.document == document {
            Ok(info)
        } else {
            Err(Error::new(Word::Swapped).about(document))
        }
    }

    /// Every document that the query finds, newest first.
    ///
    /// # Errors
    /// Those of asking.
    pub async fn find(&self, query: &Query) -> Result<Vec<DocumentInfo>, Error> {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page: DocumentPage = self.session.get(query.path(after.as_deref())).await?;
            let last = page.documents.is_empty();
            found.extend(page.documents);
            match page.next {
                Some(next) if !last => after = Some(next),
                _ => return Ok(found),
            }
        }
    }

    /// What was signed about `info`, when it verifies and agrees with what the gateway says.
    ///
    /// # Errors
    /// [`Word::BadSignature`], and those of the directory.
    pub async fn verify(&self, info: &DocumentInfo) -> Result<Said, Error> {
        // Whose statements count is the signer's word, not the gateway's.
        if signed_client(info).is_some_and(|client| client != info.client) {
            return Err(Error::new(Word::BadSignature).about(info.document));
        }
        let directory = self.directory(info.client).await?;
        verify(&directory, info)
    }

    /// Whether the sender of a document, of which `signed` is what they signed, took it back.
    ///
    /// # Errors
    /// Those of the directory.
    pub async fn is_taken_back(&self, info: &DocumentInfo, signed: &Signed) -> Result<bool, Error> {
        let directory = self.directory(info.client).await?;
        let (Some(note), Some((sender, ..))) = (&info.recall, signed.chain) else {
            return Ok(false);
        };
        let said = directory.verify_recall(note, sender);
        Ok(said.is_ok_and(|(document, _)| document == info.document))
    }

    /// The file key of a document, from the header that the gateway granted.
    ///
    /// # Errors
    /// [`Word::NotOpened`], [`Word::Damaged`].
    pub fn file_key(&self, info: &DocumentInfo) -> Result<(FileKey, Header), Error> {
        let header = info.header.as_ref().ok_or_else(|| unopened(info.document))?;
        let header =
            Header::parse_detached(&header.0).map_err(|e| envelope_error(e, info.document))?;
        let key = header.open(&self.identities).map_err(|e| envelope_error(e, info.document))?;
        Ok((key, header))
    }

    /// The sealed part of a document, without its payload.
    ///
    /// # Errors
    /// [`Word::NotOpened`], [`Word::Commitment`], [`Word::SealedPartBad`].
    pub fn sealed_part(&self, info: &DocumentInfo, signed: &Signed) -> Result<SealedPart, Error> {
        let (key, _) = self.file_key(info)?;
        let sealed = info
            .sealed
            .as_ref()
            .ok_or_else(|| Error::new(Word::SealedPartBad).about(info.document))?;
        SealedPart::open_pinned(&key, &signed.pins, &sealed.0, signed.sealed)
            .map_err(|e| envelope_error(e, info.document))
    }

    /// Opens raw headers too.
    pub(in crate::cli) fn identities(&self) -> &[Identity] {
        &self.identities
    }
}

/// The client that a manifest or adoption names, before anybody has verified it.
fn signed_client(info: &DocumentInfo) -> Option<ClientId> {
    let manifest = || info.manifest.as_ref()?.decode::<Manifest>().ok().map(|said| said.client);
    let adoption = || info.adoption.as_ref()?.decode::<Adoption>().ok().map(|said| said.client);
    manifest().or_else(adoption)
}

fn unopened(document: DocumentId) -> Error {
    Error::new(Word::NotOpened).about(document)
}

/// What was signed about `info`, when it verifies against `directory` and agrees with what the
/// gateway says.
///
/// # Errors
/// [`Word::BadSignature`].
pub fn verify(directory: &Directory, info: &DocumentInfo) -> Result<Said, Error> {
    let bad = || Error::new(Word::BadSignature).about(info.document);
    if info.seal == SealLevel::RawAge {
        if !directory.ever_on_arrival(info.client) {
            return Err(bad());
        }
        let Some(note) = &info.adoption else { return Ok(Said::Raw) };
        let said: Adoption = note.decode().map_err(|_| bad())?;
        let card = directory.card_by_key(said.signer).ok_or_else(bad)?;
        let staff = directory.kept_books_at(card.member, said.time);
        let fits = said.root == directory.root().key_id()
            && said.client == info.client
            && said.document == info.document
            && said.length == info.length
            && info.pieces.is_none_or(|pieces| pieces == said.pieces);
        if !staff || !fits || !directory.member_signed(card.member, note, said.time) {
            return Err(bad());
        }
        return Ok(Said::Signed(Box::new(Signed {
            pins: DocumentPins {
                document: said.document,
                nonce: said.nonce,
                length: said.length,
                commit: said.commit,
                pieces: said.pieces,
            },
            sealed: said.sealed,
            period: info.period,
            category: info.category,
            recipients: said.recipients,
            sender: None,
            link: None,
            sender_known: false,
            firm_alone: false,
            chain: None,
        })));
    }
    let note = info.manifest.as_ref().ok_or_else(bad)?;
    let (said, signer) = directory.verify_manifest(note).map_err(|_| bad())?;
    if !agrees(&said, info) {
        return Err(bad());
    }
    Ok(Said::Signed(Box::new(Signed {
        pins: DocumentPins {
            document: said.document,
            nonce: said.nonce,
            length: said.length,
            commit: said.commit,
            pieces: said.pieces,
        },
        firm_alone: directory.is_for_firm_alone(&said),
        sealed: said.sealed,
        period: said.period,
        category: said.category,
        recipients: said.recipients,
        sender: signer.member.filter(|_| signer.kind != SignerKind::Gateway),
        link: signer.link,
        sender_known: true,
        chain: Some((said.signer, said.seq, note.hash())),
    })))
}

/// Whether what the gateway says about a document is what its sender signed.
fn agrees(said: &Manifest, info: &DocumentInfo) -> bool {
    said.document == info.document
        && said.client == info.client
        && said.direction == info.direction
        && said.period == info.period
        && said.category == info.category
        && said.seal == info.seal
        && said.length == info.length
        && info.pieces.is_none_or(|pieces| pieces == said.pieces)
}

/// Which documents are asked for.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Of this client.
    pub client: Option<ClientId>,
    /// Of this period.
    pub period: Option<Period>,
    /// In this state.
    pub state: Option<crate::api::DocumentState>,
}

impl Query {
    fn path(&self, after: Option<&str>) -> String {
        let mut path = String::from("/documents?");
        let mut add = |name: &str, value: &str| {
            if !path.ends_with('?') {
                path.push('&');
            }
            path.push_str(&format!("{name}={value}"));
        };
        if let Some(client) = self.client {
            add("client", &client.to_string());
        }
        if let Some(period) = self.period {
            add("period", &period.to_string());
        }
        if let Some(state) = self.state {
            add("state", state.as_str());
        }
        if let Some(after) = after {
            add("after", &escaped(after));
        }
        if path.ends_with('?') {
            path.pop();
        }
        path
    }
}

/// Text of the gateway's, for a query (RFC 3986, section 2.1).
pub(in crate::cli) fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

/// The recipients of `members` as the envelope takes them. `post_quantum` asks for the other key of each.
///
/// # Errors
/// [`Word::NoPostQuantumKey`], [`Word::BadDirectory`].
pub fn recipients_of(
    directory: &Directory,
    members: impl IntoIterator<Item = MemberId>,
    post_quantum: bool,
) -> Result<Vec<crate::envelope::Recipient>, Error> {
    let bad = || Error::new(Word::BadDirectory);
    let mut recipients = Vec::new();
    for member in members {
        let card = directory.card(member).ok_or_else(bad)?;
        directory::is_confirmed(directory, member)?;
        let text: &Recipient = if post_quantum {
            card.recipient_pq.as_ref().ok_or_else(|| Error::new(Word::NoPostQuantumKey))?
        } else {
            card.recipient.as_ref().ok_or_else(bad)?
        };
        recipients.push(text.try_into().map_err(|e| bad().because(e))?);
    }
    Ok(recipients)
}

/// Which way documents of a direction are demanded.
pub fn demand(info: &DocumentInfo, category: Category) -> crate::trust::Demand {
    let direction: Direction = info.direction;
    crate::trust::Demand { client: info.client, category, direction }
}

/// A fault of the envelope in `document`, as an error of a command.
pub fn envelope_error(error: EnvelopeError, document: DocumentId) -> Error {
    let word = match &error {
        EnvelopeError::NoMatch => Word::NotOpened,
        EnvelopeError::Commitment => Word::Commitment,
        EnvelopeError::SealedPart => Word::SealedPartBad,
        _ => Word::Damaged,
    };
    Error::new(word).about(document).because(error)
}

#[cfg(test)]
mod tests;
