//! Reading objects in ranges, and a row of ranges as one stream with the next read under way
//! while the one before is sent.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use object_store::{GetResultPayload, ObjectStoreExt};
use tokio::task::JoinHandle;

use super::buffers::{BUFFER_BYTES, Buffer};
use super::{Error, Inner, ObjectKey, Objects, run_blocking};

/// Bytes of one read of a stream that keeps up.
pub const READ_BYTES: usize = BUFFER_BYTES;

/// Bytes of the first read; each later one doubles, so that many slow readers cost little.
const FIRST_READ_BYTES: usize = 64 * 1024;

/// Part of one object: `start` and `length` in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Which object.
    pub key: ObjectKey,
    /// Where in it.
    pub start: u64,
    /// How much of it.
    pub length: u64,
}

/// An object that is open for reading; it stays readable after it was deleted.
#[derive(Clone, Debug)]
pub struct Object {
    inner: Arc<Inner>,
    from: From,
    length: u64,
}

#[derive(Clone, Debug)]
enum From {
    File(Arc<File>),
    Store(ObjectKey),
}

impl Object {
    pub(super) async fn open(inner: Arc<Inner>, key: &ObjectKey) -> Result<Self, Error> {
        let got = inner.store.get(&key.path()).await?;
        let length = got.meta.size;
        let from = match got.payload {
            GetResultPayload::File(file, _) => From::File(Arc::new(file)),
            GetResultPayload::Stream(_) => From::Store(key.clone()),
        };
        Ok(Self { inner, from, length })
    }

    /// Bytes of the object.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// At most `most` bytes from `start`; fewer at the end of the object and beyond
    /// [`READ_BYTES`].
    pub async fn read(&self, start: u64, most: usize) -> Result<Bytes, Error> {
        let left = self.length.saturating_sub(start);
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(most).min(READ_BYTES);
        if length == 0 {
            return Ok(Bytes::new());
        }
        match &self.from {
            From::File(file) => {
                let (file, buffer) = (file.clone(), self.inner.buffers.take(length));
                run_blocking(move || fill(&file, buffer, start)).await
            }
            From::Store(key) => {
                let range = start..start + length as u64;
                Ok(self.inner.store.get_range(&key.path(), range).await?)
            }
        }
    }
}

fn fill(file: &File, mut buffer: Buffer, start: u64) -> Result<Bytes, Error> {
    let wanted = buffer.as_mut();
    let (mut filled, length) = (0, wanted.len());
    while filled < length {
        match file.read_at(&mut wanted[filled..], start + filled as u64) {
            // Objects never shrink: somebody else cut it.
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(buffer.freeze(length))
}

struct Reading {
    objects: Objects,
    spans: std::vec::IntoIter<Span>,
    current: Option<(Object, u64, u64)>,
    next_bytes: usize,
}

impl Reading {
    /// The next bytes, or `None` at the end.
    async fn step(mut self) -> (Self, Option<Result<Bytes, Error>>) {
        let read = self.read().await.transpose();
        (self, read)
    }

    async fn read(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let Some((object, start, left)) = self.current.take().filter(|(_, _, left)| *left > 0)
            else {
                let Some(span) = self.spans.next() else { return Ok(None) };
                let object = self.objects.object(&span.key).await?;
                self.current = Some((object, span.start, span.length));
                continue;
            };
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(self.next_bytes);
            self.next_bytes = (self.next_bytes * 2).min(READ_BYTES);
            let bytes = object.read(start, most).await?;
            if bytes.is_empty() {
                // The object is shorter than the database says.
                return Err(Error::Unreliable);
            }
            let read = bytes.len() as u64;
            self.current = Some((object, start + read, left - read));
            return Ok(Some(bytes));
        }
    }
}

/// The bytes of `spans`, one after the other, in constant memory. The first read is done when
/// this returns, so that a missing object is found before anything is promised; each later
/// one is under way while the one before is taken.
pub async fn read_spans(
    objects: &Objects,
    spans: Vec<Span>,
) -> Result<impl Stream<Item = Result<Bytes, Error>> + Send + use<>, Error> {
    let reading = Reading {
        objects: objects.clone(),
        spans: spans.into_iter(),
        current: None,
        next_bytes: FIRST_READ_BYTES,
    };
    let (reading, first) = reading.step().await;
    let Some(first) = first.transpose()? else {
        return Ok(stream::empty().left_stream());
    };
    let rest = stream::unfold(Next::Idle(Box::new(reading)), |next| async move {
        let task = match next {
            Next::Idle(reading) => tokio::spawn(reading.step()),
            Next::UnderWay(task) => task,
            Next::Over => return None,
        };
        let (reading, read) = match task.await {
            Ok(stepped) => stepped,
            Err(error) => return Some((Err(Error::Failed(io::Error::other(error))), Next::Over)),
        };
        match read? {
            Ok(bytes) => Some((Ok(bytes), Next::UnderWay(tokio::spawn(reading.step())))),
            Err(error) => Some((Err(error), Next::Over)),
        }
    });
    Ok(stream::once(async move { Ok(first) }).chain(rest).right_stream())
}

type Stepped = (Reading, Option<Result<Bytes, Error>>);

enum Next {
    Idle(Box<Reading>),
    UnderWay(JoinHandle<Stepped>),
    Over,
}
