//! What is sent: a file by its name, or a stream (standard input, a named pipe).
//!
//! Refuses folders and devices. Remembers size and time of change, so that a file that somebody
//! writes to meanwhile is noticed.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::cli::error::{Error, file_error};
use crate::cli::words::Word;

/// What a file looked like when it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Look {
    /// Bytes.
    pub size: u64,
    /// When its bytes last changed, nanoseconds since the epoch.
    pub modified_ns: i64,
    /// When it last changed at all (contents, name, rights); cannot be set back by hand.
    pub changed_ns: i64,
    /// Which file it is on its file system.
    pub inode: u64,
}

impl Look {
    fn of(meta: &Metadata) -> Self {
        let ns = |secs: i64, nanos: i64| secs.saturating_mul(1_000_000_000).saturating_add(nanos);
        Self {
            size: meta.len(),
            modified_ns: ns(meta.mtime(), meta.mtime_nsec()),
            changed_ns: ns(meta.ctime(), meta.ctime_nsec()),
            inode: meta.ino(),
        }
    }
}

/// An open source.
#[derive(Debug)]
pub(super) enum Source {
    /// A regular file.
    File(FileSource),
    /// Standard input or a named pipe.
    Stream(File),
}

/// An open regular file.
#[derive(Debug)]
pub(super) struct FileSource {
    /// The file.
    pub file: File,
    /// Its name as it was given.
    pub path: PathBuf,
    /// What it looked like when it was opened.
    pub look: Look,
}

impl Source {
    /// Opens `path`; `-` is standard input.
    ///
    /// # Errors
    /// [`Word::NoSuchFile`], [`Word::IsFolder`], [`Word::NotAFile`], [`Word::CannotRead`].
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        if path == Path::new("-") {
            use std::os::fd::AsFd;
            let input = io::stdin()
                .as_fd()
                .try_clone_to_owned()
                .map_err(|e| file_error(Word::CannotRead, path, &e))?;
            return Ok(Self::Stream(File::from(input)));
        }
        let meta = std::fs::metadata(path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => Error::new(Word::NoSuchFile).about_path(path),
            _ => file_error(Word::CannotRead, path, &e),
        })?;
        if meta.is_dir() {
            return Err(Error::new(Word::IsFolder).about_path(path));
        }
        if !meta.is_file() && !meta.file_type().is_fifo() {
            return Err(Error::new(Word::NotAFile).about_path(path));
        }
        let file = File::open(path).map_err(|e| file_error(Word::CannotRead, path, &e))?;
        if meta.file_type().is_fifo() {
            return Ok(Self::Stream(file));
        }
        // Again, of what was opened: the name may lead elsewhere by now.
        let meta = file.metadata().map_err(|e| file_error(Word::CannotRead, path, &e))?;
        Ok(Self::File(FileSource { file, path: path.to_owned(), look: Look::of(&meta) }))
    }
}

impl FileSource {
    /// Whether nobody wrote to it since it was opened.
    pub(super) fn is_unchanged(&self) -> bool {
        self.file.metadata().is_ok_and(|meta| Look::of(&meta) == self.look)
    }

    /// That it changed, as an error.
    pub(super) fn changed(&self) -> Error {
        Error::new(Word::FileChanged).about_path(&self.path)
    }
}

/// The name a file is sealed under: the last part of its path, or `name` where that is given.
pub(super) fn sealed_name(path: &Path, name: Option<&str>) -> String {
    match name {
        Some(name) => name.to_owned(),
        None if path == Path::new("-") => "stdin".to_owned(),
        None => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
    }
}

/// The media type by the name's ending; empty when it is none of those that people send.
pub(super) fn media_type(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase()).unwrap_or_default();
    match ending.as_str() {
        "pdf" => "application/pdf",
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "heic" => "image/heic",
        "csv" => "text/csv",
        "txt" => "text/plain",
        "xml" => "application/xml",
        "ofd" => "application/ofd",
        "zip" => "application/zip",
        "xls" => "application/vnd.ms-excel",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "doc" => "application/msword",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn folders_devices_and_absent_files_are_named() {
        let dir = tempfile::tempdir().expect("a folder");
        let code = |path: &Path| Source::open(path).expect_err("refused").code().to_owned();
        assert_eq!(code(dir.path()), "is_folder");
        assert_eq!(code(&dir.path().join("对账单.pdf")), "no_such_file");
        assert_eq!(code(Path::new("/dev/null")), "not_a_file");
        let message =
            Source::open(dir.path()).expect_err("refused").message(crate::cli::lang::Lang::Zh);
        assert!(message.contains(&dir.path().display().to_string()));
    }

    #[test]
    fn a_write_is_noticed() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a");
        std::fs::write(&path, b"one").expect("written");
        let Source::File(source) = Source::open(&path).expect("opens") else {
            panic!("a regular file")
        };
        assert!(source.is_unchanged());
        let mut file = std::fs::OpenOptions::new().append(true).open(&path).expect("opens");
        file.write_all(b"!").expect("written");
        assert!(!source.is_unchanged());
    }

    #[test]
    fn names_are_sealed_as_people_have_them() {
        let path = Path::new("dir/对账单 2026年3月.pdf");
        assert_eq!(sealed_name(path, None), "对账单 2026年3月.pdf");
        assert_eq!(sealed_name(Path::new("-"), None), "stdin");
        assert_eq!(sealed_name(Path::new("-"), Some("a.csv")), "a.csv");
        assert_eq!(media_type("对账单 2026年3月.PDF"), "application/pdf");
        assert_eq!(media_type("noending"), "");
    }
}
