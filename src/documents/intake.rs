//! A body as it arrives.

use std::pin::Pin;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};

/// The peer went away, broke the protocol or was too slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body broke off")]
pub struct Broken;

/// The bytes of a body, in order; ends after the first [`Broken`].
pub type Incoming = Pin<Box<dyn Stream<Item = Result<Bytes, Broken>> + Send>>;

/// `body` with `first` in front.
pub(super) fn preceded(first: Bytes, body: Incoming) -> Incoming {
    if first.is_empty() {
        return body;
    }
    Box::pin(futures_util::stream::once(async move { Ok(first) }).chain(body))
}
