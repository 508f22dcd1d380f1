//! `strongroom open`: what an age file holds, for whoever has an identity or the passphrase.
//! Nothing is written before its chunk is authentic; a named file appears complete or not at all.

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::age_file::{
    InputFile, OnTerminal, OutputFile, TextOnly, passphrase, progress_bar, read_small,
};
use super::failure::Failure;
use crate::envelope::{
    ArmorReader, Error, FileKey, Header, Identity, MAX_HEADER_BYTES, Passphrase, Sink, Source,
    Strength, looks_armored, open_all, read_header,
};

/// Open an age file with an identity.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples · 示例:
  strongroom open -i key.txt -o receipts.pdf receipts.pdf.age
  strongroom open -i key.txt invoices.tar.age | tar x")]
pub struct OpenArgs {
    /// A file of identities (AGE-SECRET-KEY-…), one a line; may be given several times
    #[arg(short, long, value_name = "IDENTITY")]
    pub identity: Vec<PathBuf>,
    /// Take a passphrase from the first line of this file instead of asking · 从文件首行读取口令
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Write here instead of standard output · 输出文件
    #[arg(short, long, value_name = "OUT")]
    pub output: Option<PathBuf>,
    /// Replace OUT when it is there · 覆盖已有文件
    #[arg(short, long)]
    pub force: bool,
    /// The file to open; standard input when absent or - · 要打开的文件
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// Why the file was not opened, or not to its end.
pub fn run(args: &OpenArgs) -> Result<(), Failure> {
    let identities = identities(args)?;
    let input = InputFile::open(args.file.as_deref())?;
    let mut output = OutputFile::open(args.output.as_deref(), args.force, OnTerminal::Allow)?;
    let to = output.path().to_owned();
    let read_fault = |error: Error| match error {
        Error::Io(error) => Failure::read(&input.path, &error),
        error => Failure::envelope(&error, &input.path, &to),
    };

    let mut beginning = Vec::new();
    (&input.file)
        .take(MAX_HEADER_BYTES as u64 + 1)
        .read_to_end(&mut beginning)
        .map_err(|e| Failure::read(&input.path, &e))?;
    let on_terminal = output.is_terminal();
    let unforced_terminal = on_terminal && args.output.is_none();
    let bar = progress_bar(input.len(), on_terminal || input.is_terminal());
    let progress = |bytes| bar.inc(bytes);
    let opened = if looks_armored(&beginning) {
        let mut armor = ArmorReader::new(Cursor::new(beginning).chain(&input.file));
        let (header, first) = read_header(&mut armor).map_err(read_fault)?;
        let key = file_key(args, &header, &identities, &input.path)?;
        let mut payload = Cursor::new(first).chain(armor);
        open_to(&key, Source::Stream(&mut payload), &mut output, unforced_terminal, &progress)
    } else {
        let (header, len) = Header::parse(&beginning).map_err(read_fault)?;
        let key = file_key(args, &header, &identities, &input.path)?;
        let mut payload = Cursor::new(beginning.split_off(len)).chain(&input.file);
        let source = match input.len() {
            Some(total) => Source::File {
                file: &input.file,
                offset: len as u64,
                len: total.saturating_sub(len as u64),
            },
            None => Source::Stream(&mut payload),
        };
        open_to(&key, source, &mut output, unforced_terminal, &progress)
    };
    bar.finish_and_clear();
    match opened {
        Err(Error::Io(e)) if unforced_terminal && e.kind() == std::io::ErrorKind::InvalidData => {
            Err(Failure::usage(
                "binary_on_terminal",
                "the content is not plain text: name a file with -o, or force it with -o -",
                "内容不是纯文本：请用 -o 指定文件，或用 -o - 强制输出",
            ))
        }
        Err(error) => Err(Failure::envelope(&error, &input.path, &to)),
        Ok(()) => {
            input.check_unchanged()?;
            output.commit()
        }
    }
}

fn open_to(
    key: &FileKey,
    source: Source<'_>,
    output: &mut OutputFile,
    text_only: bool,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(), Error> {
    if text_only {
        let mut text = TextOnly(output.writer());
        open_all(key, source, Sink::Stream(&mut text), progress)
    } else {
        open_all(key, source, output.sink(0), progress)
    }
}

fn file_key(
    args: &OpenArgs,
    header: &Header,
    identities: &[Identity],
    path: &Path,
) -> Result<FileKey, Failure> {
    let opened = if matches!(header.strength(), Ok(Strength::Passphrase)) {
        header.open_with_passphrase(&ask(args)?)
    } else if identities.is_empty() {
        return Err(Failure::usage(
            "identity_needed",
            "name the identity to open it with: -i FILE",
            "请指定用于打开的身份：-i 文件",
        ));
    } else {
        header.open(identities)
    };
    opened.map_err(|e| Failure::envelope(&e, path, path))
}

fn ask(args: &OpenArgs) -> Result<Passphrase, Failure> {
    passphrase(args.passphrase_file.as_deref(), false)
}

fn identities(args: &OpenArgs) -> Result<Vec<Identity>, Failure> {
    let mut identities = Vec::new();
    for path in &args.identity {
        if path.to_string_lossy().to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") {
            return Err(Failure::usage(
                "identity_on_command_line",
                "-i takes a file: others on this machine can read command lines, so put the key into a file",
                "-i 需要文件名：本机其他用户能看到命令行，请把密钥放入文件",
            ));
        }
        identities.extend(identity_file(args, path)?);
    }
    Ok(identities)
}

/// Reads a file of identities, sealed with a passphrase or not.
fn identity_file(args: &OpenArgs, path: &Path) -> Result<Vec<Identity>, Failure> {
    let mut bytes = read_small(path)?;
    if looks_armored(&bytes) || bytes.starts_with(b"age-encryption.org/") {
        bytes = unlock(args, &bytes).map_err(|error| match error {
            Unlock::Failure(failure) => failure,
            Unlock::Envelope(error) => Failure::envelope(&error, path, path),
        })?;
    }
    let parsed = std::str::from_utf8(&bytes).map_err(|_| Error::Identity);
    parsed.and_then(Identity::parse_file).map_err(|error| {
        let shown = path.display();
        match error {
            Error::Plugin => Failure::usage(
                "plugin",
                format!("{shown} needs an age plugin, and plugins are not supported"),
                format!("{shown} 需要 age 插件，本程序不支持插件"),
            ),
            _ => Failure::usage(
                "bad_identity",
                format!("{shown} holds no identity: its lines begin with AGE-SECRET-KEY- or #"),
                format!("{shown} 中没有身份：每行应以 AGE-SECRET-KEY- 或 # 开头"),
            ),
        }
    })
}

enum Unlock {
    Failure(Failure),
    Envelope(Error),
}

impl From<Error> for Unlock {
    fn from(error: Error) -> Self {
        Self::Envelope(error)
    }
}

/// Opens a file of identities that is itself sealed with a passphrase.
fn unlock(args: &OpenArgs, bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unlock> {
    let mut reader: Box<dyn Read + Send + '_> =
        if looks_armored(bytes) { Box::new(ArmorReader::new(bytes)) } else { Box::new(bytes) };
    let (header, first) = read_header(&mut reader)?;
    let key = header.open_with_passphrase(&ask(args).map_err(Unlock::Failure)?)?;
    let mut payload = Cursor::new(first).chain(reader);
    let mut plaintext = Zeroizing::new(Vec::new());
    open_all(&key, Source::Stream(&mut payload), Sink::Stream(&mut *plaintext), &|_| {})?;
    Ok(plaintext)
}
