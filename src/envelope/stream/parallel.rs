//! A payload on all cores: workers claim jobs of sixteen chunks, seal or open them, and put the
//! results out in order (streams) or at their offsets (files). Constant memory, one MiB or little
//! more a worker, whatever the size.
//!
//! The first failure in order wins. On a stream everything before it has been written and nothing
//! behind it; a file written by offset is the caller's to discard after any error.

use std::fs::File;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use zeroize::{Zeroize, Zeroizing};

use crate::envelope::chunk::{
    CHUNK_BYTES, ChunkCipher, PayloadCipher, SEALED_CHUNK_BYTES, TAG_BYTES, chunk_nonce,
};
use crate::envelope::stream::jobs::{Claim, Input, JOB_CHUNKS, Output};
use crate::envelope::stream::{NONCE_BYTES, ReadAt, plaintext_len};
use crate::envelope::{Error, FileKey, Nonce};

/// More workers than this would cost memory and gain nothing.
const MAX_WORKERS: usize = 8;

/// Where the bytes come from.
pub enum Source<'a> {
    /// Read in order until the end.
    Stream(&'a mut (dyn Read + Send)),
    /// `len` bytes from `offset` on, read by all workers.
    File {
        /// The file.
        file: &'a dyn ReadAt,
        /// Its first byte that counts.
        offset: u64,
        /// How many bytes count.
        len: u64,
    },
}

/// Where the bytes go.
pub enum Sink<'a> {
    /// Written in order.
    Stream(&'a mut (dyn Write + Send)),
    /// Written by all workers, from `offset` on.
    File {
        /// The file.
        file: &'a File,
        /// Where the first byte goes.
        offset: u64,
    },
}

/// Told how many bytes of plaintext were finished each time; called from several threads.
pub type Progress<'a> = &'a (dyn Fn(u64) + Sync);

/// Seals everything in `source` as the payload of `key` and `nonce`, nonce in front.
///
/// # Errors
/// [`Error::Io`]; a source that ends before its declared length is `UnexpectedEof`.
pub fn seal_all(
    key: &FileKey,
    nonce: &Nonce,
    source: Source<'_>,
    mut sink: Sink<'_>,
    progress: Progress<'_>,
) -> Result<(), Error> {
    let cipher = PayloadCipher::new(&key.payload_key(nonce));
    sink.put_first(&nonce.0)?;
    let workers = workers(&source, CHUNK_BYTES);
    let input = Input::new(source, CHUNK_BYTES);
    let output = Output::new(sink, SEALED_CHUNK_BYTES);
    run(&input, &output, workers, |claim, buffer, _| {
        let sealed = seal_job(&cipher, &input, claim, buffer);
        progress(claim.len as u64);
        sealed
    })
}

/// Opens everything in `source`, nonce first, that was sealed with `key`.
///
/// # Errors
/// [`Error::Payload`], [`Error::HeaderTruncated`] when not even the nonce is there,
/// [`Error::Io`].
pub fn open_all(
    key: &FileKey,
    source: Source<'_>,
    sink: Sink<'_>,
    progress: Progress<'_>,
) -> Result<(), Error> {
    let (nonce, source) = source.take_nonce()?;
    let cipher = PayloadCipher::new(&key.payload_key(&nonce));
    let workers = workers(&source, SEALED_CHUNK_BYTES);
    let input = Input::new(source, SEALED_CHUNK_BYTES);
    let output = Output::new(sink, CHUNK_BYTES);
    run(&input, &output, workers, |claim, buffer, chunk| {
        let (len, opened) = open_job(&cipher, &input, claim, buffer, chunk);
        progress(len as u64);
        (len, opened)
    })
}

fn workers(source: &Source<'_>, chunk_bytes: usize) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    match source {
        Source::Stream(_) => cores.min(MAX_WORKERS),
        Source::File { len, .. } => {
            let jobs = len.div_ceil((JOB_CHUNKS * chunk_bytes) as u64).max(1);
            usize::try_from(jobs).unwrap_or(MAX_WORKERS).min(cores).min(MAX_WORKERS)
        }
    }
}

/// Runs `work` on every job and puts out what it left at the beginning of the first buffer: that
/// many bytes, even when it failed. The buffers handed to it are one worker's own.
fn run(
    input: &Input<'_>,
    output: &Output<'_>,
    workers: usize,
    work: impl Fn(&Claim, &mut [u8], &mut [u8]) -> (usize, Result<(), Error>) + Sync,
) -> Result<(), Error> {
    let failure = Mutex::new(None);
    let stop = AtomicBool::new(false);
    let worker = || {
        let mut buffer = Zeroizing::new(vec![0; JOB_CHUNKS * SEALED_CHUNK_BYTES]);
        let mut chunk = vec![0; SEALED_CHUNK_BYTES];
        let _abort = AbortOnPanic(output);
        while !stop.load(Ordering::Relaxed) {
            let (index, (len, done)) = match input.claim(&mut buffer) {
                Ok(None) => break,
                Ok(Some(claim)) => (claim.index, work(&claim, &mut buffer, &mut chunk)),
                Err((index, error)) => (index, (0, Err(error.into()))),
            };
            // Earlier jobs are written first, so that the first failure in order is reported.
            let error = match done {
                Ok(()) => match output.put(index, &buffer[..len]) {
                    Ok(()) => continue,
                    Err(error) => error.map(Error::Io),
                },
                Err(error) => output.fail(index, &buffer[..len]).then_some(error),
            };
            if let Some(error) = error {
                failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            }
            stop.store(true, Ordering::Relaxed);
            break;
        }
    };
    if workers == 1 {
        worker();
    } else {
        std::thread::scope(|scope| {
            for _ in 1..workers {
                scope.spawn(worker);
            }
            worker();
        });
    }
    match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => output.flush().map_err(Error::Io),
    }
}

/// Lets the other workers end when one panics, instead of waiting for its turn for ever.
struct AbortOnPanic<'a, 'b>(&'a Output<'b>);

impl Drop for AbortOnPanic<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.abort();
        }
    }
}

/// Seals one job inside `buffer`; returns the length of the result.
fn seal_job(
    cipher: &PayloadCipher,
    input: &Input<'_>,
    claim: &Claim,
    buffer: &mut [u8],
) -> (usize, Result<(), Error>) {
    let chunks = claim.len.div_ceil(CHUNK_BYTES).max(1);
    // Backwards, because what was read in one go lies closer together than what is written.
    for number in (0..chunks).rev() {
        let len = CHUNK_BYTES.min(claim.len - number * CHUNK_BYTES);
        let at = number * SEALED_CHUNK_BYTES;
        if let Err(error) = input.bring(claim, number * CHUNK_BYTES, at..at + len, buffer) {
            return (0, Err(error.into()));
        }
        let index = claim.index * JOB_CHUNKS as u64 + number as u64;
        let nonce = chunk_nonce(index, claim.last && number + 1 == chunks);
        cipher.seal(nonce, &mut buffer[at..at + len + TAG_BYTES]);
    }
    (claim.len + chunks * TAG_BYTES, Ok(()))
}

/// Opens one job inside `buffer`; returns how much of it is authentic plaintext.
fn open_job(
    cipher: &PayloadCipher,
    input: &Input<'_>,
    claim: &Claim,
    buffer: &mut [u8],
    chunk: &mut [u8],
) -> (usize, Result<(), Error>) {
    let chunks = claim.len.div_ceil(SEALED_CHUNK_BYTES).max(1);
    let mut opened = 0;
    for number in 0..chunks {
        let from = number * SEALED_CHUNK_BYTES;
        let sealed = &mut chunk[..SEALED_CHUNK_BYTES.min(claim.len - from)];
        if let Err(error) = input.fetch(claim, from, sealed, buffer) {
            return (opened, Err(error.into()));
        }
        let index = claim.index * JOB_CHUNKS as u64 + number as u64;
        let last = claim.last && number + 1 == chunks;
        let (Some(len), false) =
            (sealed.len().checked_sub(TAG_BYTES), sealed.len() == TAG_BYTES && index > 0)
        else {
            return (opened, Err(Error::Payload));
        };
        let out = &mut buffer[opened..opened + len];
        if cipher.open(chunk_nonce(index, last), sealed, out).is_err() {
            // A last chunk with something behind it, or a chunk whose followers were cut off, is
            // authentic itself and is released.
            let full = sealed.len() == SEALED_CHUNK_BYTES;
            if full && cipher.open(chunk_nonce(index, !last), sealed, out).is_ok() {
                opened += len;
            } else {
                out.zeroize();
            }
            return (opened, Err(Error::Payload));
        }
        opened += len;
    }
    (opened, Ok(()))
}

impl<'a> Source<'a> {
    fn take_nonce(self) -> Result<(Nonce, Self), Error> {
        let mut nonce = [0; NONCE_BYTES];
        match self {
            Self::Stream(reader) => {
                reader.read_exact(&mut nonce).map_err(|e| match e.kind() {
                    std::io::ErrorKind::UnexpectedEof => Error::HeaderTruncated,
                    _ => Error::Io(e),
                })?;
                Ok((Nonce(nonce), Self::Stream(reader)))
            }
            Self::File { file, offset, len } => {
                if len < NONCE_BYTES as u64 {
                    return Err(Error::HeaderTruncated);
                }
                // Unlike a stream, a file tells at once when no payload has its length.
                plaintext_len(len).ok_or(Error::Payload)?;
                file.read_exact_at(&mut nonce, offset)?;
                let (offset, len) = (offset + NONCE_BYTES as u64, len - NONCE_BYTES as u64);
                Ok((Nonce(nonce), Self::File { file, offset, len }))
            }
        }
    }
}
