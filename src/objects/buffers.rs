//! Buffers that are used again: fresh pages for every megabyte cost a fifth of a download's
//! processor time, and a sixth of an upload's.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Bytes of one pooled buffer.
pub(super) const BUFFER_BYTES: usize = 512 * 1024;

/// Buffers that are kept while nobody uses them.
const KEPT: usize = 16;

/// A pool of buffers of [`BUFFER_BYTES`].
#[derive(Clone, Debug, Default)]
pub(super) struct Buffers {
    idle: Arc<Mutex<Vec<Box<[u8]>>>>,
}

impl Buffers {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// A buffer for `length` bytes; short ones are not pooled.
    pub(super) fn take(&self, length: usize) -> Buffer {
        if length <= BUFFER_BYTES / 4 {
            return Buffer { bytes: vec![0; length].into(), length, home: None };
        }
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let bytes = idle.unwrap_or_else(|| vec![0; BUFFER_BYTES].into());
        Buffer { length: length.min(BUFFER_BYTES), bytes, home: Some(self.idle.clone()) }
    }
}

/// A buffer that many parts are gathered in, so that what they came in is free again at once.
#[derive(Debug)]
pub struct Gather {
    buffer: Buffer,
    filled: usize,
}

impl Gather {
    pub(super) fn new(buffers: &Buffers) -> Self {
        Self { buffer: buffers.take(BUFFER_BYTES), filled: 0 }
    }

    /// Moves in as much of `bytes` as there is room for.
    pub fn take(&mut self, bytes: &mut Bytes) {
        let room = &mut self.buffer.as_mut()[self.filled..];
        let part = bytes.split_to(bytes.len().min(room.len()));
        room[..part.len()].copy_from_slice(&part);
        self.filled += part.len();
    }

    /// Whether there is no room left.
    pub fn is_full(&self) -> bool {
        self.filled == BUFFER_BYTES
    }

    /// What was gathered.
    pub fn freeze(self) -> Bytes {
        self.buffer.freeze(self.filled)
    }
}

/// One buffer; goes back to its pool when the last view of it is gone.
#[derive(Debug)]
pub(super) struct Buffer {
    bytes: Box<[u8]>,
    length: usize,
    home: Option<Arc<Mutex<Vec<Box<[u8]>>>>>,
}

impl Buffer {
    /// The bytes to fill.
    pub(super) fn as_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.length]
    }

    /// The first `length` bytes, to be shared.
    pub(super) fn freeze(mut self, length: usize) -> Bytes {
        self.length = length.min(self.length);
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            let mut idle = home.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < KEPT {
                idle.push(std::mem::take(&mut self.bytes));
            }
        }
    }
}
