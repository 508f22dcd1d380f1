//! `who-saw`: everything that anybody did, or tried in vain, with a client's documents.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::Value;

use crate::api::{Seen, SeenPage};
use crate::clock::Timestamp;
use crate::envelope::statement::{Entry, Role, Statement};
use crate::ids::{ClientId, DocumentId, MemberId};
use crate::trust::Directory;

use super::Context;
use super::actions::{is_routine, spoken};
use super::columns::table;
use super::directory;
use super::error::Error;
use super::gateway::Session;
use super::lang::Lang;
use super::log;
use super::reading::{Query, Reading, Said};
use super::send::client_or_only;
use super::since::since;
use super::terminal::{Terminal, printable};
use super::words::Word;

/// Pages that are looked through at most for the newest lines.
const MOST_PAGES: usize = 50;

/// Who saw a client's documents · 谁看过我的文件
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom who-saw
  strongroom who-saw --since 7d
  strongroom who-saw --client 3f07… --since 2026-11 --json")]
pub struct WhoSawArgs {
    /// The client (default: the only one you see) · 客户（默认：您唯一可见的客户）
    #[arg(long, value_name = "ID")]
    pub client: Option<ClientId>,
    /// Nothing older than this: 2026-11, 2026-11-24, a time, or 7d · 起始时间
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only the newest N of what is shown · 仅显示最新 N 条
    #[arg(long, value_name = "N")]
    pub newest: Option<usize>,
    /// Show routine lines too, which say nothing of what was read · 显示全部记录
    #[arg(long)]
    pub full: bool,
    /// Name files with --json too; lists the documents for it · JSON 中也给出文件名
    #[arg(long)]
    pub names: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    at: Timestamp,
    member: Option<MemberId>,
    name: Option<String>,
    role: Option<String>,
    action: String,
    document: Option<DocumentId>,
    /// The document's name, where it was asked for and this device can open it.
    file: Option<String>,
    purpose: Option<String>,
    object: Option<String>,
    detail: serde_json::Map<String, serde_json::Value>,
    /// Position in the firm's log, for an auditor.
    index: Option<u64>,
}

/// What was looked through.
#[derive(Debug, Default)]
struct Found {
    /// What is shown, newest first.
    rows: Vec<Row>,
    /// Routine lines among these that are not shown.
    hidden: usize,
    /// Whether there are older lines that were not looked at, because so many of these are routine.
    cut: bool,
}

/// Runs `who-saw`.
///
/// # Errors
/// [`Word::BadSince`], [`Word::NotFound`], [`Word::NotAllowed`], those of asking and of the log's
/// head; [`Word::RowDiffers`] for a row that says something else than its entry in the log.
pub async fn run(context: &Context, args: WhoSawArgs) -> Result<(), Error> {
    let since = args.since.as_deref().map(|text| since(text, context.clock.now())).transpose()?;
    let session = context.session()?;
    let client = client_or_only(&session, args.client).await?;
    // A log that was cut off or rewritten would show less than there was.
    log::look(&session).await?;
    let directory = directory::fetch(&session, Some(client)).await?;
    let terminal = context.terminal;
    // For a program nothing is hidden.
    let shows = |action: &str| args.full || terminal.json || !is_routine(action);
    let most = args.newest.unwrap_or(usize::MAX);
    let mut found = Found::default();
    let mut after: Option<String> = None;
    let mut pages = 0;
    'pages: while found.rows.len() < most {
        if args.newest.is_some() && pages == MOST_PAGES {
            found.cut = true;
            break;
        }
        pages += 1;
        let mut path = format!("/clients/{client}/seen");
        if let Some(after) = &after {
            path.push_str(&format!("?after={after}"));
        }
        let page: SeenPage = session.get(path).await?;
        for seen in page.seen {
            if found.rows.len() == most || since.is_some_and(|since| seen.at < since) {
                break 'pages;
            }
            let row = row(client, &directory, seen)?;
            if shows(&row.action) {
                found.rows.push(row);
            } else {
                found.hidden += 1;
            }
        }
        let Some(next) = page.next else { break };
        after = Some(next);
    }
    // Only a principal opens documents here for certain; others would be refused and recorded.
    let opens = session.profile().info().role == Role::Principal;
    let named = found.rows.iter().any(|row| row.document.is_some());
    if opens && (args.names || !terminal.json) && named {
        name(&session, client, &mut found.rows).await?;
    }
    terminal.result(&found.rows, || text(terminal, &found))
}

/// Opens the names of the documents that are spoken of, as far as this device can.
async fn name(session: &Session, client: ClientId, rows: &mut [Row]) -> Result<(), Error> {
    let reading = Reading::new(session)?;
    let query = Query { client: Some(client), period: None, state: None };
    let mut names = HashMap::new();
    for info in reading.find(&query).await? {
        if let Ok(Said::Signed(signed)) = reading.verify(&info).await
            && let Ok(part) = reading.sealed_part(&info, &signed)
        {
            names.insert(info.document, part.name);
        }
    }
    for row in rows {
        row.file = row.document.and_then(|document| names.get(&document).cloned());
    }
    Ok(())
}

fn text(terminal: Terminal, found: &Found) -> String {
    let Found { rows, hidden, cut } = found;
    if rows.is_empty() && *hidden == 0 {
        return terminal.pick("nobody so far", "暂无记录").to_owned();
    }
    let shown: Vec<[String; 4]> = rows.iter().map(|row| line(terminal, row)).collect();
    let header = match terminal.lang {
        Lang::En => ["time (UTC)", "who", "what", "of what"],
        Lang::Zh => ["时间（UTC）", "谁", "做了什么", "对象"],
    };
    let mut out = table(header, &shown);
    if *hidden > 0 {
        out.push_str(&match terminal.lang {
            Lang::En => format!(
                "and {hidden} routine lines: lists looked through, recovery keys checked \
                 (--full shows them)\n"
            ),
            Lang::Zh => {
                format!("另有 {hidden} 条例行记录：查看列表、核对恢复密钥（--full 显示全部）\n")
            }
        });
    }
    if *cut {
        out.push_str(terminal.pick(
            "older lines were not looked at; --since shows them\n",
            "更早的记录未查看（用 --since 显示）\n",
        ));
    }
    out
}

/// A row, which must say what its entry says.
fn row(client: ClientId, directory: &Directory, seen: Seen) -> Result<Row, Error> {
    let bad = || Error::new(Word::RowDiffers).about(seen.at);
    let entry = Entry::from_text(&seen.entry).map_err(|_| bad())?;
    let text = |word: &Option<_>| word.as_ref().map(ToString::to_string);
    let agrees = entry.time == seen.at
        && entry.client == Some(client)
        && entry.action.to_string() == seen.action
        && text(&entry.actor) == seen.member.map(|member| member.to_string())
        && text(&entry.object) == seen.object
        && seen.document.is_none_or(|id| seen.object.as_deref() == Some(&id.to_string()))
        && is_noted(&entry, &seen);
    let named = seen.member.zip(seen.name.as_deref());
    if !agrees || !named.is_none_or(|(member, name)| directory.is_called(member, name)) {
        return Err(bad());
    }
    Ok(Row {
        at: seen.at,
        member: seen.member,
        name: seen.name,
        role: seen.role,
        action: seen.action,
        document: seen.document,
        file: None,
        purpose: seen.purpose,
        object: seen.object,
        detail: seen.detail,
        index: seen.index,
    })
}

/// Whether everything that is shown beside an entry is what the entry holds the MAC of. Where
/// that was erased, nothing is shown; what a share is for stands in its signed statement.
fn is_noted(entry: &Entry, seen: &Seen) -> bool {
    let Some(noted) = &seen.noted else {
        let of_share = seen.action.starts_with("share.");
        return seen.detail.is_empty() && (seen.purpose.is_none() || of_share);
    };
    let Ok(salt) = <&[u8; 32]>::try_from(noted.salt.0.as_slice()) else { return false };
    let Ok(Value::Object(mut data)) = serde_json::from_str(&noted.data) else { return false };
    let mut agrees = |key: &str, shown: &Option<String>| match data.get(key) {
        Some(Value::String(text)) => {
            let same = shown.as_ref() == Some(text);
            data.remove(key);
            same
        }
        _ => true,
    };
    agrees("role", &seen.role)
        && agrees("purpose", &seen.purpose)
        && data == seen.detail
        && Entry::mac(salt, &noted.data) == entry.data
}

/// Who looks after the client from then on, or from whom to whom it went; ids cut short.
fn whom(detail: &serde_json::Map<String, Value>) -> String {
    let short = |id: &Value| {
        printable(&id.as_str().unwrap_or_default().chars().take(8).collect::<String>())
    };
    let accountants = detail.get("accountants").and_then(Value::as_array);
    let said = match (detail.get("from"), detail.get("to"), accountants) {
        (Some(from), Some(to), _) => format!("{} → {}", short(from), short(to)),
        (None, Some(to), _) => format!("→ {}", short(to)),
        (.., Some(all)) => {
            format!("→ {}", all.iter().map(short).collect::<Vec<_>>().join(" "))
        }
        _ => return String::new(),
    };
    format!("  {said}")
}

fn line(terminal: Terminal, row: &Row) -> [String; 4] {
    let at = row.at.to_string();
    let at = at.get(..19).unwrap_or(&at).replace('T', " ");
    let role = row.role.as_deref().map(|word| match word.parse::<Role>() {
        Ok(role) => terminal.lang.role(role).to_owned(),
        Err(_) => printable(word),
    });
    let who = match (row.name.as_deref().map(printable), role) {
        (Some(name), Some(role)) => format!("{name} ({role})"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => "-".to_owned(),
    };
    let mut what = spoken(&row.action, terminal.lang).to_owned();
    if let Some(tried) = row.detail.get("tried").and_then(|tried| tried.as_str()) {
        what.push_str(&format!(" [{}]", printable(tried)));
    }
    let id = row.document.map(|id| id.to_string()).or_else(|| row.object.clone());
    let mut of = row.file.as_deref().or(id.as_deref()).map_or_else(|| "-".to_owned(), printable);
    of.push_str(&whom(&row.detail));
    if let Some(purpose) = &row.purpose {
        of.push_str(&format!("  “{}”", printable(purpose)));
    }
    [at, who, what, of]
}
