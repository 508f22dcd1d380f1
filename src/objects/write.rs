//! Writing one object through to the local disk while its bytes arrive.

use std::fs::{self, File};
use std::io::{self, IoSlice, Write};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use crate::faults::Fault;

use super::{Error, Inner, ObjectKey, sync_dir};

/// An object that is being written. It has no name until [`SegmentWriter::publish`]; dropped
/// before, it leaves nothing behind. All of it blocks.
#[derive(Debug)]
pub struct SegmentWriter {
    inner: Arc<Inner>,
    key: ObjectKey,
    file: File,
    /// None once it has been moved into place.
    incoming: Option<PathBuf>,
    length: u64,
}

impl SegmentWriter {
    pub(super) fn create(inner: Arc<Inner>) -> Result<Self, Error> {
        let key = ObjectKey::random();
        let incoming = inner.incoming(&key);
        let file = File::options().write(true).create_new(true).open(&incoming)?;
        Ok(Self { inner, key, file, incoming: Some(incoming), length: 0 })
    }

    /// Bytes written.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Appends `parts`, gathered in as few calls as the system allows.
    pub fn write(&mut self, parts: &[Bytes]) -> Result<(), Error> {
        if Fault::DiskFull.is_on() {
            return Err(Error::Full);
        }
        let mut slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
        let mut rest = slices.as_mut_slice();
        IoSlice::advance_slices(&mut rest, 0);
        while !rest.is_empty() {
            match self.file.write_vectored(rest) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(written) => {
                    self.length += written as u64;
                    IoSlice::advance_slices(&mut rest, written);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Keeps the first `length` bytes only.
    pub fn truncate(&mut self, length: u64) -> Result<(), Error> {
        self.file.set_len(length)?;
        self.length = length;
        Ok(())
    }

    /// Makes the object durable and gives it its name: its bytes first, then the name, then
    /// the directory that holds the name.
    pub fn publish(mut self) -> Result<ObjectKey, Error> {
        // After a failed sync nobody knows what is on the disk: the object is given up.
        if !Fault::SkipFsync.is_on() {
            self.file.sync_data()?;
        }
        let Some(incoming) = self.incoming.take() else {
            return Err(Error::Unreliable);
        };
        let place = self.inner.file(&self.key);
        let named =
            fs::rename(&incoming, &place).and_then(|()| sync_dir(&self.inner.shard(&self.key)));
        if let Err(error) = named {
            // Whichever of the two is there; the sweep takes what cannot be removed now.
            let _ = fs::remove_file(&incoming);
            let _ = fs::remove_file(&place);
            return Err(error.into());
        }
        Ok(self.key.clone())
    }
}

impl Drop for SegmentWriter {
    fn drop(&mut self) {
        if let Some(incoming) = &self.incoming {
            // What stays is removed when the gateway starts.
            let _ = fs::remove_file(incoming);
        }
    }
}
