//! `header ‖ payload` as it is served, gone on with after a break (RFC 9110, section 14).
//!
//! Holds a few parts in memory at a time. What arrives is not to be believed: whoever takes it
//! checks every piece.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_RANGES, ETAG, IF_RANGE, RANGE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::sync::mpsc;

use crate::api::{GiveReason, LEASE_HEADER};
use crate::cli::error::Error;
use crate::cli::gateway::{Ask, Gateway, Session};
use crate::cli::words::Word;
use crate::envelope::{Header, HeaderParser, MAX_HEADER_BYTES};
use crate::ids::DocumentId;

/// A connection that gives nothing for this long is given up.
const STALL: Duration = Duration::from_secs(75);

const PAUSES_MS: [u64; 7] = [200, 500, 1000, 2000, 5000, 10_000, 20_000];

/// What arrives.
#[derive(Debug)]
pub enum Part {
    /// The header, first and once.
    Header(Box<Header>),
    /// Payload bytes, in order.
    Payload(Bytes),
}

/// In whose name something is downloaded.
#[derive(Clone, Debug)]
enum Source<'a> {
    /// A member's, who may have said why.
    Member { session: &'a Session, reason: Option<&'a str> },
    /// A partner's, who proves a lease of a share.
    Lease { gateway: &'a Gateway, proof: HeaderValue },
}

/// One download.
pub struct Download<'a> {
    source: Source<'a>,
    path: String,
    document: DocumentId,
    etag: Option<HeaderValue>,
    header: Option<Header>,
    /// Payload bytes that were handed on.
    taken: u64,
}

/// How one connection ended.
enum Ended {
    Whole,
    /// Nobody wants more.
    Unwanted,
}

impl<'a> Download<'a> {
    /// Of `document`; `reason` is given where its period is closed.
    pub fn new(session: &'a Session, document: DocumentId, reason: Option<&'a str>) -> Self {
        let path = format!("/documents/{document}/age");
        let source = Source::Member { session, reason };
        Self { source, path, document, etag: None, header: None, taken: 0 }
    }

    /// Of `document` from `path`, under the lease that `proof` proves.
    pub fn leased(
        gateway: &'a Gateway,
        path: String,
        proof: HeaderValue,
        document: DocumentId,
    ) -> Self {
        let source = Source::Lease { gateway, proof };
        Self { source, path, document, etag: None, header: None, taken: 0 }
    }

    /// Fetches the header alone, before it is known where the payload is to go on.
    ///
    /// # Errors
    /// As [`Download::run`].
    pub async fn header(&mut self) -> Result<Header, Error> {
        let mut pauses = PAUSES_MS.iter();
        loop {
            match self.first_bytes().await {
                Err(error) if error.is_passing() => {
                    let Some(pause) = pauses.next() else { return Err(error) };
                    tokio::time::sleep(Duration::from_millis(*pause)).await;
                }
                ended => return ended,
            }
        }
    }

    /// Begins the payload at its byte `offset`, when everything before is here already.
    #[must_use]
    pub fn starting_at(mut self, offset: u64) -> Self {
        self.taken = offset;
        self
    }

    async fn first_bytes(&mut self) -> Result<Header, Error> {
        let range = HeaderValue::try_from(format!("bytes=0-{}", MAX_HEADER_BYTES - 1))
            .map_err(|e| Error::new(Word::Internal).about("range").because(e))?;
        let response = self.answer(Ask::get(self.path.clone()).with(RANGE, range)).await?;
        self.etag = resumable(&response);
        let (mut parser, mut body) = (HeaderParser::new(), response.into_body());
        while let Some(data) = next(&mut body).await? {
            let damaged = |e| super::envelope_error(e, self.document);
            if let Some((header, _)) = parser.push(&data).map_err(damaged)? {
                self.header = Some(header.clone());
                return Ok(header);
            }
        }
        Err(Error::new(Word::Damaged).about(self.document))
    }

    async fn answer(&self, ask: Ask) -> Result<Response<Incoming>, Error> {
        match &self.source {
            Source::Member { session, reason } => match (session.answer(&ask).await, reason) {
                (Err(error), Some(reason)) if error.word() == Word::ReasonRequired => {
                    let given = GiveReason { reason: (*reason).to_owned() };
                    let path = format!("/documents/{}/reason", self.document);
                    session.answer(&Ask::post(path, &given)?).await?;
                    session.answer(&ask).await
                }
                (answered, _) => answered,
            },
            Source::Lease { gateway, proof } => {
                let name = HeaderName::from_static(LEASE_HEADER);
                gateway.answer(&ask.with(name, proof.clone()), None).await
            }
        }
    }

    /// Gives everything to `parts`, over as many connections as it takes. Ends early without an
    /// error when nobody takes any more.
    ///
    /// # Errors
    /// What the gateway refuses with; [`Word::Unreachable`] when it stays away;
    /// [`Word::Damaged`] for what does not begin with a header.
    pub async fn run(mut self, parts: mpsc::Sender<Part>) -> Result<(), Error> {
        let mut pauses = PAUSES_MS.iter();
        loop {
            let before = self.taken;
            match self.connection(&parts).await {
                Ok(Ended::Whole | Ended::Unwanted) => return Ok(()),
                Err(error) if error.is_passing() => {
                    if self.taken > before {
                        pauses = PAUSES_MS.iter();
                    }
                    let Some(pause) = pauses.next() else { return Err(error) };
                    tokio::time::sleep(Duration::from_millis(*pause)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn connection(&mut self, parts: &mpsc::Sender<Part>) -> Result<Ended, Error> {
        let mut ask = Ask::get(self.path.clone());
        if let (Some(header), Some(etag)) = (&self.header, &self.etag) {
            let from = header.as_bytes().len() as u64 + self.taken;
            let range = HeaderValue::try_from(format!("bytes={from}-"))
                .map_err(|e| Error::new(Word::Internal).about("range").because(e))?;
            ask = ask.with(RANGE, range).with(IF_RANGE, etag.clone());
        }
        let response = match self.answer(ask).await {
            Ok(response) => response,
            // Everything had arrived before the connection broke.
            Err(error) if error.word() == Word::RangeNotSatisfiable => return Ok(Ended::Whole),
            Err(error) => return Err(error),
        };
        let partial = response.status() == StatusCode::PARTIAL_CONTENT;
        if !partial {
            self.etag = resumable(&response);
        }
        let mut stream = Stream::new(self, partial);
        stream.run(response, parts).await
    }
}

/// What a later range must be of; nothing where there are none.
fn resumable(response: &Response<Incoming>) -> Option<HeaderValue> {
    let none = response.headers().get(ACCEPT_RANGES).is_some_and(|value| value == "none");
    response.headers().get(ETAG).filter(|_| !none).cloned()
}

/// The next bytes of a body, or its end.
async fn next(body: &mut Incoming) -> Result<Option<Bytes>, Error> {
    loop {
        match tokio::time::timeout(STALL, body.frame()).await {
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
            Ok(None) => return Ok(None),
            Ok(Some(Err(e))) => return Err(Error::new(Word::Unreachable).because(e)),
            Err(_) => return Err(Error::new(Word::Unreachable).because("nothing arrives")),
        }
    }
}

/// One response, on its way to where the download stands.
struct Stream<'a, 'b> {
    download: &'a mut Download<'b>,
    parser: Option<HeaderParser>,
    /// Payload bytes that were handed on before and come again.
    skip: u64,
}

impl<'a, 'b> Stream<'a, 'b> {
    fn new(download: &'a mut Download<'b>, partial: bool) -> Self {
        let parser = (!partial).then(HeaderParser::new);
        let skip = if partial { 0 } else { download.taken };
        Self { download, parser, skip }
    }

    async fn run(
        &mut self,
        response: Response<Incoming>,
        parts: &mpsc::Sender<Part>,
    ) -> Result<Ended, Error> {
        let mut body = response.into_body();
        while let Some(data) = next(&mut body).await? {
            if !self.take(data, parts).await? {
                return Ok(Ended::Unwanted);
            }
        }
        Ok(Ended::Whole)
    }

    async fn take(&mut self, mut data: Bytes, parts: &mpsc::Sender<Part>) -> Result<bool, Error> {
        if let Some(parser) = &mut self.parser {
            let damaged = |e| super::envelope_error(e, self.download.document);
            let Some((header, len)) = parser.push(&data).map_err(damaged)? else {
                return Ok(true);
            };
            data = data.slice(len..);
            self.parser = None;
            let first = self.download.header.is_none();
            self.download.header = Some(header.clone());
            if first && parts.send(Part::Header(Box::new(header))).await.is_err() {
                return Ok(false);
            }
        }
        let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(data.len());
        self.skip -= skipped as u64;
        let data = data.slice(skipped..);
        if data.is_empty() {
            return Ok(true);
        }
        let len = data.len() as u64;
        let taken = parts.send(Part::Payload(data)).await.is_ok();
        self.download.taken += len;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests;
