//! A firm at work: two clients, their people, an accountant each, and documents that are
//! sealed, signed and sent as a client of ours does it.

use axum::body::Body;
use http::{Method, Request};
use serde_json::json;
use strongroom::api::frames::{self, Frames};
use strongroom::api::uploads::{self, UploadMetadata};
use strongroom::api::{Completed, DocumentInfo, ManifestHead};
use strongroom::documents::Settings;
use strongroom::envelope::statement::{
    Category, Direction, Hash, Manifest, Note, Period, Revocation, RevocationKind, Role, SealLevel,
};
use strongroom::envelope::{
    DocumentOpener, DocumentPins, DocumentSealer, Header, PIECE_PLAINTEXT_BYTES, Pieces, Recipient,
    SealedPart,
};
use strongroom::ids::{ClientId, DocumentId};
use strongroom::trust::{Demand, Reader};

use super::office::{Answer, CANARY_PROOF, Office, Person};

/// A firm that keeps the books of two clients.
pub(crate) struct Desk {
    pub(crate) office: Office,
    pub(crate) lead: Person,
    pub(crate) accountant: Person,
    pub(crate) accountant2: Person,
    pub(crate) principal: Person,
    pub(crate) clerk: Person,
    pub(crate) principal2: Person,
    pub(crate) client: ClientId,
    pub(crate) client2: ClientId,
}

/// Where a document belongs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) client: ClientId,
    pub(crate) direction: Direction,
    pub(crate) period: Period,
    pub(crate) category: Category,
}

/// A sealed document.
pub(crate) struct Paper {
    pub(crate) id: DocumentId,
    pub(crate) place: Place,
    pub(crate) plaintext: Vec<u8>,
    pub(crate) header: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    pub(crate) part: Vec<u8>,
    pub(crate) recipients: Vec<Hash>,
    pub(crate) pieces: Pieces,
    pub(crate) sealer: DocumentSealer,
}

/// Bytes that look like nothing, the same for the same `seed`.
pub(crate) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    })
    .take(length)
    .collect()
}

impl Desk {
    /// The firm, ready to work.
    pub(crate) async fn open() -> Self {
        Self::open_with(Settings { keep_free_bytes: 0, ..Settings::default() }).await
    }

    /// The same, with other bounds on documents.
    pub(crate) async fn open_with(settings: Settings) -> Self {
        let office = Office::found_with(settings).await;
        let lead = office.joined("lead", &office.first.clone()).await;
        let (client, client2) =
            (office.client(&lead, "甲").await, office.client(&lead, "乙").await);
        let accountant = office.member(&lead, "acc", Role::Accountant, None).await;
        let accountant2 = office.member(&lead, "acc2", Role::Accountant, None).await;
        let principal = office.member(&lead, "boss", Role::Principal, Some(client)).await;
        let clerk = office.member(&lead, "clerk", Role::Clerk, Some(client)).await;
        let principal2 = office.member(&lead, "boss2", Role::Principal, Some(client2)).await;
        office.assign(&lead, client, &[&accountant]).await;
        office.assign(&lead, client2, &[&accountant2]).await;
        let desk = Self {
            office,
            lead,
            accountant,
            accountant2,
            principal,
            clerk,
            principal2,
            client,
            client2,
        };
        desk.rehearse().await;
        desk
    }

    async fn rehearse(&self) {
        let proof = json!({ "proof": strongroom::api::Base64(CANARY_PROOF.to_vec()) });
        self.office.post("/recovery/rehearsal", Some(&self.lead), &proof).await.ok();
    }

    /// Time passes; those who go on working have asked for new tokens.
    pub(crate) async fn pass_secs(&mut self, secs: i64) {
        self.office.pass_secs(secs);
        let Self { office, accountant, clerk, .. } = self;
        for person in [accountant, clerk] {
            let refresh = json!({ "refresh_token": person.refresh });
            let tokens: strongroom::api::Tokens =
                office.post("/session/refresh", None, &refresh).await.ok().json();
            (person.access, person.refresh) = (tokens.access_token, tokens.refresh_token);
        }
    }

    /// To the firm, bank papers of the client.
    pub(crate) fn place(&self) -> Place {
        Place {
            client: self.client,
            direction: Direction::In,
            period: "2026-10".parse().expect("a period"),
            category: Category::Bank,
        }
    }

    /// Whom documents of a place must be sealed to.
    pub(crate) async fn readers(&self, place: Place) -> Vec<Reader> {
        let mut tx = self.office.state.store.read().await.expect("a transaction");
        let directory =
            self.office.state.directories.of(&mut tx, Some(place.client)).await.expect("verifies");
        let Place { client, direction, category, .. } = place;
        directory.readers(Demand { client, category, direction }).expect("readers")
    }

    /// Seals `plaintext` for everybody who must read it.
    pub(crate) async fn seal(&self, place: Place, plaintext: Vec<u8>) -> Paper {
        let readers = self.readers(place).await;
        let to: Vec<Recipient> =
            readers.iter().map(|r| r.recipient.0.parse().expect("a recipient")).collect();
        let recipients = readers.iter().map(Reader::fingerprint).collect();
        Paper::seal(place, plaintext, &to, recipients)
    }

    /// A short document of the client, sealed.
    pub(crate) async fn paper(&self, text: &str) -> Paper {
        self.seal(self.place(), text.as_bytes().to_vec()).await
    }

    /// The head of somebody's chain.
    pub(crate) async fn head(&self, person: &Person, client: ClientId) -> ManifestHead {
        let signer = person.keys.sign.key_id();
        let path = format!("/clients/{client}/manifest-head?signer={signer}");
        self.office.get(&path, person).await.ok().json()
    }

    /// A manifest that continues the sender's chain.
    pub(crate) async fn sign(&self, person: &Person, paper: &Paper) -> Note {
        let head = self.head(person, paper.place.client).await;
        let manifest =
            paper.manifest(&self.office, person, head.seq + 1, head.manifest.map(|m| m.hash()));
        Note::sign(&manifest, &[&person.keys.sign])
    }

    /// Sends a body with `POST /documents`.
    pub(crate) async fn post_whole(&self, person: &Person, body: Vec<u8>) -> Answer {
        let request = request(person, Method::POST, "/api/v1/documents")
            .header("content-type", frames::CONTENT_TYPE);
        self.office.send(request, Body::from(body)).await
    }

    /// Sends a document whole, whatever comes of it.
    pub(crate) async fn try_send(&self, person: &Person, paper: &Paper) -> Answer {
        let note = self.sign(person, paper).await;
        self.post_whole(person, paper.frames(&note)).await
    }

    /// Sends a document whole.
    pub(crate) async fn send(&self, person: &Person, paper: &Paper) -> Completed {
        self.try_send(person, paper).await.ok().json()
    }

    /// A short document that somebody has sent.
    pub(crate) async fn sent(&self, person: &Person, text: &str) -> Paper {
        let paper = self.paper(text).await;
        self.send(person, &paper).await;
        paper
    }

    /// What somebody signs who takes a document back now.
    pub(crate) fn recall(&self, id: DocumentId) -> Revocation {
        Revocation {
            root: self.office.root.key_id(),
            kind: RevocationKind::Document,
            subject: id.to_string().parse().expect("a word"),
            prev: None,
            time: self.office.now(),
        }
    }

    /// Takes a document back with their signature.
    pub(crate) async fn take_back(&self, person: &Person, id: DocumentId) -> Answer {
        let note = Note::sign(&self.recall(id), &[&person.keys.sign]);
        self.submit_recall(person, id, &note).await
    }

    /// Takes a document back by a note.
    pub(crate) async fn submit_recall(
        &self,
        person: &Person,
        id: DocumentId,
        note: &Note,
    ) -> Answer {
        let path = format!("/documents/{id}/recall");
        let submit = json!({ "statement": note });
        self.office.ask(Method::POST, &path, Some(&person.access), Some(&submit)).await
    }

    /// What somebody may know of a document.
    pub(crate) async fn info(&self, person: &Person, id: DocumentId) -> DocumentInfo {
        self.office.get(&format!("/documents/{id}"), person).await.ok().json()
    }

    /// `GET /documents/{id}/age` with more headers.
    pub(crate) async fn open_age(
        &self,
        person: &Person,
        id: DocumentId,
        headers: &[(&str, &str)],
    ) -> Answer {
        let path = format!("/api/v1/documents/{id}/age");
        let request =
            headers.iter().fold(request(person, Method::GET, &path), |all, (name, value)| {
                all.header(*name, *value)
            });
        self.office.send(request, Body::empty()).await
    }

    /// Fetches, verifies and opens a document as its reader does.
    pub(crate) async fn read(&self, person: &Person, id: DocumentId) -> Vec<u8> {
        let info = self.info(person, id).await;
        let manifest: Manifest = info.manifest.expect("signed").decode().expect("a manifest");
        let file = self.open_age(person, id, &[]).await.ok().body;
        let (header, length) = Header::parse(&file).expect("a header");
        let key = header.open(&person.keys.identities()).expect("for them");
        let hashes = self.office.get(&format!("/documents/{id}/pieces"), person).await.ok().body;
        let pins = DocumentPins {
            document: id,
            nonce: manifest.nonce,
            length: manifest.length,
            commit: manifest.commit,
            pieces: manifest.pieces,
        };
        let pieces = Pieces::from_bytes(&hashes).expect("whole hashes");
        let mut opener = DocumentOpener::new(key, pins, pieces).expect("agrees");
        let payload = &file[length..];
        let mut plaintext = Vec::new();
        for index in 0..opener.piece_count() {
            let range = opener.piece_range(index);
            let piece = &payload[range.start as usize..range.end as usize];
            opener.open_next_piece(piece, &mut plaintext).expect("authentic");
        }
        opener.finish_unnamed().expect("whole");
        plaintext
    }

    /// Begins a tus upload with `body`, which should begin with the header.
    pub(crate) async fn begin(
        &self,
        person: &Person,
        metadata: &UploadMetadata,
        length: u64,
        body: Vec<u8>,
    ) -> Answer {
        let request = request(person, Method::POST, "/api/v1/uploads")
            .header("tus-resumable", "1.0.0")
            .header("upload-length", length)
            .header("upload-metadata", metadata.to_header())
            .header("content-type", uploads::CONTENT_TYPE);
        self.office.send(request, Body::from(body)).await
    }

    /// Begins an upload of `paper` with its header alone.
    pub(crate) async fn begun(&self, person: &Person, paper: &Paper) -> u64 {
        let header = paper.header.clone();
        let answer = self.begin(person, &paper.metadata(), paper.total(), header).await.ok();
        offset(&answer)
    }

    /// `PATCH /uploads/{id}`.
    pub(crate) async fn patch(
        &self,
        person: &Person,
        id: DocumentId,
        at: u64,
        body: Body,
        headers: &[(&str, &str)],
    ) -> Answer {
        let path = format!("/api/v1/uploads/{id}");
        let request = request(person, Method::PATCH, &path)
            .header("tus-resumable", "1.0.0")
            .header("upload-offset", at)
            .header("content-type", uploads::CONTENT_TYPE);
        let request = headers.iter().fold(request, |all, (name, value)| all.header(*name, *value));
        self.office.send(request, body).await
    }

    /// `HEAD /uploads/{id}`.
    pub(crate) async fn standing(&self, person: &Person, id: DocumentId) -> Answer {
        let path = format!("/api/v1/uploads/{id}");
        let request = request(person, Method::HEAD, &path).header("tus-resumable", "1.0.0");
        self.office.send(request, Body::empty()).await
    }

    /// Completes an upload with this manifest.
    pub(crate) async fn complete(&self, person: &Person, paper: &Paper, note: &Note) -> Answer {
        let part = strongroom::api::Base64(paper.part.clone());
        let complete = json!({ "manifest": note, "sealed": part });
        self.office.post(&format!("/uploads/{}/complete", paper.id), Some(person), &complete).await
    }

    /// Objects in the store.
    pub(crate) async fn objects(&self) -> Vec<String> {
        use futures_util::TryStreamExt;
        let listed = self.office.state.objects.list();
        listed.map_ok(|l| l.key.as_str().to_owned()).try_collect().await.expect("a list")
    }
}

/// A request of somebody's.
pub(crate) fn request(person: &Person, method: Method, path: &str) -> http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {}", person.access))
}

/// `Upload-Offset` of an answer.
#[track_caller]
pub(crate) fn offset(answer: &Answer) -> u64 {
    let value = answer.head.headers.get("upload-offset").expect("Upload-Offset");
    value.to_str().expect("digits").parse().expect("a number")
}

impl Paper {
    /// Seals for exactly these.
    pub(crate) fn seal(
        place: Place,
        plaintext: Vec<u8>,
        to: &[Recipient],
        recipients: Vec<Hash>,
    ) -> Self {
        let mut sealer = DocumentSealer::new();
        let header = sealer.header(to).expect("a header").as_bytes().to_vec();
        let mut payload = Vec::new();
        let count = plaintext.len().div_ceil(PIECE_PLAINTEXT_BYTES).max(1);
        for index in 0..count {
            let from = index * PIECE_PLAINTEXT_BYTES;
            let piece = &plaintext[from..plaintext.len().min(from + PIECE_PLAINTEXT_BYTES)];
            sealer
                .seal_piece(index as u64, piece, index + 1 == count, &mut payload)
                .expect("sealed");
        }
        let id = DocumentId::random();
        let part = SealedPart {
            document: id,
            commit: sealer.commitment(),
            name: "对账单.pdf".into(),
            media_type: "application/pdf".into(),
            size: plaintext.len() as u64,
            sha256: Hash::of(&plaintext),
            note: String::new(),
        };
        let part = sealer.seal_part(&part).expect("sealed");
        let pieces = sealer.pieces();
        Self { id, place, plaintext, header, payload, part, recipients, pieces, sealer }
    }

    /// What its sender says of it.
    pub(crate) fn manifest(
        &self,
        office: &Office,
        person: &Person,
        seq: u64,
        prev: Option<Hash>,
    ) -> Manifest {
        Manifest {
            root: office.root.key_id(),
            client: self.place.client,
            document: self.id,
            signer: person.keys.sign.key_id(),
            seq,
            prev,
            seal: SealLevel::EndToEnd,
            direction: self.place.direction,
            period: self.place.period,
            category: self.place.category,
            nonce: self.sealer.nonce(),
            length: self.payload.len() as u64,
            pieces: self.pieces.combined(),
            commit: self.sealer.commitment(),
            sealed: Hash::of(&self.part),
            recipients: self.recipients.clone(),
            time: office.now(),
        }
    }

    /// The body of `POST /documents`.
    pub(crate) fn frames(&self, note: &Note) -> Vec<u8> {
        let manifest = note.to_string();
        let frames = Frames {
            manifest: manifest.as_bytes(),
            sealed: &self.part,
            header: &self.header,
            payload: &self.payload,
        };
        frames.to_body()
    }

    /// What a creation says of it.
    pub(crate) fn metadata(&self) -> UploadMetadata {
        let Place { client, direction, period, category } = self.place;
        UploadMetadata { document: self.id, client, direction, period, category }
    }

    /// `header ‖ payload`.
    pub(crate) fn file(&self) -> Vec<u8> {
        [self.header.as_slice(), self.payload.as_slice()].concat()
    }

    /// Its length.
    pub(crate) fn total(&self) -> u64 {
        (self.header.len() + self.payload.len()) as u64
    }
}
