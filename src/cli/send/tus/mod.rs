//! A resumable upload (tus 1.0) from a feed: begun, continued from where the gateway stands
//! after every break, until all of it is durable there.
//!
//! Gives up when nothing has moved for as long as the person wants to wait; the journal then
//! lets the same command go on later.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Method};
use indicatif::ProgressBar;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::api::uploads::{CONTENT_TYPE as TUS_TYPE, UploadMetadata, VERSION};
use crate::cli::error::Error;
use crate::cli::gateway::{Ask, Line, Sent, StreamedBody};
use crate::cli::lang::Lang;
use crate::cli::terminal::Terminal;
use crate::cli::words::Word;
use crate::ids::DocumentId;

use super::feed::{Feed, Outlet};

const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
const METADATA: HeaderName = HeaderName::from_static("upload-metadata");

/// A connection that takes nothing for this long is given up.
const STALL: Duration = Duration::from_secs(75);

/// Longer than any upload takes: broken ones are noticed by [`STALL`].
const NO_DEADLINE: Duration = Duration::from_secs(30 * 24 * 3600);

const PAUSE: Duration = Duration::from_millis(300);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How far an upload got.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// All of it is durable.
    Whole,
    /// The gateway does not know it (any more).
    Gone,
}

/// How long to go on without any progress.
#[derive(Debug)]
pub(crate) struct Patience {
    span: Duration,
    until: Instant,
    pause: Duration,
    terminal: Terminal,
    said: bool,
}

impl Patience {
    /// Goes on for `span` after each bit of progress.
    pub(crate) fn new(span: Duration, terminal: Terminal) -> Self {
        Self { span, until: Instant::now() + span, pause: PAUSE, terminal, said: false }
    }

    /// Something moved.
    pub(crate) fn renew(&mut self) {
        *self = Self::new(self.span, self.terminal);
    }

    /// Waits before the next try; gives `error` back when the time is over.
    ///
    /// # Errors
    /// `error`.
    pub(crate) async fn wait(&mut self, error: Error) -> Result<(), Error> {
        if Instant::now() + self.pause > self.until {
            return Err(error);
        }
        if !self.said {
            self.said = true;
            let (why, seconds) = (error.message(self.terminal.lang), self.span.as_secs());
            self.terminal.say(match self.terminal.lang {
                Lang::En => format!("{why}\nretrying, for up to {seconds} seconds …"),
                Lang::Zh => format!("{why}\n正在重试，最多 {seconds} 秒……"),
            });
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }

    /// Asks again while that may help and the time is not over.
    ///
    /// # Errors
    /// What the last try failed with.
    pub(super) async fn through<T, F: Future<Output = Result<T, Error>>>(
        &mut self,
        mut ask: impl FnMut() -> F,
    ) -> Result<T, Error> {
        loop {
            match ask().await {
                Err(error) if error.is_passing() => self.wait(error).await?,
                other => return other,
            }
        }
    }
}

/// One upload.
pub(super) struct Upload<'a> {
    /// Who sends.
    pub line: &'a Line,
    /// What is said about the document.
    pub metadata: UploadMetadata,
    /// The header in front of the payload.
    pub header: &'a [u8],
    /// Bytes of header and payload.
    pub total: u64,
    /// Shows how far it is.
    pub bar: &'a ProgressBar,
}

fn path(document: DocumentId) -> String {
    format!("/uploads/{document}")
}

fn tus(method: Method, path: String) -> Ask {
    Ask::new(method, path).with(RESUMABLE, HeaderValue::from_static(VERSION))
}

fn offset_of(headers: &HeaderMap) -> Result<u64, Error> {
    headers
        .get(OFFSET)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Error::new(Word::BadAnswer).because("no Upload-Offset"))
}

/// Where an upload of the caller stands, header included; `None` when there is none.
///
/// # Errors
/// Those of asking.
pub(super) async fn offset(line: &Line, document: DocumentId) -> Result<Option<u64>, Error> {
    match line.answer(&tus(Method::HEAD, path(document))).await {
        Ok(response) => offset_of(response.headers()).map(Some),
        Err(error) if error.word() == Word::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Takes an unfinished upload back, as far as the gateway can be reached: it would expire anyway.
pub(super) async fn cancel(line: &Line, document: DocumentId) {
    let _ = line.answer(&tus(Method::DELETE, path(document))).await;
}

impl Upload<'_> {
    /// Begins the upload with its header; returns where it stands.
    async fn create(&self) -> Result<Option<u64>, Error> {
        let text = |text: String| {
            HeaderValue::try_from(text)
                .map_err(|e| Error::new(Word::Internal).about("tus").because(e))
        };
        let ask = tus(Method::POST, "/uploads".into())
            .with(LENGTH, HeaderValue::from(self.total))
            .with(METADATA, text(self.metadata.to_header())?)
            .with(CONTENT_TYPE, HeaderValue::from_static(TUS_TYPE))
            .with_body(Bytes::copy_from_slice(self.header));
        match self.line.answer(&ask).await {
            Ok(response) => offset_of(response.headers()).map(Some),
            // An answer was lost and this is the second try.
            Err(error) if error.word() == Word::DocumentExists => {
                offset(self.line, self.metadata.document).await
            }
            Err(error) => Err(error),
        }
    }

    /// Sends everything that the gateway does not have yet. `known` is where it stands, or
    /// `None` for an upload that is not begun. The feed comes back for another upload or for
    /// what it knows.
    ///
    /// # Errors
    /// What the gateway refuses with, what the feed fails with, [`Word::Unreachable`] when
    /// nothing has moved for too long.
    pub(super) async fn run(
        &self,
        mut feed: Feed,
        known: Option<u64>,
        patience: &mut Patience,
    ) -> Result<(Feed, Outcome), Error> {
        let mut at = match known {
            Some(offset) => Some(offset),
            None => loop {
                match self.create().await {
                    Err(error) if error.is_passing() => patience.wait(error).await?,
                    other => break other?,
                }
            },
        };
        if let Some(offset) = at {
            // What an earlier command sent does not count as speed.
            self.bar.set_position(offset);
            self.bar.reset_eta();
        }
        while let Some(offset) = at {
            if offset > self.total || offset < self.header.len() as u64 {
                return Err(Error::new(Word::BadAnswer).because("impossible Upload-Offset"));
            }
            self.bar.set_position(offset);
            if offset == self.total {
                return Ok((feed, Outcome::Whole));
            }
            let (back, answer) = self.patch(feed, offset).await;
            feed = back;
            at = match answer {
                Ok(now) => {
                    if now > offset {
                        patience.renew();
                    }
                    Some(now)
                }
                Err(error) if error.is_passing() || error.word() == Word::OffsetMismatch => {
                    self.stand(error, offset, patience).await?
                }
                Err(error) if error.word() == Word::NotFound => None,
                Err(error) => return Err(error),
            };
        }
        Ok((feed, Outcome::Gone))
    }

    /// After a break: waits, then asks where the upload stands.
    async fn stand(
        &self,
        mut broke: Error,
        before: u64,
        patience: &mut Patience,
    ) -> Result<Option<u64>, Error> {
        loop {
            patience.wait(broke).await?;
            match offset(self.line, self.metadata.document).await {
                Ok(now) => {
                    if now.is_some_and(|now| now > before) {
                        patience.renew();
                    }
                    return Ok(now);
                }
                Err(error) if error.is_passing() => broke = error,
                Err(error) => return Err(error),
            }
        }
    }

    /// One PATCH from `offset` to the end.
    async fn patch(&self, mut feed: Feed, offset: u64) -> (Feed, Result<u64, Error>) {
        let ask = tus(Method::PATCH, path(self.metadata.document))
            .with(OFFSET, HeaderValue::from(offset))
            .with(CONTENT_TYPE, HeaderValue::from_static(TUS_TYPE));
        let (parts, received) = tokio::sync::mpsc::channel(2);
        let sent = Sent::default();
        let body = StreamedBody::new(received, self.total - offset, sent.clone()).boxed();
        let stop = CancellationToken::new();
        let runtime = tokio::runtime::Handle::current();
        let outlet = Outlet { parts, stop: stop.clone(), runtime };
        let from = offset - self.header.len() as u64;
        // Whoever drops this future (Ctrl-C) stops the thread too.
        let guard = stop.clone().drop_guard();
        let pump = tokio::task::spawn_blocking(move || {
            let pumped = feed.pump(from, &outlet);
            (feed, pumped)
        });
        let answer = self.watch(&ask, body, offset, &sent).await;
        drop(guard);
        match pump.await {
            Ok((feed, Err(error))) => (feed, Err(error)),
            Ok((feed, Ok(()))) => (feed, answer),
            // The thread panicked; there is nothing left to seal with.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    async fn watch(
        &self,
        ask: &Ask,
        body: crate::cli::gateway::Body,
        offset: u64,
        sent: &Sent,
    ) -> Result<u64, Error> {
        let request = self.line.stream(ask, body, NO_DEADLINE);
        tokio::pin!(request);
        let (mut last, mut moved) = (0, Instant::now());
        loop {
            tokio::select! {
                answer = &mut request => return offset_of(answer?.headers()),
                () = tokio::time::sleep(Duration::from_millis(200)) => {
                    let now = sent.bytes();
                    self.bar.set_position(offset + now);
                    if now != last {
                        (last, moved) = (now, Instant::now());
                    } else if moved.elapsed() > STALL {
                        return Err(Error::new(Word::Unreachable).because("nothing moves"));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
