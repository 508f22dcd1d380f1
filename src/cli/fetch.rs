//! `fetch` and `key export`: documents as they are kept, and the key that opens them with any age
//! tool.

use std::io::Write;
use std::path::PathBuf;

use serde::Serialize;
use tokio::sync::mpsc;

use crate::envelope::statement::Hash;
use crate::ids::{DocumentId, MemberId};

use super::Context;
use super::error::{Error, file_error};
use super::new_file::NewFile;
use super::people::RotateArgs;
use super::profile;
use super::reading::{Download, Part};
use super::words::Word;

/// Fetch a document as it is kept: an ordinary age file · 取回原始 age 文件
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom fetch 9b1c… --raw receipts.age
  strongroom key export --to key.txt && age -d -i key.txt receipts.age > receipts.pdf")]
pub struct FetchArgs {
    /// The document · 文档编号
    #[arg(value_name = "DOCUMENT")]
    pub document: DocumentId,
    /// Write header and payload here · 写入此文件
    #[arg(long, value_name = "FILE")]
    pub raw: PathBuf,
    /// Why you open a document of a closed period; the client reads it · 打开已结账期间文档的事由，客户可见
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Replace FILE when it is there · 覆盖已有文件
    #[arg(short, long)]
    pub force: bool,
}

#[derive(Serialize)]
struct Fetched {
    document: DocumentId,
    path: PathBuf,
    bytes: u64,
}

/// Runs `fetch`.
///
/// # Errors
/// [`Word::NotFound`], [`Word::FileExists`], and those of asking.
pub async fn run_fetch(context: &Context, args: FetchArgs) -> Result<(), Error> {
    let session = context.session()?;
    let path = args.raw;
    let fault = |e: &std::io::Error| match e.kind() {
        std::io::ErrorKind::AlreadyExists => Error::new(Word::FileExists).about_path(&path),
        _ => file_error(Word::CannotWrite, &path, e),
    };
    let file = NewFile::create(&path, args.force).map_err(|e| fault(&e))?;
    let (parts, mut received) = mpsc::channel(16);
    let writing = tokio::task::spawn_blocking(move || {
        let mut bytes = 0;
        while let Some(part) = received.blocking_recv() {
            let part = match &part {
                Part::Header(header) => header.as_bytes(),
                Part::Payload(payload) => payload,
            };
            file.file().write_all(part)?;
            bytes += part.len() as u64;
        }
        Ok::<_, std::io::Error>((file, bytes))
    });
    let arrived = Download::new(&session, args.document, args.reason.as_deref()).run(parts).await;
    let written =
        writing.await.map_err(|e| Error::new(Word::Internal).about("writing").because(e))?;
    arrived?;
    let (file, bytes) = written.map_err(|e| fault(&e))?;
    file.commit().map_err(|e| fault(&e))?;
    let fetched = Fetched { document: args.document, path: path.clone(), bytes };
    context.terminal.result(&fetched, || format!("{}  {bytes}", path.display()))
}

/// Your keys · 您的密钥
#[derive(Debug, clap::Args)]
pub struct KeyArgs {
    /// What to do
    #[command(subcommand)]
    pub action: KeyAction,
}

/// What can be done with keys.
#[derive(Debug, clap::Subcommand)]
pub enum KeyAction {
    /// Write your age identity, which opens raw files with any age tool · 导出 age 身份
    #[command(after_help = "\
Example · 示例:
  strongroom key export --to key.txt
  age -d -i key.txt receipts.age > receipts.pdf

Whoever has this file opens every document that you can open: keep it safe, or delete it.")]
    Export {
        /// Where to; the file must not be there yet · 写入的新文件
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// The post-quantum identity instead (AGE-SECRET-KEY-PQ-1…)
        #[arg(long)]
        post_quantum: bool,
    },
    /// Replace your keys by new ones · 更换密钥
    Rotate(RotateArgs),
}

#[derive(Serialize)]
struct Exported {
    member: MemberId,
    path: PathBuf,
    recipient: String,
    fingerprint: Hash,
}

/// Runs `key`.
///
/// # Errors
/// [`Word::FileExists`], [`Word::CannotWrite`], and those of the profile.
pub async fn run_key(context: &Context, args: KeyArgs) -> Result<(), Error> {
    match args.action {
        KeyAction::Export { to, post_quantum } => export(context, to, post_quantum),
        KeyAction::Rotate(args) => super::people::run_rotate(context, args).await,
    }
}

fn export(context: &Context, to: PathBuf, post_quantum: bool) -> Result<(), Error> {
    let profile = profile::Profile::open(&context.profile_dir()?)?;
    let keys = profile.keys()?;
    let identity = if post_quantum { &keys.post_quantum } else { &keys.x25519 };
    let recipient = identity.recipient();
    let mut text = zeroize::Zeroizing::new(String::with_capacity(512));
    text.push_str(&format!("# member: {}\n# public key: {recipient}\n", profile.info().member));
    // Files from before a rotation open with the key of their time.
    let former = keys.former.iter().filter(|old| old.recipient().is_post_quantum() == post_quantum);
    for identity in std::iter::once(identity).chain(former) {
        text.push_str(&identity.to_secret_string());
        text.push('\n');
    }
    profile::write_new_private(&to, text.as_bytes()).map_err(|e| match e.kind() {
        std::io::ErrorKind::AlreadyExists => Error::new(Word::FileExists).about_path(&to),
        _ => file_error(Word::CannotWrite, &to, &e),
    })?;
    let exported = Exported {
        member: profile.info().member,
        path: to.clone(),
        recipient: recipient.to_string(),
        fingerprint: recipient.fingerprint(),
    };
    context.terminal.result(&exported, || format!("{}  {}", to.display(), exported.recipient))
}
