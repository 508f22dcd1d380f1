//! Jobs of sixteen chunks: handed out to workers one by one, and put where they belong.

use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::envelope::stream::ReadAt;
use crate::envelope::stream::parallel::{Sink, Source};

/// Chunks of a full job.
pub(super) const JOB_CHUNKS: usize = 16;

/// One job, claimed by one worker.
pub(super) struct Claim {
    /// Counts from 0, in order of the payload.
    pub(super) index: u64,
    /// Input bytes.
    pub(super) len: usize,
    /// The payload ends with it.
    pub(super) last: bool,
}

/// The input side.
pub(super) enum Input<'a> {
    Stream { job_bytes: usize, state: Mutex<StreamState<'a>> },
    File { job_bytes: usize, file: &'a dyn ReadAt, offset: u64, len: u64, next: AtomicU64 },
}

pub(super) struct StreamState<'a> {
    reader: &'a mut (dyn Read + Send),
    next: u64,
    /// The first byte of the next job: only it tells that the job before was not the last.
    ahead: Option<u8>,
    ended: bool,
}

impl<'a> Input<'a> {
    pub(super) fn new(source: Source<'a>, chunk_bytes: usize) -> Self {
        let job_bytes = JOB_CHUNKS * chunk_bytes;
        match source {
            Source::Stream(reader) => Self::Stream {
                job_bytes,
                state: Mutex::new(StreamState { reader, next: 0, ahead: None, ended: false }),
            },
            Source::File { file, offset, len } => {
                Self::File { job_bytes, file, offset, len, next: AtomicU64::new(0) }
            }
        }
    }

    /// The next job, `None` after the last. A stream's bytes are read into `buffer`.
    ///
    /// # Errors
    /// With the index of the job that could not be read.
    pub(super) fn claim(&self, buffer: &mut [u8]) -> Result<Option<Claim>, (u64, io::Error)> {
        match self {
            Self::Stream { job_bytes, state } => {
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                if state.ended {
                    return Ok(None);
                }
                let index = state.next;
                state.next += 1;
                match state.read_job(&mut buffer[..*job_bytes]) {
                    Ok(len) => Ok(Some(Claim { index, len, last: state.ended })),
                    Err(error) => {
                        state.ended = true;
                        Err((index, error))
                    }
                }
            }
            Self::File { job_bytes, len, next, .. } => {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let job = *job_bytes as u64;
                let jobs = len.div_ceil(job).max(1);
                if index >= jobs {
                    return Ok(None);
                }
                let last = index + 1 == jobs;
                let bytes = if last { len - index * job } else { job };
                let len = usize::try_from(bytes).expect("a job is about a MiB");
                Ok(Some(Claim { index, len, last }))
            }
        }
    }

    /// Puts the job's input bytes from `from` on at `at` in `buffer`.
    pub(super) fn bring(
        &self,
        claim: &Claim,
        from: usize,
        at: Range<usize>,
        buffer: &mut [u8],
    ) -> io::Result<()> {
        match self {
            Self::Stream { .. } => {
                buffer.copy_within(from..from + at.len(), at.start);
                Ok(())
            }
            Self::File { .. } => self.read(claim, from, &mut buffer[at]),
        }
    }

    /// Copies the job's input bytes from `from` on into `out`.
    pub(super) fn fetch(
        &self,
        claim: &Claim,
        from: usize,
        out: &mut [u8],
        buffer: &[u8],
    ) -> io::Result<()> {
        match self {
            Self::Stream { .. } => {
                out.copy_from_slice(&buffer[from..from + out.len()]);
                Ok(())
            }
            Self::File { .. } => self.read(claim, from, out),
        }
    }

    fn read(&self, claim: &Claim, from: usize, out: &mut [u8]) -> io::Result<()> {
        match self {
            Self::Stream { .. } => Ok(()),
            Self::File { job_bytes, file, offset, .. } => {
                let job = claim.index * *job_bytes as u64;
                file.read_exact_at(out, offset + job + from as u64)
            }
        }
    }
}

impl StreamState<'_> {
    fn read_job(&mut self, job: &mut [u8]) -> io::Result<usize> {
        let mut len = 0;
        if let Some(first) = self.ahead.take() {
            job[0] = first;
            len = 1;
        }
        len += read_full(self.reader, &mut job[len..])?;
        if len < job.len() {
            self.ended = true;
            return Ok(len);
        }
        let mut ahead = [0];
        match read_full(self.reader, &mut ahead)? {
            0 => self.ended = true,
            _ => self.ahead = Some(ahead[0]),
        }
        Ok(len)
    }
}

/// Reads until `out` is full or the input ends.
fn read_full(reader: &mut (dyn Read + Send), out: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    while len < out.len() {
        match reader.read(&mut out[len..]) {
            Ok(0) => break,
            Ok(read) => len += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}

/// The output side.
pub(super) enum Output<'a> {
    Stream { turn: Mutex<Turn<'a>>, moved: Condvar },
    File { job_bytes: u64, file: &'a File, offset: u64 },
}

pub(super) struct Turn<'a> {
    writer: &'a mut (dyn Write + Send),
    next: u64,
    failed: bool,
}

impl<'a> Output<'a> {
    pub(super) fn new(sink: Sink<'a>, chunk_bytes: usize) -> Self {
        match sink {
            Sink::Stream(writer) => Self::Stream {
                turn: Mutex::new(Turn { writer, next: 0, failed: false }),
                moved: Condvar::new(),
            },
            Sink::File { file, offset } => {
                Self::File { job_bytes: (JOB_CHUNKS * chunk_bytes) as u64, file, offset }
            }
        }
    }

    /// Writes the result of job `index` when its turn has come.
    ///
    /// # Errors
    /// What went wrong, or `None` when an earlier job failed and this result goes nowhere.
    pub(super) fn put(&self, index: u64, bytes: &[u8]) -> Result<(), Option<io::Error>> {
        match self {
            Self::Stream { moved, .. } => {
                let mut turn = self.wait(index).ok_or(None)?;
                let written = turn.writer.write_all(bytes);
                match written {
                    Ok(()) => turn.next += 1,
                    Err(_) => turn.failed = true,
                }
                moved.notify_all();
                written.map_err(Some)
            }
            Self::File { job_bytes, file, offset } => {
                file.write_all_at(bytes, offset + index * job_bytes).map_err(Some)
            }
        }
    }

    /// Notes that job `index` failed, after `before` of its result, and lets nothing later out.
    /// False when an earlier one failed.
    pub(super) fn fail(&self, index: u64, before: &[u8]) -> bool {
        match self {
            Self::Stream { moved, .. } => {
                let Some(mut turn) = self.wait(index) else {
                    return false;
                };
                // The job's own failure is what gets reported, whatever becomes of this.
                let _ = turn.writer.write_all(before);
                turn.failed = true;
                moved.notify_all();
                true
            }
            Self::File { .. } => true,
        }
    }

    /// Lets nothing more out.
    pub(super) fn abort(&self) {
        if let Self::Stream { turn, moved } = self {
            turn.lock().unwrap_or_else(PoisonError::into_inner).failed = true;
            moved.notify_all();
        }
    }

    /// Waits until all jobs before `index` are written; `None` when one failed.
    fn wait(&self, index: u64) -> Option<MutexGuard<'_, Turn<'a>>> {
        let Self::Stream { turn, moved } = self else {
            return None;
        };
        let mut turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        while turn.next < index && !turn.failed {
            turn = moved.wait(turn).unwrap_or_else(PoisonError::into_inner);
        }
        if turn.failed { None } else { Some(turn) }
    }

    pub(super) fn flush(&self) -> io::Result<()> {
        match self {
            Self::Stream { turn, .. } => {
                turn.lock().unwrap_or_else(PoisonError::into_inner).writer.flush()
            }
            Self::File { .. } => Ok(()),
        }
    }
}

impl Sink<'_> {
    /// Writes what stands before the first job.
    pub(super) fn put_first(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Stream(writer) => writer.write_all(bytes),
            Self::File { file, offset } => {
                file.write_all_at(bytes, *offset)?;
                *offset += bytes.len() as u64;
                Ok(())
            }
        }
    }
}
