//! A small disk of memory that a test can fill.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A mounted disk. Gone when dropped.
pub(crate) struct Small {
    path: PathBuf,
}

impl Small {
    /// A disk of `bytes` at `path`; none where this machine lets nobody mount.
    pub(crate) fn mount(path: &Path, bytes: u64) -> Option<Self> {
        std::fs::create_dir_all(path).expect("a folder");
        let size = format!("size={bytes},mode=0700");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(path)
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !mounted {
            let said = "no disk can be mounted here: a full one is tested by other means alone\n";
            std::io::stderr().write_all(said.as_bytes()).expect("said");
        }
        mounted.then(|| Self { path: path.to_owned() })
    }

    /// Bytes that are free.
    pub(crate) fn free(&self) -> u64 {
        let stat = rustix::fs::statvfs(&self.path).expect("mounted");
        stat.f_bavail * stat.f_frsize
    }

    /// Fills it until so many bytes are free.
    pub(crate) fn fill(&self, leave: u64) {
        let file = File::options().create(true).append(true).open(self.ballast()).expect("made");
        // Others write meanwhile: until it is so, a page more or less.
        for _ in 0..1000 {
            let more = self.free().saturating_sub(leave);
            if more == 0 {
                return;
            }
            let length = file.metadata().expect("there").len();
            let flags = rustix::fs::FallocateFlags::empty();
            let _ = rustix::fs::fallocate(&file, flags, length, more);
        }
        panic!("it does not fill");
    }

    /// Makes room again.
    pub(crate) fn clear(&self) {
        std::fs::remove_file(self.ballast()).expect("removed");
    }

    fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}
