//! A file that appears under its name complete or not at all. Until then it has no name (or,
//! where the file system cannot do that, a hidden one that is removed on failure and Ctrl-C).
//! Never overwrites unless told to; what was there stays until the new file is durable. Where a
//! later run is to go on with it, it keeps a hidden name of its own until it is finished.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FlockOperation, Mode, OFlags, RenameFlags, flock};

use crate::secrets::random_bytes;

/// A file in the making.
pub(super) struct NewFile {
    file: File,
    target: PathBuf,
    replace: bool,
    /// The hidden name, where the file has to have one.
    hidden: Option<PathBuf>,
    /// Whether an unfinished file stays under its hidden name.
    stays: bool,
}

impl NewFile {
    /// Begins a file that will be `target`; `replace` lets it take the place of another.
    ///
    /// # Errors
    /// `AlreadyExists` when something is there and must not be replaced; those of the folder.
    pub(super) fn create(target: &Path, replace: bool) -> io::Result<Self> {
        if !replace && target.symlink_metadata().is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        match rustix::fs::open(folder_of(target), flags, Mode::from_raw_mode(0o666)) {
            Ok(fd) => {
                let file = fd.into();
                Ok(Self { file, target: target.into(), replace, hidden: None, stays: false })
            }
            Err(_) => Self::create_hidden(target, replace),
        }
    }

    /// Goes on with the file that an earlier run left under the hidden name `part`, or begins
    /// it. Dropped unfinished it stays there. `None` while somebody else goes on with it.
    ///
    /// # Errors
    /// Those of the folder; a link under that name is not followed.
    pub(super) fn resume(part: &Path) -> io::Result<Option<Self>> {
        let flags = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or(0);
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false);
        let file = file.custom_flags(flags).open(part)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            Err(e) => return Err(e.into()),
        }
        // Whoever held it a moment ago may have given it its name.
        let same = part.symlink_metadata().is_ok_and(|there| {
            file.metadata().is_ok_and(|here| (there.dev(), there.ino()) == (here.dev(), here.ino()))
        });
        if !same {
            return Ok(None);
        }
        let (target, hidden) = (part.to_owned(), Some(part.to_owned()));
        Ok(Some(Self { file, target, replace: false, hidden, stays: true }))
    }

    /// Gives the file up: nothing of it stays, under no name.
    pub(super) fn discard(mut self) {
        self.stays = false;
    }

    fn create_hidden(target: &Path, replace: bool) -> io::Result<Self> {
        let hidden = hidden_name(target);
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&hidden)?;
        remove_on_signal(hidden.clone());
        let hidden = Some(hidden);
        Ok(Self { file, target: target.into(), replace, hidden, stays: false })
    }

    /// The open file.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Makes the file durable and gives it its name.
    ///
    /// # Errors
    /// `AlreadyExists` when somebody else took the name meanwhile; those of the file system. The
    /// file is gone then.
    pub(super) fn commit(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        if self.hidden.is_none() {
            let name = format!("/proc/self/fd/{}", self.file.as_raw_fd());
            let link =
                |to: &Path| rustix::fs::linkat(CWD, &*name, CWD, to, AtFlags::SYMLINK_FOLLOW);
            if self.replace {
                // A link cannot replace; a rename can.
                let hidden = hidden_name(&self.target);
                link(&hidden)?;
                self.hidden = Some(hidden);
            } else {
                link(&self.target)?;
            }
        }
        if let Some(hidden) = &self.hidden {
            let flags = if self.replace { RenameFlags::empty() } else { RenameFlags::NOREPLACE };
            rustix::fs::renameat_with(CWD, hidden, CWD, &self.target, flags)?;
            self.hidden = None;
        }
        File::open(folder_of(&self.target))?.sync_all()
    }

    /// Makes the file durable and gives it the first of `names` that is free; all of them must
    /// lie in the folder of the target. Never replaces anything.
    ///
    /// # Errors
    /// `AlreadyExists` when none is free; those of the file system. The file is gone then.
    pub(super) fn commit_free(
        mut self,
        names: impl Iterator<Item = PathBuf>,
    ) -> io::Result<PathBuf> {
        self.file.sync_all()?;
        let open = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        for name in names {
            let placed = match &self.hidden {
                None => rustix::fs::linkat(CWD, &*open, CWD, &name, AtFlags::SYMLINK_FOLLOW),
                Some(hidden) => {
                    rustix::fs::renameat_with(CWD, hidden, CWD, &name, RenameFlags::NOREPLACE)
                }
            };
            match placed {
                Ok(()) => {
                    self.hidden = None;
                    File::open(folder_of(&name))?.sync_all()?;
                    return Ok(name);
                }
                Err(rustix::io::Errno::EXIST) => {}
                Err(e) => return Err(e.into()),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if let Some(hidden) = self.hidden.as_ref().filter(|_| !self.stays) {
            // It was not finished; whether it can be removed changes nothing about that.
            let _ = std::fs::remove_file(hidden);
        }
    }
}

fn folder_of(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn hidden_name(target: &Path) -> PathBuf {
    folder_of(target).join(format!(".strongroom-{}.part", hex::encode(random_bytes::<8>())))
}

/// Removes `path` when the program is told to stop, and stops.
fn remove_on_signal(path: PathBuf) {
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else {
            return;
        };
        let status = runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let (Ok(mut interrupt), Ok(mut terminate)) =
                (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
            else {
                return std::future::pending().await;
            };
            tokio::select! {
                _ = interrupt.recv() => 130,
                _ = terminate.recv() => 143,
            }
        });
        let _ = std::fs::remove_file(&path);
        std::process::exit(status);
    });
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("a readable folder");
        entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }

    type Create = fn(&Path, bool) -> io::Result<NewFile>;

    #[test]
    fn a_file_appears_complete_or_not_at_all() {
        for create in [NewFile::create as Create, NewFile::create_hidden as Create] {
            let folder = tempfile::tempdir().expect("a folder");
            let target = folder.path().join("out");
            let new = create(&target, false).expect("creatable");
            new.file().write_all(b"half").expect("writable");
            assert!(!target.exists());
            drop(new);
            assert!(names(folder.path()).is_empty(), "nothing stays of what was not finished");
            let new = create(&target, false).expect("creatable");
            new.file().write_all(b"whole").expect("writable");
            new.commit().expect("nobody has the name");
            assert_eq!(std::fs::read(&target).expect("there"), b"whole");
            assert_eq!(names(folder.path()), ["out"]);
        }
    }

    #[test]
    fn what_is_gone_on_with_stays_until_it_is_finished_or_given_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let part = folder.path().join(".x.part");
        let resume = || NewFile::resume(&part).expect("resumable");
        let first = resume().expect("nobody holds it");
        first.file().write_all(b"half").expect("writable");
        assert!(resume().is_none(), "one at a time");
        drop(first);
        assert_eq!(std::fs::read(&part).expect("it stays"), b"half");
        let target = folder.path().join("whole");
        let again = resume().expect("nobody holds it");
        again.commit_free(std::iter::once(target.clone())).expect("free");
        assert_eq!((names(folder.path()), part.exists()), (vec!["whole".to_owned()], false));
        resume().expect("begun anew").discard();
        assert!(!part.exists());
        std::os::unix::fs::symlink(&target, &part).expect("linked");
        assert!(NewFile::resume(&part).is_err(), "a link is not followed");
    }

    #[test]
    fn the_first_free_name_is_taken() {
        for create in [NewFile::create as Create, NewFile::create_hidden as Create] {
            let folder = tempfile::tempdir().expect("a folder");
            let names = || ["a", "b", "c"].map(|name| folder.path().join(name)).into_iter();
            for expected in ["a", "b", "c"] {
                let new = create(&folder.path().join("x"), false).expect("creatable");
                let taken = new.commit_free(names()).expect("one is free");
                assert_eq!(taken, folder.path().join(expected));
            }
            let new = create(&folder.path().join("x"), false).expect("creatable");
            assert!(new.commit_free(names()).is_err());
            assert_eq!(self::names(folder.path()).len(), 3);
        }
    }

    #[test]
    fn what_is_there_is_replaced_only_when_told() {
        for create in [NewFile::create as Create, NewFile::create_hidden as Create] {
            let folder = tempfile::tempdir().expect("a folder");
            let target = folder.path().join("out");
            let late = create(&target, false).expect("nothing is there yet");
            std::fs::write(&target, b"old").expect("writable");
            let refused = late.commit().expect_err("the name was taken meanwhile");
            assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
            assert!(NewFile::create(&target, false).is_err());
            let new = create(&target, true).expect("creatable");
            new.file().write_all(b"new").expect("writable");
            assert_eq!(std::fs::read(&target).expect("there"), b"old");
            new.commit().expect("told to replace");
            assert_eq!(std::fs::read(&target).expect("there"), b"new");
            assert_eq!(names(folder.path()), ["out"]);
        }
    }
}
