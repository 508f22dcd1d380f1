//! A sender whose documents are sealed and signed before the clock runs: what is measured is
//! the gateway, not the client.

use std::io;

use strongroom::api::frames::Frames;
use strongroom::api::uploads::UploadMetadata;
use strongroom::api::{Base64, ClientSummary, Complete, ManifestHead};
use strongroom::cli::Session;
use strongroom::cli::directory;
use strongroom::cli::profile::Profile;
use strongroom::clock::Clock;
use strongroom::envelope::statement::{
    Category, Direction, Hash, Manifest, Note, Period, SealLevel,
};
use strongroom::envelope::{
    DocumentSealer, MemberKeys, PieceHasher, Pieces, Recipient, SealedPart, payload_len,
};
use strongroom::ids::{ClientId, DocumentId, RootId};
use strongroom::trust::{Demand, Reader};

const CATEGORY: Category = Category::Bank;
const DIRECTION: Direction = Direction::In;

/// A member and the chains of the clients they send for.
pub(crate) struct Sender {
    pub(crate) session: Session,
    keys: MemberKeys,
    pub(crate) chains: Vec<Chain>,
}

/// The chain of one client, and whom its documents are sealed to.
pub(crate) struct Chain {
    root: RootId,
    client: ClientId,
    to: Vec<Recipient>,
    recipients: Vec<Hash>,
    seq: u64,
    prev: Option<Hash>,
}

/// A sealed payload that many documents are made of, each with an id and a manifest of its own:
/// the same bytes under the same key.
pub(crate) struct Payload {
    sealer: DocumentSealer,
    pub(crate) header: Vec<u8>,
    /// The nonce, and a whole piece's chunks after it for a long payload.
    pub(crate) first: Vec<u8>,
    /// What follows again and again until `length`: as good as sealed bytes to whoever has no key.
    pub(crate) block: Vec<u8>,
    pub(crate) length: u64,
    pieces: Pieces,
}

/// One document, ready to be sent.
pub(crate) struct Ready {
    pub(crate) id: DocumentId,
    pub(crate) note: Note,
    pub(crate) part: Vec<u8>,
}

fn failed(error: impl std::fmt::Debug) -> io::Error {
    io::Error::other(format!("{error:?}"))
}

fn period() -> io::Result<Period> {
    "2026-10".parse().map_err(failed)
}

impl Sender {
    /// The member of `profile` with every client they are assigned to.
    pub(crate) async fn open(profile: &std::path::Path) -> io::Result<Self> {
        let profile = Profile::open(profile).map_err(failed)?;
        let keys = profile.keys().map_err(failed)?;
        let session = Session::open(profile, None, Clock::System).map_err(failed)?;
        let clients: Vec<ClientSummary> = session.get("/clients").await.map_err(failed)?;
        let mut chains = Vec::new();
        for ClientSummary { client, .. } in clients {
            let directory = directory::fetch(&session, Some(client)).await.map_err(failed)?;
            let demand = Demand { client, category: CATEGORY, direction: DIRECTION };
            let readers = directory.readers(demand).map_err(failed)?;
            let to: Result<Vec<Recipient>, _> =
                readers.iter().map(|reader| reader.recipient.0.parse()).collect();
            let path = format!("/clients/{client}/manifest-head?signer={}", keys.sign.key_id());
            let head: ManifestHead = session.get(path).await.map_err(failed)?;
            chains.push(Chain {
                root: directory.root().key_id(),
                client,
                to: to.map_err(failed)?,
                recipients: readers.iter().map(Reader::fingerprint).collect(),
                seq: head.seq,
                prev: head.manifest.map(|note| note.hash()),
            });
        }
        Ok(Self { session, keys, chains })
    }

    /// A header line with a token that is good for some minutes.
    pub(crate) async fn authorization(&self) -> io::Result<String> {
        let _: serde_json::Value = self.session.get("/me").await.map_err(failed)?;
        let stored = self.session.profile().tokens().map_err(failed)?;
        let tokens = stored.ok_or_else(|| failed("logged out"))?.tokens;
        Ok(format!("Authorization: Bearer {}\r\n", tokens.access_token))
    }

    /// A payload of `plaintext` bytes for the readers of chain `at`.
    pub(crate) fn seal(&self, at: usize, plaintext: u64) -> io::Result<Payload> {
        let length = payload_len(plaintext).ok_or_else(|| failed("too long"))?;
        let mut sealer = DocumentSealer::new();
        let header = sealer.header(&self.chains[at].to).map_err(failed)?.as_bytes().to_vec();
        let bytes = strongroom::envelope::PIECE_PLAINTEXT_BYTES.min(plaintext as usize);
        let mut first = Vec::new();
        sealer
            .seal_piece(0, &vec![7; bytes], bytes as u64 == plaintext, &mut first)
            .map_err(failed)?;
        let block = first[16..].to_vec();
        let mut hasher = PieceHasher::new();
        hasher.update(&first);
        let mut left = length - first.len() as u64;
        while left > 0 {
            let now = block.len().min(left as usize);
            hasher.update(&block[..now]);
            left -= now as u64;
        }
        Ok(Payload { sealer, header, first, block, length, pieces: hasher.finish() })
    }

    /// The next document of chain `at`, signed.
    pub(crate) fn next(&mut self, at: usize, payload: &Payload) -> io::Result<Ready> {
        let id = DocumentId::random();
        let commit = payload.sealer.commitment();
        let part = SealedPart {
            document: id,
            commit,
            name: "对账单.pdf".into(),
            media_type: "application/pdf".into(),
            size: payload.length,
            sha256: payload.pieces.combined(),
            note: String::new(),
        };
        let part = payload.sealer.seal_part(&part).map_err(failed)?;
        let chain = &mut self.chains[at];
        let manifest = Manifest {
            root: chain.root,
            client: chain.client,
            document: id,
            signer: self.keys.key_id(),
            seq: chain.seq + 1,
            prev: chain.prev,
            seal: SealLevel::EndToEnd,
            direction: DIRECTION,
            period: period()?,
            category: CATEGORY,
            nonce: payload.sealer.nonce(),
            length: payload.length,
            pieces: payload.pieces.combined(),
            commit,
            sealed: Hash::of(&part),
            recipients: chain.recipients.clone(),
            time: Clock::System.now(),
        };
        let note = Note::sign(&manifest, &[&self.keys.sign]);
        chain.seq += 1;
        chain.prev = Some(note.hash());
        Ok(Ready { id, note, part })
    }

    /// The value of `Upload-Metadata` for a document of chain `at`.
    pub(crate) fn metadata(&self, at: usize, document: DocumentId) -> io::Result<String> {
        let client = self.chains[at].client;
        let (direction, category) = (DIRECTION, CATEGORY);
        let period = period()?;
        Ok(UploadMetadata { document, client, direction, period, category }.to_header())
    }
}

impl Ready {
    /// The body of `POST /documents`.
    pub(crate) fn frames(&self, payload: &Payload) -> Vec<u8> {
        let manifest = self.note.to_string();
        let (manifest, sealed) = (manifest.as_bytes(), self.part.as_slice());
        let (header, payload) = (payload.header.as_slice(), payload.first.as_slice());
        Frames { manifest, sealed, header, payload }.to_body()
    }

    /// The body of a completion.
    pub(crate) fn completion(&self) -> io::Result<Vec<u8>> {
        let complete = Complete { manifest: self.note.clone(), sealed: Base64(self.part.clone()) };
        serde_json::to_vec(&complete).map_err(io::Error::other)
    }
}
