//! Payload bytes on their way into segments: written and hashed on another thread while the
//! next ones arrive, never more than a few buffers in memory.

use bytes::Bytes;
use tokio::task::JoinHandle;

use crate::envelope::{NONCE_BYTES, PIECE_BYTES, PieceHasher, piece_of_offset};
use crate::objects::{self, Objects, SegmentWriter};
use crate::store::Segment;

use super::Error;

/// Bytes of the nonce in front of piece 0.
const NONCE: u64 = NONCE_BYTES as u64;
/// Pieces of one segment at most.
const SEGMENT_PIECES: u64 = 8;
/// Bytes gathered before they are handed to the disk.
const BATCH_BYTES: usize = 1024 * 1024;

/// The part that works on another thread.
struct Open {
    writer: SegmentWriter,
    hasher: PieceHasher,
}

impl Open {
    fn take(mut self, parts: &[Bytes]) -> Result<Self, objects::Error> {
        for part in parts {
            self.hasher.update(part);
        }
        self.writer.write(parts)?;
        Ok(self)
    }
}

/// Where a payload is written to, from some offset on.
pub(super) struct Sink {
    objects: Objects,
    /// Payload offset at which the segment begins, and its end at the latest.
    start: u64,
    end: u64,
    /// Payload offset of the next byte.
    at: u64,
    batch: Vec<Bytes>,
    batch_bytes: usize,
    open: Option<Open>,
    busy: Option<JoinHandle<Result<Open, objects::Error>>>,
    /// Whether something of this segment was handed to the disk. What the disk then refuses is
    /// lost, and so is the segment: another file in its place would begin with a hole.
    handed: bool,
}

impl Sink {
    /// From payload offset `at`, which is on a piece boundary.
    pub(super) fn new(objects: Objects, at: u64) -> Result<Self, Error> {
        let end =
            segment_end(at).ok_or(Error::Malformed("the upload is not on a piece boundary"))?;
        Ok(Self {
            objects,
            start: at,
            end,
            at,
            batch: Vec::new(),
            batch_bytes: 0,
            open: None,
            busy: None,
            handed: false,
        })
    }

    /// Payload offset of the next byte.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Takes bytes out of `bytes` up to the end of the segment. When that is reached, gives
    /// the segment, durable; the next one begins by itself.
    pub(super) async fn push(&mut self, bytes: &mut Bytes) -> Result<Option<Segment>, Error> {
        let room = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let part = bytes.split_to(bytes.len().min(room));
        self.at += part.len() as u64;
        self.batch_bytes += part.len();
        if !part.is_empty() {
            self.batch.push(part);
        }
        if self.at == self.end {
            let segment = self.close(None).await?;
            self.handed = false;
            self.start = self.at;
            self.end =
                segment_end(self.at).ok_or(Error::Malformed("a segment ends inside a piece"))?;
            return Ok(segment);
        }
        if self.batch_bytes >= BATCH_BYTES {
            self.flush().await?;
        }
        Ok(None)
    }

    /// The payload is whole: what is left is its last segment.
    pub(super) async fn finish(&mut self) -> Result<Option<Segment>, Error> {
        self.close(None).await
    }

    /// The body broke off: whole pieces are kept, the rest is dropped.
    pub(super) async fn cut(&mut self) -> Result<Option<Segment>, Error> {
        let whole = piece_floor(self.at);
        if whole <= self.start || self.is_lost() {
            return Ok(None);
        }
        self.close(Some(whole - self.start)).await
    }

    /// Hands the batch to the disk, as soon as the one before is there.
    async fn flush(&mut self) -> Result<(), Error> {
        let batch = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        let open = self.settled().await?;
        self.busy = Some(tokio::task::spawn_blocking(move || open.take(&batch)));
        Ok(())
    }

    fn is_lost(&self) -> bool {
        self.handed && self.open.is_none() && self.busy.is_none()
    }

    async fn settled(&mut self) -> Result<Open, Error> {
        if let Some(busy) = self.busy.take() {
            return Ok(busy.await.map_err(failed)??);
        }
        if let Some(open) = self.open.take() {
            return Ok(open);
        }
        if std::mem::replace(&mut self.handed, true) {
            let lost = std::io::Error::other("the disk refused an earlier part of the segment");
            return Err(Error::Objects(objects::Error::Failed(lost)));
        }
        let piece = piece_of_offset(self.start).unwrap_or_default();
        let objects = self.objects.clone();
        let writer =
            tokio::task::spawn_blocking(move || objects.begin()).await.map_err(failed)??;
        Ok(Open { writer, hasher: PieceHasher::starting_at(piece) })
    }

    async fn close(&mut self, keep: Option<u64>) -> Result<Option<Segment>, Error> {
        if self.at == self.start {
            return Ok(None);
        }
        let batch = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        let open = self.settled().await?;
        let start = self.start;
        let done = tokio::task::spawn_blocking(move || {
            let Open { mut writer, hasher } = open.take(&batch)?;
            let mut pieces = crate::envelope::Pieces { hashes: hasher.full_pieces().to_vec() };
            match keep {
                Some(length) => writer.truncate(length)?,
                None => pieces = hasher.finish(),
            }
            let length = writer.length();
            let key = writer.publish()?;
            Ok::<_, objects::Error>(Segment {
                start,
                length,
                object: key.as_str().to_owned(),
                pieces,
            })
        });
        Ok(Some(done.await.map_err(failed)??))
    }
}

fn failed(error: tokio::task::JoinError) -> Error {
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
                        segments.extend(sink.push(&mut part).await.expect("taken"));
                    }
                }
                segments.extend(sink.finish().await.expect("whole"));
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
