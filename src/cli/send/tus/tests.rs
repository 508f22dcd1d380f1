use std::sync::{Arc, Mutex};

use http::Request;
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::super::feed::Sealing;
use super::super::source::Source;
use super::*;
use crate::cli::gateway::fake::{self, Answer, problem, status};
use crate::envelope::statement::{Category, Direction};
use crate::envelope::{
    DocumentSealer, FileKey, Nonce, PIECE_PLAINTEXT_BYTES, PayloadOpener, payload_len, piece_range,
};
use crate::ids::ClientId;

const QUIET: Terminal = Terminal { json: true, lang: Lang::En };

const HEADER: &[u8] = b"age-encryption.org/v1\n-> pretend\n--- it is one\n";

/// What a gateway remembers of one upload.
#[derive(Default)]
struct Stored {
    bytes: Vec<u8>,
    total: u64,
    begun: bool,
    gone: bool,
    /// Cut the next PATCHes after so many bytes each.
    cuts: Vec<usize>,
    patches: usize,
}

#[derive(Clone, Default)]
struct Tus(Arc<Mutex<Stored>>);

fn number(request: &Request<Incoming>, name: HeaderName) -> u64 {
    let value = request.headers().get(name).and_then(|v| v.to_str().ok());
    value.and_then(|v| v.parse().ok()).expect("a number")
}

fn at(code: u16, stored: &Stored) -> Answer {
    let mut answer = status(code)?;
    answer.headers_mut().insert(OFFSET, HeaderValue::from(stored.bytes.len()));
    answer.headers_mut().insert(LENGTH, HeaderValue::from(stored.total));
    Some(answer)
}

impl Tus {
    fn with(cuts: &[usize]) -> Self {
        let tus = Self::default();
        tus.stored().cuts = cuts.to_vec();
        tus
    }

    fn stored(&self) -> std::sync::MutexGuard<'_, Stored> {
        self.0.lock().expect("no panic")
    }

    async fn answer(self, request: Request<Incoming>) -> Answer {
        match *request.method() {
            Method::POST => {
                let total = number(&request, LENGTH);
                let header = request.into_body().collect().await.ok()?.to_bytes();
                let mut stored = self.stored();
                if stored.begun {
                    return problem(409, "document_exists");
                }
                (stored.begun, stored.total, stored.bytes) = (true, total, header.to_vec());
                at(201, &stored)
            }
            Method::HEAD if self.stored().gone => status(404),
            Method::HEAD => at(200, &self.stored()),
            Method::PATCH => self.patch(request).await,
            _ => status(405),
        }
    }

    async fn patch(self, request: Request<Incoming>) -> Answer {
        let offset = number(&request, OFFSET);
        let cut = {
            let mut stored = self.stored();
            stored.patches += 1;
            if offset != stored.bytes.len() as u64 {
                return problem(409, "offset_mismatch");
            }
            if stored.cuts.is_empty() { usize::MAX } else { stored.cuts.remove(0) }
        };
        let mut body = request.into_body();
        let mut taken = 0;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { break };
            let Ok(data) = frame.into_data() else { continue };
            taken += data.len();
            self.stored().bytes.extend_from_slice(&data);
            if taken >= cut {
                // Whole pieces alone survive.
                let mut stored = self.stored();
                let payload = stored.bytes.len() - HEADER.len();
                let whole = (0..).map(|k| piece_range(k, u64::MAX).start as usize);
                let keep = whole.take_while(|start| *start <= payload).last().unwrap_or(0);
                stored.bytes.truncate(HEADER.len() + keep);
                return None;
            }
        }
        at(204, &self.stored())
    }
}

struct Desk {
    dir: tempfile::TempDir,
    contents: Vec<u8>,
    key: FileKey,
}

impl Desk {
    fn new(size: usize) -> Self {
        let contents: Vec<u8> = (0..size).map(|i| (i * 7 % 251) as u8).collect();
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join("a"), &contents).expect("written");
        Self { dir, contents, key: FileKey::random() }
    }

    fn feed(&self) -> Feed {
        let Source::File(source) = Source::open(&self.dir.path().join("a")).expect("opens") else {
            panic!("a regular file")
        };
        let sealer = DocumentSealer::resume(self.key.clone(), Nonce::random(), Vec::new());
        Feed::Sealing(Box::new(Sealing::new(source, sealer, None)))
    }

    async fn send(&self, tus: &Tus, patience: Duration) -> Result<(Feed, Outcome), Error> {
        let answering = tus.clone();
        let line = Line::Session(Box::new(
            fake::session(self.dir.path(), move |request| answering.clone().answer(request)).await,
        ));
        let length = payload_len(self.contents.len() as u64).expect("possible");
        let upload = Upload {
            line: &line,
            metadata: UploadMetadata {
                document: DocumentId::random(),
                client: ClientId::random(),
                direction: Direction::In,
                period: "2026-03".parse().expect("a period"),
                category: Category::Bank,
            },
            header: HEADER,
            total: HEADER.len() as u64 + length,
            bar: &ProgressBar::hidden(),
        };
        upload.run(self.feed(), None, &mut Patience::new(patience, QUIET)).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_again_and_again_ends_with_one_whole_payload() {
    let desk = Desk::new(PIECE_PLAINTEXT_BYTES * 6 + 4321);
    let tus = Tus::with(&[1_500_000, 10, 2_200_000, 1]);
    let (feed, outcome) = desk.send(&tus, Duration::from_secs(20)).await.expect("sent");
    assert_eq!(outcome, Outcome::Whole);
    assert_eq!(tus.stored().patches, 5);
    let payload = tus.stored().bytes[HEADER.len()..].to_vec();
    let mut plain = Vec::new();
    let mut opener = PayloadOpener::new(desk.key.clone());
    opener.push(&payload, &mut plain).expect("authentic");
    opener.finish(&mut plain).expect("authentic");
    assert!(plain == desk.contents);
    let Feed::Sealing(sealing) = feed else { panic!("a sealing") };
    let hash = crate::envelope::Hash::of(&desk.contents);
    assert_eq!(sealing.finish().expect("read to the end"), hash);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_the_gateway_lost_is_gone_and_not_sent_under_the_same_key() {
    let desk = Desk::new(PIECE_PLAINTEXT_BYTES * 3);
    let tus = Tus::with(&[1_500_000]);
    tus.stored().gone = true;
    let (_, outcome) = desk.send(&tus, Duration::from_secs(20)).await.expect("asked");
    assert_eq!(outcome, Outcome::Gone);
}

#[tokio::test(flavor = "multi_thread")]
async fn patience_ends() {
    let desk = Desk::new(PIECE_PLAINTEXT_BYTES * 3);
    let tus = Tus::with(&[1; 1000]);
    let error = desk.send(&tus, Duration::from_secs(1)).await.map(|_| ()).expect_err("given up");
    assert_eq!(error.code(), "unreachable");
}
