//! `who-saw`: everything that anybody did, or tried in vain, with a client's documents.

use serde::Serialize;

use crate::api::{Seen, SeenPage};
use crate::clock::Timestamp;
use crate::envelope::statement::{Entry, Statement};
use crate::ids::{ClientId, DocumentId, MemberId};

use super::Context;
use super::error::Error;
use super::log;
use super::send::client_or_only;
use super::terminal::printable;
use super::words::Word;

/// Who saw a client's documents · 谁看过我的文件
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom who-saw
  strongroom who-saw --client 3f07… --since 2026-11-01T00:00:00.000Z --json")]
pub struct WhoSawArgs {
    /// The client (default: the only one you see) · 客户（默认：您唯一可见的客户）
    #[arg(long, value_name = "ID")]
    pub client: Option<ClientId>,
    /// Nothing older than this · 起始时间
    #[arg(long, value_name = "TIME")]
    pub since: Option<Timestamp>,
    /// Only the newest N · 仅最新 N 条
    #[arg(long, value_name = "N")]
    pub newest: Option<usize>,
}

#[derive(Debug, Serialize)]
struct Row {
    at: Timestamp,
    member: Option<MemberId>,
    name: Option<String>,
    role: Option<String>,
    action: String,
    document: Option<DocumentId>,
    purpose: Option<String>,
    object: Option<String>,
    detail: serde_json::Map<String, serde_json::Value>,
    /// Position in the firm's log, for an auditor.
    index: Option<u64>,
}

/// Runs `who-saw`.
///
/// # Errors
/// [`Word::NotFound`], [`Word::NotAllowed`], those of asking and of the log's head; [`Word::BadAnswer`] for a row
/// that says something else than its entry in the log.
pub async fn run(context: &Context, args: WhoSawArgs) -> Result<(), Error> {
    let session = context.session()?;
    let client = client_or_only(&session, args.client).await?;
    // A log that was cut off or rewritten would show less than there was.
    log::look(&session).await?;
    let most = args.newest.unwrap_or(usize::MAX);
    let mut rows: Vec<Row> = Vec::new();
    let mut after: Option<String> = None;
    'pages: loop {
        let mut path = format!("/clients/{client}/seen");
        if let Some(after) = &after {
            path.push_str(&format!("?after={after}"));
        }
        let page: SeenPage = session.get(path).await?;
        for seen in page.seen {
            if rows.len() == most || args.since.is_some_and(|since| seen.at < since) {
                break 'pages;
            }
            rows.push(row(client, seen)?);
        }
        let Some(next) = page.next else { break };
        after = Some(next);
    }
    let terminal = context.terminal;
    terminal.result(&rows, || {
        if rows.is_empty() {
            return terminal.pick("nobody so far", "暂无记录").to_owned();
        }
        rows.iter().map(line).collect()
    })
}

/// A row, which must say what its entry says.
fn row(client: ClientId, seen: Seen) -> Result<Row, Error> {
    let bad = || Error::new(Word::BadAnswer).because("a row differs from its entry");
    let entry = Entry::from_text(&seen.entry).map_err(|_| bad())?;
    let text = |word: &Option<_>| word.as_ref().map(ToString::to_string);
    let agrees = entry.time == seen.at
        && entry.client == Some(client)
        && entry.action.to_string() == seen.action
        && text(&entry.actor) == seen.member.map(|member| member.to_string())
        && text(&entry.object) == seen.object
        && seen.document.is_none_or(|id| seen.object.as_deref() == Some(&id.to_string()));
    if !agrees {
        return Err(bad());
    }
    Ok(Row {
        at: seen.at,
        member: seen.member,
        name: seen.name,
        role: seen.role,
        action: seen.action,
        document: seen.document,
        purpose: seen.purpose,
        object: seen.object,
        detail: seen.detail,
        index: seen.index,
    })
}

fn line(row: &Row) -> String {
    let or_none = |text: Option<&str>| text.map_or_else(|| "-".to_owned(), printable);
    let what = row.document.map(|id| id.to_string()).or_else(|| row.object.clone());
    let mut line = format!(
        "{}  {}  {}  {}  {}",
        row.at,
        row.action,
        or_none(row.name.as_deref()),
        or_none(row.role.as_deref()),
        or_none(what.as_deref()),
    );
    if let Some(purpose) = &row.purpose {
        line.push_str(&format!("  “{}”", printable(purpose)));
    }
    if let Some(tried) = row.detail.get("tried").and_then(|tried| tried.as_str()) {
        line.push_str(&format!("  [{}]", printable(tried)));
    }
    line.push('\n');
    line
}
