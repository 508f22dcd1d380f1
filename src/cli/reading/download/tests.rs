use std::sync::{Arc, Mutex};

use http::Request;

use super::*;
use crate::cli::gateway::fake::{self, Answer, broken};
use crate::envelope::{FileKey, Identity};

/// Serves `headers[n] ‖ payload` on the n-th request, each time only `cuts[n]` bytes of it.
struct Serving {
    headers: Vec<Vec<u8>>,
    payload: Vec<u8>,
    cuts: Vec<usize>,
    ranges: Vec<Option<String>>,
}

impl Serving {
    fn answer(&mut self, request: &Request<Incoming>) -> Answer {
        let n = self.ranges.len();
        let text = |name| request.headers().get(name).and_then(|v| v.to_str().ok());
        self.ranges.push(text(RANGE).map(ToOwned::to_owned));
        let header = &self.headers[n.min(self.headers.len() - 1)];
        let etag = format!("\"{}\"", header.len());
        let file = [header.as_slice(), &self.payload].concat();
        let from = text(RANGE)
            .filter(|_| text(IF_RANGE) == Some(&etag))
            .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
        let (status, rest) = match from {
            Some(from) => (206, &file[from..]),
            None => (200, &file[..]),
        };
        let cut = self.cuts.get(n).copied().unwrap_or(usize::MAX);
        let answer = http::Response::builder().status(status).header(ETAG, &etag);
        answer.body(broken(rest, cut)).ok()
    }
}

fn header(recipients: usize) -> Vec<u8> {
    let recipients: Vec<_> = (0..recipients).map(|_| Identity::random().recipient()).collect();
    let header = Header::seal(&FileKey::random(), &recipients).expect("a header");
    header.as_bytes().to_vec()
}

async fn download(serving: Serving) -> (Vec<u8>, Vec<u8>, Vec<Option<String>>) {
    let dir = tempfile::tempdir().expect("a folder");
    let serving = Arc::new(Mutex::new(serving));
    let answering = Arc::clone(&serving);
    let session = fake::session(dir.path(), move |request| {
        let answer = answering.lock().expect("no panic").answer(&request);
        async move { answer }
    })
    .await;
    let (parts, mut received) = mpsc::channel(4);
    let taking = tokio::spawn(async move {
        let (mut header, mut payload) = (Vec::new(), Vec::new());
        while let Some(part) = received.recv().await {
            match part {
                Part::Header(whole) => header.extend_from_slice(whole.as_bytes()),
                Part::Payload(bytes) => payload.extend_from_slice(&bytes),
            }
        }
        (header, payload)
    });
    Download::new(&session, DocumentId::random(), None).run(parts).await.expect("all of it");
    let (header, payload) = taking.await.expect("no panic");
    let ranges = serving.lock().expect("no panic").ranges.clone();
    (header, payload, ranges)
}

fn payload() -> Vec<u8> {
    (0..300_000_u32).map(|i| (i % 249) as u8).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_download_goes_on_where_it_stopped() {
    let first = header(2);
    let len = first.len();
    let serving = Serving {
        headers: vec![first.clone()],
        payload: payload(),
        // In the middle of the header, just behind it, in the payload, twice.
        cuts: vec![10, len, len + 1000, 70_000],
        ranges: Vec::new(),
    };
    let (header, whole, ranges) = download(serving).await;
    assert!(header == first && whole == payload());
    assert_eq!(
        ranges,
        [
            None,
            None,
            Some(format!("bytes={len}-")),
            Some(format!("bytes={}-", len + len + 1000)),
            Some(format!("bytes={}-", len + len + 1000 + 70_000)),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_header_meanwhile_does_not_shift_the_payload() {
    let (first, second) = (header(2), header(3));
    let serving = Serving {
        headers: vec![first.clone(), second],
        payload: payload(),
        cuts: vec![first.len() + 5000],
        ranges: Vec::new(),
    };
    let (header, whole, ranges) = download(serving).await;
    assert!(header == first && whole == payload());
    assert_eq!(ranges.len(), 2);
}
