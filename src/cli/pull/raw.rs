//! Raw age files: kept as they were sent, by nobody knows whom. The first reader who opens one
//! adopts it: signs what was found and re-wraps it to everybody required.

use tokio::sync::mpsc;

use crate::api::{Adopt, Base64, DocumentInfo};
use crate::cli::directory::undemandable;
use crate::cli::error::{Error, Exit};
use crate::cli::reading::{Download, Part, demand, envelope_error, recipients_of};
use crate::cli::words::Word;
use crate::envelope::statement::{Adoption, Hash, Note, Role};
use crate::envelope::{
    FileKey, Header, Identity, Nonce, PayloadOpener, PieceHasher, SealedPart, Strength,
};
use crate::ids::DocumentId;

use super::writing::Writing;
use super::{Pulled, Pulling, names};

const QUEUE: usize = 16;

/// What was found in a raw age file.
struct Found {
    key: FileKey,
    strength: Strength,
    nonce: Nonce,
    length: u64,
    pieces: Hash,
    path: std::path::PathBuf,
    name: String,
    size: u64,
    sha256: Hash,
}

impl Pulling<'_> {
    /// Opens a raw age file, writes it, and adopts it where this member may.
    pub(super) async fn raw(&self, info: &DocumentInfo) -> Result<Pulled, Error> {
        let document = info.document;
        let folder = self.folder(info.client, info.period, info.category)?;
        let (parts, received) = mpsc::channel(QUEUE);
        let opening = RawOpening {
            document,
            identities: self.reading.identities().to_vec(),
            writing: Writing::begin(&folder)?,
            pieces: info.pieces,
        };
        let opened = tokio::task::spawn_blocking(move || opening.run(received));
        let arrived = Download::new(self.reading.session(), document, self.reason).run(parts).await;
        let opened =
            opened.await.map_err(|e| Error::new(Word::Internal).about("opening").because(e))?;
        arrived?;
        let found = opened?;
        let role = self.reading.session().profile().info().role;
        if matches!(role, Role::Accountant | Role::Lead) {
            self.adopt(info, &found).await?;
        }
        Ok(Pulled {
            path: found.path,
            name: found.name,
            size: found.size,
            sha256: found.sha256,
            period: info.period,
            category: info.category,
            sender: None,
            from: None,
            request_link: None,
            verified: false,
            reason: Some("sender_unknown"),
            skipped: false,
        })
    }

    async fn adopt(&self, info: &DocumentInfo, found: &Found) -> Result<(), Error> {
        let directory = self.reading.directory(info.client).await?;
        let readers = directory.readers(demand(info, info.category)).map_err(undemandable)?;
        let hybrid = found.strength == Strength::PostQuantum;
        let post_quantum = hybrid || directory.is_post_quantum(info.client);
        let recipients = recipients_of(&directory, readers.iter().map(|r| r.member), post_quantum)?;
        let fault = |e| envelope_error(e, info.document);
        let header = Header::seal(&found.key, &recipients).map_err(fault)?;
        let commit = found.key.commitment(&found.nonce);
        let part = SealedPart {
            document: info.document,
            commit,
            name: found.name.clone(),
            media_type: String::new(),
            size: found.size,
            sha256: found.sha256,
            note: String::new(),
        };
        let sealed = part.seal(&found.key).map_err(fault)?;
        let keys = self.reading.keys();
        let adoption = Adoption {
            root: directory.root().key_id(),
            client: info.client,
            document: info.document,
            signer: keys.key_id(),
            nonce: found.nonce,
            length: found.length,
            pieces: found.pieces,
            commit,
            sealed: Hash::of(&sealed),
            recipients: recipients.iter().map(crate::envelope::Recipient::fingerprint).collect(),
            time: self.reading.session().clock().now(),
        };
        let adopt = Adopt {
            adoption: Note::sign(&adoption, &[&keys.sign]),
            sealed: Base64(sealed),
            header: Base64(header.as_bytes().to_vec()),
        };
        let path = format!("/documents/{}/adoption", info.document);
        match self.reading.session().post::<DocumentInfo>(path, &adopt).await {
            Ok(_) => Ok(()),
            // A colleague was faster, or the gateway wants other recipients: the file is here
            // and opened all the same, and stays to be adopted by the next reader.
            Err(error) if error.exit() == Exit::Refused => Ok(()),
            Err(error) => Err(error),
        }
    }
}

struct RawOpening {
    document: DocumentId,
    identities: Vec<Identity>,
    writing: Writing,
    pieces: Option<Hash>,
}

impl RawOpening {
    fn run(mut self, mut received: mpsc::Receiver<Part>) -> Result<Found, Error> {
        let document = self.document;
        let fault = |e| envelope_error(e, document);
        let damaged = || Error::new(Word::Damaged).about(document);
        let Some(Part::Header(header)) = received.blocking_recv() else {
            return Err(damaged());
        };
        let key = header.open(&self.identities).map_err(fault)?;
        let strength = header.strength().map_err(fault)?;
        let mut opener = PayloadOpener::new(key.clone());
        let mut hasher = PieceHasher::new();
        let (mut nonce, mut length) = (Vec::with_capacity(16), 0);
        let mut plain = Plain::default();
        while let Some(part) = received.blocking_recv() {
            let Part::Payload(bytes) = part else { continue };
            let missing = 16_usize.saturating_sub(nonce.len()).min(bytes.len());
            nonce.extend_from_slice(&bytes[..missing]);
            length += bytes.len() as u64;
            hasher.update(&bytes);
            opener.push(&bytes, &mut plain.buffer).map_err(fault)?;
            plain.write(&mut self.writing)?;
        }
        opener.finish(&mut plain.buffer).map_err(fault)?;
        plain.write(&mut self.writing)?;
        let pieces = hasher.finish().combined();
        if self.pieces.is_some_and(|pinned| pinned != pieces) {
            return Err(damaged());
        }
        let nonce = Nonce(nonce.try_into().map_err(|_| damaged())?);
        let name = format!("{document}{}", names::ending_of(&plain.beginning));
        let path = self.writing.keep_as(&name)?;
        let (size, sha256) = plain.finish();
        Ok(Found { key, strength, nonce, length, pieces, path, name, size, sha256 })
    }
}

/// Plaintext on its way into the file.
#[derive(Default)]
struct Plain {
    buffer: Vec<u8>,
    beginning: Vec<u8>,
    size: u64,
    hash: sha2::Sha256,
}

impl Plain {
    fn write(&mut self, writing: &mut Writing) -> Result<(), Error> {
        use sha2::Digest;
        let wanted = 16_usize.saturating_sub(self.beginning.len()).min(self.buffer.len());
        self.beginning.extend_from_slice(&self.buffer[..wanted]);
        self.size += self.buffer.len() as u64;
        self.hash.update(&self.buffer);
        writing.write(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    fn finish(self) -> (u64, Hash) {
        use sha2::Digest;
        (self.size, Hash(self.hash.finalize().into()))
    }
}
