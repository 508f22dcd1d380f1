//! `GET` and `HEAD /shares/{share}/{document}/age`: header and payload as one age file, under
//! a lease. A running download ends when the share does, whether its reader reads or not.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::Response;
use futures_util::{Stream, StreamExt, stream};
use http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio_util::task::AbortOnDropHandle;

use super::even::{evenly, lease};
use crate::clock::Clock;
use crate::documents::{Documents, Opened, Readable};
use crate::http::range::Selection;
use crate::http::{Leash, Path, Problem};
use crate::ids::{DocumentId, ShareId};
use crate::shares::{self, Error, Fetching, LeaseProof, Settings};
use crate::store::Store;

/// How often a running download asks whether it still may.
const CHECK: Duration = Duration::from_millis(500);

/// What a handler needs to ask about a lease.
struct Asking {
    store: Store,
    clock: Clock,
    settings: Settings,
    share: ShareId,
    document: DocumentId,
    proof: LeaseProof,
}

fn readable(found: Fetching) -> Readable {
    Readable::new(found.header, &found.document, found.segments)
}

fn described(readable: &Readable, length: u64) -> Result<Response, Problem> {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    let etag = HeaderValue::try_from(readable.etag()).map_err(|e| Problem::internal(&e))?;
    headers.insert(ETAG, etag);
    Ok(response)
}

impl Asking {
    async fn fetchable(&self) -> Result<Readable, Error> {
        let Self { store, settings, share, document, proof, clock } = self;
        let now = clock.now();
        shares::fetchable(store, settings, *share, *document, proof, now).await.map(readable)
    }

    async fn start(&self) -> Result<Readable, Error> {
        let Self { store, settings, share, document, proof, clock } = self;
        let now = clock.now();
        shares::start_fetch(store, settings, *share, *document, proof, now).await.map(readable)
    }

    /// Whether the share stands; while nobody can say, it does not.
    async fn stands(&self) -> bool {
        let Self { store, settings, share, document, proof, clock } = self;
        let now = clock.now();
        shares::stands(store, settings, *share, *document, proof, now).await.unwrap_or(false)
    }

    /// Ends `leash` once the share does; asks again and again until then.
    async fn watch(self, leash: Leash) {
        loop {
            tokio::time::sleep(CHECK).await;
            if !self.stands().await {
                return leash.end();
            }
        }
    }
}

/// `opened` for as long as its leash holds; the share is asked about meanwhile, also while
/// nobody takes anything.
fn watched(
    asking: Asking,
    leash: Leash,
    opened: Opened,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let watching = AbortOnDropHandle::new(tokio::spawn(asking.watch(leash.clone())));
    stream::unfold(Some((opened, leash, watching)), async |state| {
        let (mut opened, leash, watching) = state?;
        let next = opened.next().await?;
        if leash.has_ended() {
            return Some((Err(io::Error::other("the share has ended")), None));
        }
        Some((next.map_err(io::Error::other), Some((opened, leash, watching))))
    })
}

pub(super) async fn measure(
    State(store): State<Store>,
    State(clock): State<Clock>,
    State(settings): State<Settings>,
    Path((share, document)): Path<(ShareId, DocumentId)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut measured = None;
    let refused = evenly(async {
        let proof = lease(&headers)?;
        let asking = Asking { store, clock, settings, share, document, proof };
        measured = Some(asking.fetchable().await?);
        Ok(StatusCode::OK)
    })
    .await?;
    match measured {
        Some(readable) => described(&readable, readable.length()),
        None => Ok(refused),
    }
}

pub(super) async fn fetch(
    State(store): State<Store>,
    State(clock): State<Clock>,
    State(settings): State<Settings>,
    State(documents): State<Documents>,
    Path((share, document)): Path<(ShareId, DocumentId)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut found = None;
    let refused = evenly(async {
        let proof = lease(&headers)?;
        let asking = Asking { store, clock, settings, share, document, proof };
        let measured = asking.fetchable().await?;
        // Whoever asks for a part that is not there has fetched nothing.
        let selection = Selection::of(&headers, measured.etag(), measured.length());
        let selection = match selection {
            Ok(selection) => selection,
            Err(problem) => {
                found = Some(Err(problem));
                return Ok(StatusCode::OK);
            }
        };
        let readable = asking.start().await?;
        found = Some(Ok((asking, selection, readable)));
        Ok(StatusCode::OK)
    })
    .await?;
    let Some(found) = found else { return Ok(refused) };
    let (asking, selection, readable) = found?;
    let (first, length) = selection.bounds(readable.length());
    let mut response = described(&readable, length)?;
    if let Some(range) = selection.content_range(readable.length()) {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        response.headers_mut().insert(CONTENT_RANGE, range);
    }
    let opened = documents.read(&readable, first, length).await?;
    let leash = Leash::default();
    response.extensions_mut().insert(leash.clone());
    *response.body_mut() = Body::from_stream(watched(asking, leash, opened));
    Ok(response)
}
