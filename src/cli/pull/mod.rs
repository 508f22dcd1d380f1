//! `pull`: documents fetched, opened and checked on this device, and written under safe names.
//!
//! Order matters: signature, commitment, list of pieces and sealed part before any payload;
//! each piece's hash before its plaintext is written; the hash of the whole before the file gets
//! a name. What fails is not written, and the others are. Nothing is ever overwritten.

pub(in crate::cli) mod names;
mod one;
pub(in crate::cli) mod opening;
mod raw;
mod recovery;
pub(in crate::cli) mod table;
pub(in crate::cli) mod writing;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use futures_util::StreamExt;
use serde::Serialize;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::api::{DocumentInfo, RecoveryHeader};
use crate::envelope::statement::{Category, Direction, Hash, Period, SealLevel};
use crate::ids::{ClientId, DocumentId, LinkId, MemberId};

use super::Context;
use super::args::period;
use super::bars::Bars;
use super::error::{Error, ErrorJson, Exit, file_error};
use super::interrupt::interrupted;
use super::lang::Lang;
use super::reading::{About, Findings, Missing, Query, Reading};
use super::terminal::Terminal;
use super::words::Word;

/// Documents that are fetched at once.
const PARALLEL: usize = 3;

/// Fetch and open documents · 取回并打开文档
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom pull --new --to ~/inbox
  strongroom pull --client 3f07… --period 2026-03 --to ~/inbox
  strongroom pull 9b1c… --to .
  strongroom pull --period 2026-03 --reason '税务核查' --to ~/inbox

Writes DIR/CLIENT/PERIOD/CATEGORY/NAME and DIR/manifest.csv.")]
pub struct PullArgs {
    /// Documents, by id · 文档编号
    #[arg(value_name = "DOCUMENT")]
    pub documents: Vec<DocumentId>,
    /// All documents of this client · 该客户的全部文档
    #[arg(long, value_name = "ID")]
    pub client: Option<ClientId>,
    /// All documents of this period · 该期间的全部文档
    #[arg(long, value_name = "YYYY-MM", value_parser = period)]
    pub period: Option<Period>,
    /// Documents that you have not pulled yet · 尚未取回的文档
    #[arg(long, conflicts_with = "all")]
    pub new: bool,
    /// Everything you can open · 所有可打开的文档
    #[arg(long)]
    pub all: bool,
    /// Where to · 存放文件夹
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Why you open documents of a closed period; the client reads it · 打开已结账期间文档的事由，客户可见
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// A document on this disk.
#[derive(Clone, Debug)]
pub(super) struct Pulled {
    path: PathBuf,
    name: String,
    size: u64,
    sha256: Hash,
    period: Period,
    category: Category,
    sender: Option<MemberId>,
    /// What somebody without an account called themselves.
    from: Option<String>,
    request_link: Option<LinkId>,
    verified: bool,
    reason: Option<&'static str>,
    skipped: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    document: DocumentId,
    client: Option<ClientId>,
    path: Option<PathBuf>,
    name: Option<String>,
    size: Option<u64>,
    sha256: Option<Hash>,
    period: Option<Period>,
    category: Option<Category>,
    seal: Option<SealLevel>,
    sender: Option<MemberId>,
    /// What somebody without an account called themselves.
    from: Option<String>,
    request_link: Option<LinkId>,
    verified: bool,
    reason: Option<String>,
    skipped: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorJson>,
}

type Outcome = (DocumentId, Option<DocumentInfo>, Result<Pulled, Error>);

/// Runs `pull`.
///
/// # Errors
/// Why nothing was pulled at all, or what the first failing document failed with; a failed
/// verification goes before everything else.
pub async fn run(context: &Context, args: PullArgs) -> Result<(), Error> {
    let chosen = !args.documents.is_empty() || args.client.is_some() || args.period.is_some();
    if !chosen && !args.new && !args.all {
        return Err(Error::new(Word::NothingToPull));
    }
    let session = context.session()?;
    let reading = Reading::new(&session)?;
    std::fs::create_dir_all(&args.to).map_err(|e| file_error(Word::CannotWrite, &args.to, &e))?;
    let Chosen { found, mut outcomes, findings } = choose(context, &reading, &args).await?;
    let bars = Bars::new(&context.terminal);
    let pulling = Pulling {
        reading: &reading,
        to: &args.to,
        reason: args.reason.as_deref(),
        bars,
        findings,
        unproven: Mutex::default(),
        turns: std::sync::Mutex::default(),
    };
    outcomes.extend(pulling.all(found).await);
    outcomes.extend(pulling.findings.missing.iter().map(absent));
    let unproven = std::mem::take(&mut *pulling.unproven.lock().await);
    if let Err(error) = pulling.prove_recovery(unproven).await {
        context.terminal.say(match context.terminal.lang {
            Lang::En => format!(
                "that the recovery key opens these documents could not be made sure: {}",
                error.message(Lang::En)
            ),
            Lang::Zh => format!("未能确保恢复密钥可打开这些文档：{}", error.message(Lang::Zh)),
        });
    }
    let broken = pulling.findings.broken();
    report(context, &args.to, outcomes, broken)
}

/// A document that was sent and that the gateway does not show.
fn absent(missing: &Missing) -> Outcome {
    let About(document, ..) = missing.about;
    (document, None, Err(Error::new(missing.word).about(document)))
}

/// What is to be pulled.
struct Chosen {
    found: Vec<DocumentInfo>,
    /// What is known to fail already.
    outcomes: Vec<Outcome>,
    findings: Findings,
}

/// The documents that are meant, and whether the gateway shows them as they were sent.
async fn choose(
    context: &Context,
    reading: &Reading<'_>,
    args: &PullArgs,
) -> Result<Chosen, Error> {
    let mut found = Vec::new();
    let mut failed = Vec::new();
    let mut findings = Findings::default();
    for document in &args.documents {
        match reading.document(*document).await {
            Ok(info) => found.push(info),
            Err(error) if matches!(error.exit(), Exit::Refused | Exit::Unverified) => {
                failed.push((*document, None, Err(error)));
            }
            Err(error) => return Err(error),
        }
    }
    if args.documents.is_empty() || args.client.is_some() || args.period.is_some() {
        let query = Query { client: args.client, period: args.period, state: None };
        let me = reading.session().profile().info().member;
        let mut listed = reading.find(&query).await?;
        let shown: Vec<&DocumentInfo> = listed.iter().chain(&found).collect();
        findings = reading.follow(&query, &shown).await?;
        listed.append(&mut findings.late);
        listed.retain(|info| {
            info.state.is_complete() && (!args.new || (!info.pulled && info.sender != Some(me)))
        });
        let before = listed.len();
        listed.retain(|info| info.header.is_some());
        let closed = before - listed.len();
        if closed > 0 {
            context.terminal.say(match context.terminal.lang {
                Lang::En => format!(
                    "{closed} document(s) are sealed to none of your keys: ask a colleague who \
                     can open them to run strongroom rewrap"
                ),
                Lang::Zh => {
                    format!("{closed} 份文档未封存给您的密钥：请能打开的同事运行 strongroom rewrap")
                }
            });
        }
        listed.retain(|info| found.iter().all(|f: &DocumentInfo| f.document != info.document));
        found.extend(listed);
    } else if !found.is_empty() {
        findings = reading.follow_these(&found.iter().collect::<Vec<_>>()).await?;
    }
    Ok(Chosen { found, outcomes: failed, findings })
}

pub(super) struct Pulling<'a> {
    reading: &'a Reading<'a>,
    to: &'a Path,
    /// Why documents of closed periods are opened.
    reason: Option<&'a str>,
    bars: Bars,
    findings: Findings,
    /// Headers for the recovery key of documents that are here now.
    unproven: Mutex<Vec<RecoveryHeader>>,
    /// Files of one name come one after the other: the second may be there already.
    turns: std::sync::Mutex<HashMap<PathBuf, Arc<Mutex<()>>>>,
}

impl Pulling<'_> {
    /// Waits until nobody else of this run writes a file of this name.
    async fn turn(&self, path: PathBuf) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            turns.entry(path).or_default().clone()
        };
        turn.lock_owned().await
    }

    /// Pulls everything, a few at once; what Ctrl-C stopped says so.
    async fn all(&self, found: Vec<DocumentInfo>) -> Vec<Outcome> {
        let mut outcomes: Vec<Option<Result<Pulled, Error>>> = found.iter().map(|_| None).collect();
        let mut pulling = futures_util::stream::iter(found.iter().enumerate())
            .map(|(at, info)| async move { (at, self.one(info).await) })
            .buffer_unordered(PARALLEL);
        let stop = interrupted();
        tokio::pin!(stop);
        loop {
            tokio::select! {
                biased;
                () = &mut stop => break,
                next = pulling.next() => match next {
                    Some((at, outcome)) => outcomes[at] = Some(outcome),
                    None => break,
                },
            }
        }
        drop(pulling);
        found
            .into_iter()
            .zip(outcomes)
            .map(|(info, outcome)| {
                let outcome = outcome.unwrap_or_else(|| Err(Error::new(Word::Interrupted)));
                (info.document, Some(info), outcome)
            })
            .collect()
    }

    /// `DIR/CLIENT/PERIOD/CATEGORY`, made when it is missing.
    fn folder(
        &self,
        client: ClientId,
        period: Period,
        category: Category,
    ) -> Result<PathBuf, Error> {
        let folder =
            self.to.join(client.to_string()).join(period.to_string()).join(category.as_str());
        std::fs::create_dir_all(&folder).map_err(|e| file_error(Word::CannotWrite, &folder, &e))?;
        Ok(folder)
    }
}

fn row(document: DocumentId, info: Option<&DocumentInfo>) -> Row {
    Row {
        document,
        client: info.map(|info| info.client),
        path: None,
        name: None,
        size: None,
        sha256: None,
        period: info.map(|info| info.period),
        category: info.map(|info| info.category),
        seal: info.map(|info| info.seal),
        sender: None,
        from: None,
        request_link: None,
        verified: false,
        reason: None,
        skipped: false,
        error: None,
    }
}

fn report(
    context: &Context,
    to: &Path,
    outcomes: Vec<Outcome>,
    broken: Option<Error>,
) -> Result<(), Error> {
    let terminal = &context.terminal;
    let mut failed: Vec<Error> = Vec::new();
    let mut rows = Vec::with_capacity(outcomes.len());
    let mut lines = Vec::new();
    for (document, info, outcome) in outcomes {
        let mut row = row(document, info.as_ref());
        match outcome {
            Ok(pulled) => {
                if let Some(info) = &info {
                    lines.push(line(to, info, &pulled));
                }
                row.verified = pulled.verified;
                row.reason = pulled.reason.map(ToOwned::to_owned);
                row.path = Some(pulled.path);
                row.name = Some(pulled.name);
                row.size = Some(pulled.size);
                row.sha256 = Some(pulled.sha256);
                row.period = Some(pulled.period);
                row.category = Some(pulled.category);
                row.sender = pulled.sender;
                row.from = pulled.from;
                row.request_link = pulled.request_link;
                row.skipped = pulled.skipped;
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
        table::add(to, &lines)?;
    }
    terminal.result(&rows, || text(terminal, &rows))?;
    let unverified = failed.iter().position(|error| error.exit() == Exit::Unverified);
    // Broken chains are told where no document that was asked for shows them.
    match (unverified, broken, failed.into_iter().nth(unverified.unwrap_or(0))) {
        (None, Some(broken), _) => Err(broken),
        (_, _, Some(error)) => Err(error.reported()),
        (_, _, None) => Ok(()),
    }
}

fn line(to: &Path, info: &DocumentInfo, pulled: &Pulled) -> table::Row {
    let path = pulled.path.strip_prefix(to).unwrap_or(&pulled.path);
    [
        info.received_at.to_string(),
        info.document.to_string(),
        info.client.to_string(),
        pulled.period.to_string(),
        pulled.category.to_string(),
        Direction::to_string(&info.direction),
        path.to_string_lossy().into_owned(),
        pulled.name.clone(),
        pulled.size.to_string(),
        pulled.sha256.to_string(),
        info.seal.to_string(),
        pulled.sender.map(|member| member.to_string()).unwrap_or_default(),
        if pulled.verified { "yes" } else { "no" }.to_owned(),
        pulled.reason.unwrap_or_default().to_owned(),
        pulled.from.clone().unwrap_or_default(),
        pulled.request_link.map(|link| link.to_string()).unwrap_or_default(),
    ]
}

fn text(terminal: &Terminal, rows: &[Row]) -> String {
    if rows.is_empty() {
        return terminal.pick("nothing to pull", "没有可取的文档").to_owned();
    }
    let mut out = String::new();
    for row in rows {
        let line = match (&row.error, &row.path, terminal.lang) {
            (Some(error), _, lang) => {
                let word = Word::from_code(&error.code);
                let state = match word.map(Word::exit) {
                    Some(Exit::Unverified) | None => lang.pick("UNVERIFIED", "未验证"),
                    Some(_) => lang.pick("not pulled", "未取回"),
                };
                let colon = lang.pick(": ", "：");
                format!("{state}  {}{colon}{}", row.document, error.message)
            }
            (None, Some(path), _) => {
                let state = match (row.verified, row.skipped) {
                    (false, _) => terminal.pick("sender unknown", "发送人未知"),
                    (true, true) => terminal.pick("there already", "已存在"),
                    (true, false) => terminal.pick("verified", "已验证"),
                };
                let seal = row.seal.map_or("", |seal| terminal.lang.seal(seal));
                format!("{state}  {seal}  {}", path.display())
            }
            (None, None, _) => row.document.to_string(),
        };
        out.push_str(&line);
        out.push('\n');
    }
    out
}
