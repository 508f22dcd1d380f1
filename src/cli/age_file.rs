//! Files and pipes that `seal` and `open` read and write. Regular files are read and written by
//! offset, on all cores; everything else in order.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use zeroize::Zeroizing;

use super::failure::Failure;
use super::new_file::NewFile;
use crate::envelope::{Passphrase, Sink};

/// Standard input or output, as people write it.
const DASH: &str = "-";
/// Work below this size shows no bar.
const BAR_FROM_BYTES: u64 = 64 * 1024 * 1024;

/// As much as a pipe may have without privileges.
const PIPE_BYTES: usize = 1024 * 1024;

/// What is read: a regular file or a stream.
pub(super) struct InputFile {
    /// Its name in messages.
    pub(super) path: PathBuf,
    /// The open file.
    pub(super) file: File,
    regular: Option<(u64, Option<SystemTime>)>,
}

impl InputFile {
    /// Opens `path`; `None` and `-` are standard input.
    ///
    /// # Errors
    /// What cannot be read, and folders.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path.filter(|p| *p != Path::new(DASH)) else {
            let path = PathBuf::from(DASH);
            // The descriptor itself: the buffer in front of it would only cost time.
            let input = io::stdin().as_fd().try_clone_to_owned();
            let file = File::from(input.map_err(|e| Failure::read(&path, &e))?);
            widen(&file);
            return Ok(Self { path, file, regular: None });
        };
        let file = File::open(path).map_err(|e| Failure::read(path, &e))?;
        let meta = file.metadata().map_err(|e| Failure::read(path, &e))?;
        if meta.is_dir() {
            return Err(Failure::folder(path));
        }
        // Files of /proc say they are empty: only a length can be trusted, not its absence.
        let regular =
            (meta.is_file() && meta.len() > 0).then(|| (meta.len(), meta.modified().ok()));
        Ok(Self { path: path.into(), file, regular })
    }

    /// Bytes of a regular file.
    pub(super) fn len(&self) -> Option<u64> {
        self.regular.map(|(len, _)| len)
    }

    /// Whether a person types it.
    pub(super) fn is_terminal(&self) -> bool {
        self.file.is_terminal()
    }

    /// After reading: refuses a file that somebody wrote to meanwhile.
    ///
    /// # Errors
    /// `file_changed`.
    pub(super) fn check_unchanged(&self) -> Result<(), Failure> {
        let Some(before) = self.regular else { return Ok(()) };
        let meta = self.file.metadata().map_err(|e| Failure::read(&self.path, &e))?;
        if (meta.len(), meta.modified().ok()) == before {
            Ok(())
        } else {
            Err(Failure::changed(&self.path))
        }
    }
}

/// Where the result goes.
pub(super) enum OutputFile {
    /// A regular file, complete or not at all.
    New(NewFile, PathBuf),
    /// Standard output, a pipe, a device.
    Stream(File, PathBuf),
}

/// What standard output is, when it is a terminal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum OnTerminal {
    /// Binary: refused.
    Refuse,
    /// Text, or checked by the caller.
    Allow,
}

impl OutputFile {
    /// Opens `path`; `None` is standard output, `-` standard output whatever it is.
    ///
    /// # Errors
    /// What cannot be written; what is there already unless `force`; binary on a terminal.
    pub(super) fn open(
        path: Option<&Path>,
        force: bool,
        terminal: OnTerminal,
    ) -> Result<Self, Failure> {
        if let Some(path) = path.filter(|p| *p != Path::new(DASH)) {
            return Self::open_named(path, force);
        }
        let stdout = io::stdout();
        if path.is_none() && stdout.is_terminal() && terminal == OnTerminal::Refuse {
            return Err(Failure::usage(
                "binary_on_terminal",
                "the result is binary: name a file with -o, add -a for text, or force it with -o -",
                "结果为二进制：请用 -o 指定文件，加 -a 输出文本，或用 -o - 强制输出",
            ));
        }
        let path = PathBuf::from(DASH);
        let output = stdout.as_fd().try_clone_to_owned();
        let file = File::from(output.map_err(|e| Failure::write(&path, &e))?);
        widen(&file);
        Ok(Self::Stream(file, path))
    }

    fn open_named(path: &Path, force: bool) -> Result<Self, Failure> {
        match path.metadata() {
            Ok(meta) if meta.is_dir() => return Err(Failure::folder(path)),
            // Devices and pipes have no content to lose.
            Ok(meta) if !meta.is_file() => {
                let file = File::options().write(true).open(path);
                return Ok(Self::Stream(file.map_err(|e| Failure::write(path, &e))?, path.into()));
            }
            _ => {}
        }
        let new = NewFile::create(path, force).map_err(|e| Failure::write(path, &e))?;
        Ok(Self::New(new, path.into()))
    }

    /// Its name in messages.
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::New(_, path) | Self::Stream(_, path) => path,
        }
    }

    /// Whether a person watches it.
    pub(super) fn is_terminal(&self) -> bool {
        matches!(self, Self::Stream(file, _) if file.is_terminal())
    }

    /// Where to write from byte `offset` on, which is 0 or what was written before.
    pub(super) fn sink(&mut self, offset: u64) -> Sink<'_> {
        match self {
            Self::New(new, _) => Sink::File { file: new.file(), offset },
            Self::Stream(file, _) => Sink::Stream(file),
        }
    }

    /// The open file, to write to in order.
    pub(super) fn writer(&mut self) -> &File {
        match self {
            Self::New(new, _) => new.file(),
            Self::Stream(file, _) => file,
        }
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// Those of the file system; nothing stays then.
    pub(super) fn commit(self) -> Result<(), Failure> {
        match self {
            Self::New(new, path) => new.commit().map_err(|e| Failure::write(&path, &e)),
            Self::Stream(..) => Ok(()),
        }
    }
}

/// Gives a pipe as much room as a job has, so that its two ends wait for each other less often.
fn widen(pipe: &File) {
    // What is no pipe, or has no room to get, stays as it is.
    let _ = rustix::pipe::fcntl_setpipe_size(pipe, PIPE_BYTES);
}

/// Passes text on to a terminal and refuses what could steer it.
pub(super) struct TextOnly<W>(pub(super) W);

impl<W: Write> Write for TextOnly<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let steers = |b: &u8| b.is_ascii_control() && !matches!(b, b'\n' | b'\r' | b'\t');
        if bytes.iter().any(steers) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "binary on a terminal"));
        }
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A bar on standard error for long work, when somebody watches. `len` in bytes, if known.
pub(super) fn progress_bar(len: Option<u64>, output_is_terminal: bool) -> ProgressBar {
    let watched = io::stderr().is_terminal() && !output_is_terminal;
    if !watched || len.is_some_and(|len| len < BAR_FROM_BYTES) {
        return ProgressBar::hidden();
    }
    let template = match len {
        Some(_) => "{bar:32} {percent}% {bytes}/{total_bytes} {bytes_per_sec} {eta}",
        None => "{spinner} {bytes} {bytes_per_sec}",
    };
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::with_draw_target(len, ProgressDrawTarget::stderr());
    bar.set_style(style);
    bar
}

/// The first line of `file`, or what somebody types; asked twice when `confirm`.
///
/// # Errors
/// Without file and terminal, for an empty passphrase, and for two that differ.
pub(super) fn passphrase(file: Option<&Path>, confirm: bool) -> Result<Passphrase, Failure> {
    let text = match file {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|e| Failure::read(path, &e))?;
            let text = Zeroizing::new(text);
            Zeroizing::new(text.lines().next().unwrap_or_default().to_owned())
        }
        None => {
            let ask = |prompt: &str| {
                rpassword::prompt_password(prompt).map(Zeroizing::new).map_err(|_| {
                    Failure::usage(
                        "no_terminal",
                        "there is no terminal to ask on: give --passphrase-file FILE",
                        "没有可供输入的终端：请给出 --passphrase-file 文件",
                    )
                })
            };
            let text = ask("passphrase 口令: ")?;
            if confirm && *ask("again 再次输入: ")? != *text {
                return Err(Failure::usage(
                    "passphrases_differ",
                    "the two passphrases are not the same: try again",
                    "两次输入的口令不一致：请重试",
                ));
            }
            text
        }
    };
    if text.is_empty() {
        return Err(Failure::usage(
            "passphrase_empty",
            "the passphrase is empty: choose one of several words",
            "口令为空：请使用由多个词组成的口令",
        ));
    }
    Ok(Passphrase::new(text.to_string()))
}

/// Reads a small text file (recipients, identities): at most 1 MiB.
///
/// # Errors
/// What cannot be read, is larger, or is no text.
pub(super) fn read_small(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    const MAX_BYTES: u64 = 1024 * 1024;
    let input = InputFile::open(Some(path))?;
    let mut bytes = Zeroizing::new(Vec::new());
    let read = input.file.take(MAX_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|e| Failure::read(path, &e))?;
    if bytes.len() as u64 > MAX_BYTES {
        let error = io::Error::new(io::ErrorKind::InvalidData, "larger than 1 MiB");
        return Err(Failure::read(path, &error));
    }
    Ok(bytes)
}
