//! Payload bytes on their way into segments: written and hashed on another thread while the
//! next ones arrive, never more than a few buffers in memory.

use std::pin::Pin;

use bytes::Bytes;
use tokio::task::JoinHandle;

use crate::envelope::{NONCE_BYTES, PIECE_BYTES, PieceHasher, Pieces, piece_of_offset};
use crate::objects::{self, Gather, Objects, SegmentWriter};
use crate::store::Segment;

use super::Error;

/// Bytes of the nonce in front of piece 0.
const NONCE: u64 = NONCE_BYTES as u64;
/// Pieces of one segment at most.
const SEGMENT_PIECES: u64 = 8;
/// What a segment takes of the disk at most, in bytes; the first has a nonce more.
pub(super) const SEGMENT_BYTES: u64 = SEGMENT_PIECES * PIECE_BYTES;
/// Bytes gathered before they are handed to the disk.
const BATCH_BYTES: usize = 1024 * 1024;
/// A part as long as this tells of a fast sender: it is gathered with the next ones in a buffer
/// that is used again. Slow ones do not get a buffer each.
const GATHERED_BYTES: usize = 64 * 1024;
/// A part that is longer is as good as a buffer.
const LONG_BYTES: usize = 512 * 1024;

/// A segment that is being made durable, whether or not anybody waits for it.
pub(super) type Closing = Pin<Box<dyn Future<Output = Result<Segment, Error>> + Send>>;

/// The part that works on another thread.
struct Open {
    writer: SegmentWriter,
    hasher: PieceHasher,
}

impl Open {
    fn begin(objects: &Objects, start: u64) -> Result<Self, objects::Error> {
        let piece = piece_of_offset(start).unwrap_or_default();
        Ok(Self { writer: objects.begin()?, hasher: PieceHasher::starting_at(piece) })
    }

    fn take(mut self, parts: &[Bytes]) -> Result<Self, objects::Error> {
        for part in parts {
            self.hasher.update(part);
        }
        self.writer.write(parts)?;
        Ok(self)
    }

    /// Makes the segment durable, or its first `keep` bytes, which are whole pieces.
    fn close(self, start: u64, keep: Option<u64>) -> Result<Segment, objects::Error> {
        let Self { mut writer, hasher } = self;
        let pieces = match keep {
            Some(length) => {
                writer.truncate(length)?;
                Pieces { hashes: hasher.full_pieces().to_vec() }
            }
            None => hasher.finish(),
        };
        let length = writer.length();
        let object = writer.publish()?.as_str().to_owned();
        Ok(Segment { start, length, object, pieces })
    }
}

type Writing = JoinHandle<Result<Open, objects::Error>>;

/// Where a payload is written to, from some offset on.
pub(super) struct Sink {
    objects: Objects,
    /// Payload offset at which the segment begins, and its end at the latest.
    start: u64,
    end: u64,
    /// Payload offset of the next byte.
    at: u64,
    batch: Vec<Bytes>,
    gather: Option<Gather>,
    batch_bytes: usize,
    writing: Option<Writing>,
    /// Whether something of this segment was handed to the disk. What the disk then refuses is
    /// lost, and so is the segment: another file in its place would begin with a hole.
    handed: bool,
}

impl Sink {
    /// From payload offset `at`, which is on a piece boundary.
    pub(super) fn new(objects: Objects, at: u64) -> Result<Self, Error> {
        let end =
            segment_end(at).ok_or(Error::Malformed("the upload is not on a piece boundary"))?;
        let batch = Vec::new();
        Ok(Self {
            objects,
            start: at,
            end,
            at,
            batch,
            gather: None,
            batch_bytes: 0,
            writing: None,
            handed: false,
        })
    }

    /// Payload offset of the next byte.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Takes bytes out of `bytes` up to the end of the segment. When that is reached, gives
    /// the segment; the next one begins by itself.
    pub(super) async fn push(&mut self, bytes: &mut Bytes) -> Result<Option<Closing>, Error> {
        let room = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let part = bytes.split_to(bytes.len().min(room));
        self.at += part.len() as u64;
        self.batch_bytes += part.len();
        self.hold(part);
        if self.at == self.end {
            let closing = self.close(None);
            self.start = self.at;
            self.end =
                segment_end(self.at).ok_or(Error::Malformed("a segment ends inside a piece"))?;
            return Ok(closing);
        }
        if self.batch_bytes >= BATCH_BYTES {
            self.flush().await?;
        }
        Ok(None)
    }

    /// The payload is whole: what is left is its last segment.
    pub(super) fn finish(&mut self) -> Option<Closing> {
        self.close(None)
    }

    /// The body broke off: whole pieces are kept, the rest is dropped.
    pub(super) fn cut(&mut self) -> Option<Closing> {
        let whole = piece_floor(self.at);
        if whole <= self.start || self.is_lost() {
            return None;
        }
        self.close(Some(whole - self.start))
    }

    /// Puts a part behind what is held of the batch.
    fn hold(&mut self, mut part: Bytes) {
        if part.is_empty() {
            return;
        }
        let slow = self.gather.is_none() && part.len() < GATHERED_BYTES;
        if slow || part.len() > LONG_BYTES {
            self.batch.extend(self.gather.take().map(Gather::freeze));
            self.batch.push(part);
            return;
        }
        while !part.is_empty() {
            let gather = self.gather.get_or_insert_with(|| self.objects.gather());
            gather.take(&mut part);
            if gather.is_full() {
                self.batch.extend(self.gather.take().map(Gather::freeze));
            }
        }
    }

    /// All that is held.
    fn take_batch(&mut self) -> Vec<Bytes> {
        self.batch.extend(self.gather.take().map(Gather::freeze));
        self.batch_bytes = 0;
        std::mem::take(&mut self.batch)
    }

    fn is_lost(&self) -> bool {
        self.handed && self.writing.is_none()
    }

    /// Hands the batch to the disk, as soon as the one before is there.
    async fn flush(&mut self) -> Result<(), Error> {
        if self.is_lost() {
            return Err(lost());
        }
        let before = settled(self.writing.take()).await?;
        self.handed = true;
        let batch = self.take_batch();
        let (objects, start) = (self.objects.clone(), self.start);
        self.writing = Some(tokio::task::spawn_blocking(move || {
            before.map_or_else(|| Open::begin(&objects, start), Ok)?.take(&batch)
        }));
        Ok(())
    }

    /// Begins to make the segment durable; nothing of it is waited for here.
    fn close(&mut self, keep: Option<u64>) -> Option<Closing> {
        if self.at == self.start {
            return None;
        }
        if self.is_lost() {
            return Some(Box::pin(std::future::ready(Err(lost()))));
        }
        self.handed = false;
        let (batch, before) = (self.take_batch(), self.writing.take());
        let (objects, start) = (self.objects.clone(), self.start);
        let closing = tokio::spawn(async move {
            let before = settled(before).await?;
            let closed = tokio::task::spawn_blocking(move || {
                let open = before.map_or_else(|| Open::begin(&objects, start), Ok)?;
                open.take(&batch)?.close(start, keep)
            });
            Ok(closed.await.map_err(failed)??)
        });
        Some(Box::pin(async move { closing.await.map_err(failed)? }))
    }
}

async fn settled(writing: Option<Writing>) -> Result<Option<Open>, Error> {
    match writing {
        Some(writing) => Ok(Some(writing.await.map_err(failed)??)),
        None => Ok(None),
    }
}

fn lost() -> Error {
    let lost = std::io::Error::other("the disk refused an earlier part of the segment");
    Error::Objects(objects::Error::Failed(lost))
}

pub(super) fn failed(error: tokio::task::JoinError) -> Error {
    Error::Objects(objects::Error::Failed(std::io::Error::other(error)))
}

/// The end of a segment that begins at `start` and is as long as it may be.
fn segment_end(start: u64) -> Option<u64> {
    let piece = piece_of_offset(start)?;
    Some(NONCE + (piece + SEGMENT_PIECES) * PIECE_BYTES)
}

/// The last piece boundary at or before `at`.
fn piece_floor(at: u64) -> u64 {
    match at.checked_sub(NONCE).map(|rest| rest / PIECE_BYTES) {
        None | Some(0) => 0,
        Some(pieces) => NONCE + pieces * PIECE_BYTES,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn boundaries_are_those_of_pieces() {
        assert_eq!(segment_end(0), Some(16 + 8 * PIECE_BYTES));
        assert_eq!(segment_end(16 + PIECE_BYTES), Some(16 + 9 * PIECE_BYTES));
        assert_eq!(segment_end(1), None);
        assert_eq!(piece_floor(16 + PIECE_BYTES - 1), 0);
        assert_eq!(piece_floor(16 + PIECE_BYTES), 16 + PIECE_BYTES);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn however_it_arrives_the_same_pieces_lie_there(
            steps in proptest::collection::vec(1_usize..600_000, 1..24)
        ) {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(async {
                let dir = tempfile::tempdir().expect("a folder");
                let objects = Objects::open(dir.path()).expect("a store");
                let total: usize = steps.iter().sum();
                let payload: Bytes = (0..total).map(|n| (n % 251) as u8).collect::<Vec<_>>().into();
                let mut sink = Sink::new(objects, 0).expect("a sink");
                let (mut segments, mut at) = (Vec::new(), 0);
                for step in steps {
                    let mut part = payload.slice(at..at + step);
                    at += step;
                    while !part.is_empty() {
                        if let Some(closing) = sink.push(&mut part).await.expect("taken") {
                            segments.push(closing.await.expect("durable"));
                        }
                    }
                }
                if let Some(closing) = sink.finish() {
                    segments.push(closing.await.expect("durable"));
                }
                let mut hasher = PieceHasher::new();
                hasher.update(&payload);
                let expected = hasher.finish();
                let found: Vec<_> = segments.iter().flat_map(|s| s.pieces.hashes.clone()).collect();
                assert_eq!(found, expected.hashes);
                assert_eq!(segments.iter().map(|s| s.length).sum::<u64>(), total as u64);
            });
        }
    }
}
