//! `strongroom seal`: an ordinary age file from any file or pipe. Writes the whole result or
//! nothing; never overwrites unless told to.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::age_file::{InputFile, OnTerminal, OutputFile, passphrase, progress_bar, read_small};
use super::failure::Failure;
use crate::envelope::{
    ArmorWriter, Error, FileKey, Header, Nonce, Recipient, Sink, Source, seal_all,
};

/// Seal a file to recipients; the result is an ordinary age file.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples · 示例:
  strongroom seal -r age1qs… -o receipts.pdf.age receipts.pdf
  tar c invoices | strongroom seal -R team.txt > invoices.tar.age")]
pub struct SealArgs {
    /// Seal to this recipient (age1… or age1pq1…); may be given several times
    #[arg(short, long, value_name = "RECIPIENT")]
    pub recipient: Vec<String>,
    /// Seal to the recipients in this file, one a line; # begins a comment
    #[arg(short = 'R', long, value_name = "FILE")]
    pub recipients_file: Vec<PathBuf>,
    /// Seal with a passphrase instead · 改用口令封存
    #[arg(short, long, conflicts_with_all = ["recipient", "recipients_file"])]
    pub passphrase: bool,
    /// Take the passphrase from the first line of this file · 从文件首行读取口令
    #[arg(long, value_name = "FILE", requires = "passphrase")]
    pub passphrase_file: Option<PathBuf>,
    /// Write text (PEM) instead of binary · 输出文本（PEM）
    #[arg(short, long)]
    pub armor: bool,
    /// Write here instead of standard output · 输出文件
    #[arg(short, long, value_name = "OUT")]
    pub output: Option<PathBuf>,
    /// Replace OUT when it is there · 覆盖已有文件
    #[arg(short, long)]
    pub force: bool,
    /// The file to seal; standard input when absent or - · 要封存的文件
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// Why nothing was written.
pub fn run(args: &SealArgs) -> Result<(), Failure> {
    let key = FileKey::random();
    let header = header(args, &key)?;
    let input = InputFile::open(args.file.as_deref())?;
    let terminal = if args.armor { OnTerminal::Allow } else { OnTerminal::Refuse };
    let mut output = OutputFile::open(args.output.as_deref(), args.force, terminal)?;
    let to = output.path().to_owned();
    let fault = |error: Error| Failure::envelope(&error, &input.path, &to);

    let mut stream = &input.file;
    let source = match input.len() {
        Some(len) => Source::File { file: &input.file, offset: 0, len },
        None => Source::Stream(&mut stream),
    };
    let bar = progress_bar(input.len(), output.is_terminal() || input.is_terminal());
    let progress = |bytes| bar.inc(bytes);
    let nonce = Nonce::random();
    let sealed = if args.armor {
        let mut armor = ArmorWriter::new(output.writer());
        armor.write_all(header.as_bytes()).map_err(|e| fault(e.into()))?;
        seal_all(&key, &nonce, source, Sink::Stream(&mut armor), &progress)
            .and_then(|()| Ok(armor.finish().map(drop)?))
    } else {
        output.writer().write_all(header.as_bytes()).map_err(|e| fault(e.into()))?;
        seal_all(&key, &nonce, source, output.sink(header.as_bytes().len() as u64), &progress)
    };
    bar.finish_and_clear();
    sealed.map_err(fault)?;
    input.check_unchanged()?;
    output.commit()
}

fn header(args: &SealArgs, key: &FileKey) -> Result<Header, Failure> {
    let nowhere = Path::new("-");
    if args.passphrase {
        let passphrase = passphrase(args.passphrase_file.as_deref(), true)?;
        return Header::seal_with_passphrase(key, &passphrase)
            .map_err(|e| Failure::envelope(&e, nowhere, nowhere));
    }
    let mut recipients = Vec::new();
    for text in &args.recipient {
        recipients.push(recipient(text)?);
    }
    for path in &args.recipients_file {
        let bytes = read_small(path)?;
        for line in String::from_utf8_lossy(&bytes).lines().map(str::trim) {
            if !line.is_empty() && !line.starts_with('#') {
                recipients.push(recipient(line)?);
            }
        }
    }
    Header::seal(key, &recipients).map_err(|e| Failure::envelope(&e, nowhere, nowhere))
}

fn recipient(text: &str) -> Result<Recipient, Failure> {
    // The beginning is enough to find it again, and fits on a line.
    let shown: String = text.chars().filter(|c| !c.is_control()).take(24).collect();
    text.parse().map_err(|error| match error {
        Error::Plugin => Failure::usage(
            "plugin",
            format!("{shown}… needs an age plugin, and plugins are not supported"),
            format!("{shown}… 需要 age 插件，本程序不支持插件"),
        ),
        _ => Failure::usage(
            "bad_recipient",
            format!("{shown}… is not a recipient: it begins with age1; copy the whole of it"),
            format!("{shown}… 不是接收者：应以 age1 开头，请完整复制"),
        ),
    })
}
