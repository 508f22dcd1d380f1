//! `receive`: what was shared with a partner, fetched, checked and opened with nothing but the
//! link and the access code.
//!
//! Believes the gateway nothing: the fragment names the root key, which leads to the sharer,
//! whose signed list pins every document. What fails is not written. Goes on after a break in
//! the same slot and where the last verified piece ends: the lease stands in a small journal in
//! the folder, what was opened so far in a hidden file beside it.

mod journal;
mod link;
mod one;
mod verify;

use std::path::PathBuf;

use serde::Serialize;

use super::Context;
use super::bars::Bars;
use super::error::{Error, ErrorJson, Exit, file_error};
use super::gateway::{Ask, Gateway};
use super::interrupt::interrupted;
use super::pull::table;
use super::terminal::Terminal;
use super::words::Word;
use crate::api::OpenedShare;
use crate::envelope::statement::Hash;
use crate::ids::{DocumentId, ShareId};
use crate::trust::share::ListedDocument;

pub(in crate::cli) use link::ShareLink;

use journal::Journal;
use one::{Received, Receiving, ended};
use verify::Verified;

/// Receive what was shared with you; needs no account · 接收分享的文档（无需账号）
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom receive 'https://files.example.com/s/5e21…#AbC…' --code 7KQ2-M9XA --to received

A broken or stopped receive goes on with the same command, in the same slot ·
中断后用同一命令继续，不另占次数")]
pub struct ReceiveArgs {
    /// The whole share link, with everything after the # (quote it) · 完整的分享链接
    #[arg(value_name = "URL")]
    pub url: String,
    /// The access code, which you were told by another way · 提取码
    #[arg(long, value_name = "CODE")]
    pub code: Option<String>,
    /// Where to · 存放文件夹
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
}

#[derive(Debug, Serialize)]
struct Row {
    document: DocumentId,
    share: ShareId,
    path: Option<PathBuf>,
    name: String,
    size: u64,
    sha256: Hash,
    verified: bool,
    reason: Option<String>,
    skipped: bool,
    resumed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorJson>,
}

/// Runs `receive`.
///
/// # Errors
/// [`Word::BadLink`], [`Word::BadCode`], [`Word::ShareNotOpen`], what does not verify, and those
/// of asking.
pub async fn run(context: &Context, args: ReceiveArgs) -> Result<(), Error> {
    let terminal = &context.terminal;
    let code = match &args.code {
        Some(code) => Some(code.clone()),
        None if terminal.asks() => {
            let asked = terminal
                .ask(terminal.pick("Access code (empty if none): ", "提取码（无则留空）："))?;
            (!asked.trim().is_empty()).then_some(asked)
        }
        None => None,
    };
    let link = ShareLink::read(&args.url, code.as_deref()).await?;
    let ca = context.ca()?;
    let gateway = Gateway::at(&args.url, ca.as_deref())?;
    let made = !args.to.exists();
    std::fs::create_dir_all(&args.to).map_err(|e| file_error(Word::CannotWrite, &args.to, &e))?;
    let mut journal = Journal::open(&args.to, link.id, context.clock.now())?;
    let opening = link.opening(journal.lease());
    let ask = Ask::post(format!("/shares/{}/open", link.id), &opening)?;
    let opened: OpenedShare = match gateway.json(&ask, None).await.map_err(ended) {
        Ok(opened) => opened,
        Err(error) => {
            if error.exit() == Exit::Refused {
                journal.forget();
                if made {
                    // Only where nothing else was put there meanwhile.
                    let _ = std::fs::remove_dir(&args.to);
                }
            }
            return Err(error);
        }
    };
    let verified = match verify::verify(&link, &opened, &journal, context.clock.now()) {
        Ok(verified) => verified,
        Err(error) => {
            // Nothing has left: the slot is for whoever gets the right set.
            let ask = Ask::post(format!("/shares/{}/release", link.id), &opening)?;
            let _ = gateway.answer(&ask, None).await;
            return Err(error);
        }
    };
    journal.note(&verified.share, opened.lease_expires_at)?;
    let receiving = Receiving {
        gateway: &gateway,
        link: &link,
        proof: link.proof(journal.lease())?,
        to: &args.to,
        bars: Bars::new(terminal),
    };
    let outcomes = all(&receiving, &verified.documents).await;
    report(context, &args, &verified, outcomes)
}

/// Fetches one document after the other; what Ctrl-C stopped says so.
async fn all(
    receiving: &Receiving<'_>,
    documents: &[ListedDocument],
) -> Vec<Result<Received, Error>> {
    let stop = interrupted();
    tokio::pin!(stop);
    let mut outcomes = Vec::with_capacity(documents.len());
    for listed in documents {
        tokio::select! {
            biased;
            () = &mut stop => break,
            outcome = receiving.one(listed) => outcomes.push(outcome),
        }
    }
    while outcomes.len() < documents.len() {
        outcomes.push(Err(Error::new(Word::Interrupted)));
    }
    outcomes
}

fn report(
    context: &Context,
    args: &ReceiveArgs,
    verified: &Verified,
    outcomes: Vec<Result<Received, Error>>,
) -> Result<(), Error> {
    let terminal = &context.terminal;
    let (mut rows, mut lines, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    for (listed, outcome) in verified.documents.iter().zip(outcomes) {
        let mut row = Row {
            document: listed.document,
            share: verified.share.share,
            path: None,
            name: listed.name.clone(),
            size: listed.size,
            sha256: listed.sha256,
            verified: false,
            reason: None,
            skipped: false,
            resumed: false,
            error: None,
        };
        match outcome {
            Ok(Received { path, skipped, resumed }) => {
                let inside = path.strip_prefix(&args.to).unwrap_or(&path);
                let cell = |text: &dyn std::fmt::Display| text.to_string();
                lines.push([
                    cell(&context.clock.now()),
                    cell(&listed.document),
                    String::new(),
                    String::new(),
                    String::new(),
                    "out".to_owned(),
                    inside.to_string_lossy().into_owned(),
                    listed.name.clone(),
                    cell(&listed.size),
                    cell(&listed.sha256),
                    String::new(),
                    cell(&verified.sharer),
                    "yes".to_owned(),
                    String::new(),
                    String::new(),
                    String::new(),
                ]);
                row.verified = true;
                row.skipped = skipped;
                row.resumed = resumed;
                row.path = Some(path);
            }
            Err(error) => {
                row.reason = Some(error.code().to_owned());
                row.error = Some(error.to_json(terminal.lang));
                failed.push(error);
            }
        }
        rows.push(row);
    }
    if !lines.is_empty() {
        table::add(&args.to, &lines)?;
    }
    terminal.result(&rows, || text(terminal, &rows))?;
    let unverified = failed.iter().position(|error| error.exit() == Exit::Unverified);
    match failed.into_iter().nth(unverified.unwrap_or(0)) {
        Some(error) => Err(error.reported()),
        None => Ok(()),
    }
}

fn text(terminal: &Terminal, rows: &[Row]) -> String {
    let line = |row: &Row| match (&row.error, &row.path) {
        (None, Some(path)) => {
            let state = if row.skipped {
                terminal.pick("there already", "已存在")
            } else {
                terminal.pick("verified", "已验证")
            };
            format!("{state}  {}\n", path.display())
        }
        (Some(error), _) => format!("{}: {}\n", row.document, error.message),
        (None, None) => format!("{}\n", row.document),
    };
    rows.iter().map(line).collect()
}
