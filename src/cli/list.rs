//! `list`: documents with the names that only this device can read.

use std::collections::HashMap;

use serde::Serialize;

use crate::api::{ClientSummary, DocumentInfo, DocumentState, Me};
use crate::clock::Timestamp;
use crate::envelope::SealedPart;
use crate::envelope::statement::{Category, Direction, Hash, Period, Role, SealLevel};
use crate::ids::{ClientId, DocumentId, LinkId, MemberId};

use super::Context;
use super::args::period;
use super::columns::{short_id_len, table};
use super::error::{Error, Exit};
use super::lang::Lang;
use super::reading::{About, Missing, Query, Reading, Said};
use super::signature;
use super::terminal::{Terminal, printable};
use super::words::Word;

/// List documents · 列出文档
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom list --period 2026-03
  strongroom list --client 3f07… --state received --json")]
pub struct ListArgs {
    /// Of this client · 客户
    #[arg(long, value_name = "ID")]
    pub client: Option<ClientId>,
    /// Of this period · 会计期间
    #[arg(long, value_name = "YYYY-MM", value_parser = period)]
    pub period: Option<Period>,
    /// In this state: uploading (your own), received, pulled, recalled · 状态
    #[arg(long, value_name = "STATE", value_parser = state)]
    pub state: Option<DocumentState>,
}

fn state(word: &str) -> Result<DocumentState, String> {
    DocumentState::parse(word)
        .ok_or_else(|| "one of uploading, received, pulled, recalled".to_owned())
}

#[derive(Debug, Serialize)]
struct Row {
    document: DocumentId,
    client: ClientId,
    direction: Option<Direction>,
    name: Option<String>,
    note: Option<String>,
    size: Option<u64>,
    sha256: Option<Hash>,
    period: Period,
    category: Category,
    seal: Option<SealLevel>,
    /// None of a document that the gateway does not show.
    state: Option<DocumentState>,
    verified: bool,
    reason: Option<String>,
    sender: Option<MemberId>,
    /// What somebody without an account called themselves.
    from: Option<String>,
    request_link: Option<LinkId>,
    pulled: bool,
    received_at: Option<Timestamp>,
}

/// Runs `list`.
///
/// # Errors
/// Those of asking, and of the directories. A document that does not verify is listed as such,
/// and what the first of them failed with is the error of the command.
pub async fn run(context: &Context, args: ListArgs) -> Result<(), Error> {
    let session = context.session()?;
    let reading = Reading::new(&session)?;
    let query = Query { client: args.client, period: args.period, state: args.state };
    let mut found = reading.find(&query).await?;
    let mut findings = reading.follow(&query, &found.iter().collect::<Vec<_>>()).await?;
    found.append(&mut findings.late);
    let mut rows = Vec::with_capacity(found.len());
    let mut failed = None;
    for info in &found {
        let said = if info.state == DocumentState::Uploading {
            None
        } else {
            Some(reading.verify(info).await)
        };
        let fault = match &said {
            Some(Ok(Said::Signed(signed)))
                if info.state == DocumentState::Recalled
                    && !reading.is_taken_back(info, signed).await? =>
            {
                Some(Word::Missing)
            }
            Some(Ok(Said::Signed(signed))) if signed.sender_known => findings.fault(info, signed),
            Some(Ok(_)) => findings.unsigned_fault(info),
            _ => None,
        };
        let mut row = row(&reading, info, said)?;
        if let Some(word) = fault {
            row.verified = false;
            row.reason = Some(word.code().to_owned());
        }
        if let Some(word) = row.reason.as_deref().and_then(Word::from_code)
            && word.exit() == Exit::Unverified
            && word != Word::NotOpened
        {
            failed.get_or_insert_with(|| Error::new(word).about(info.document));
        }
        rows.push(row);
    }
    for missing in &findings.missing {
        failed.get_or_insert_with(|| Error::new(missing.word).about(missing.about.0));
        rows.push(missing_row(missing));
    }
    let terminal = &context.terminal;
    let listing = Listing::of(&reading, terminal, &rows).await?;
    terminal.result(&rows, || listing.text(&rows))?;
    match failed.or_else(|| findings.broken()) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// A document that was sent and that the gateway does not show.
fn missing_row(missing: &Missing) -> Row {
    let About(document, period, category) = missing.about;
    Row {
        document,
        client: missing.client,
        direction: None,
        name: None,
        note: None,
        size: None,
        sha256: None,
        period,
        category,
        seal: None,
        state: None,
        verified: false,
        reason: Some(missing.word.code().to_owned()),
        sender: None,
        from: None,
        request_link: None,
        pulled: false,
        received_at: None,
    }
}

/// What is known of one document. Faults of the directory end the command: nothing can be
/// believed then.
fn row(
    reading: &Reading<'_>,
    info: &DocumentInfo,
    said: Option<Result<Said, Error>>,
) -> Result<Row, Error> {
    let mut row = Row {
        document: info.document,
        client: info.client,
        direction: Some(info.direction),
        name: None,
        note: None,
        size: None,
        sha256: None,
        period: info.period,
        category: info.category,
        seal: Some(info.seal),
        state: Some(info.state),
        verified: false,
        reason: None,
        sender: None,
        from: None,
        request_link: None,
        pulled: info.pulled,
        received_at: Some(info.received_at),
    };
    match said {
        None => {
            row.reason = Some("uploading".into());
            row.sender = info.sender;
        }
        Some(Ok(Said::Raw)) => row.reason = Some("sender_unknown".into()),
        Some(Ok(Said::Signed(signed))) => {
            row.sender = signed.sender;
            row.request_link = signed.link;
            row.verified = signed.sender_known;
            if !signed.sender_known {
                row.reason = Some("sender_unknown".into());
            }
            match reading.sealed_part(info, &signed) {
                Ok(part) => named(&mut row, part),
                Err(error) if error.word() == Word::NotOpened => {
                    row.reason.get_or_insert_with(|| error.code().to_owned());
                }
                Err(error) => {
                    row.verified = false;
                    row.reason = Some(error.code().to_owned());
                }
            }
        }
        Some(Err(error)) if error.word() == Word::BadSignature => {
            row.reason = Some(error.code().to_owned());
        }
        Some(Err(error)) if error.exit() == Exit::Refused => {
            row.reason = Some(error.code().to_owned());
        }
        Some(Err(error)) => return Err(error),
    }
    Ok(row)
}

fn named(row: &mut Row, part: SealedPart) {
    row.name = Some(part.name);
    let (from, note) = match row.request_link {
        Some(_) => signature::read_note(&part.note),
        None => (None, part.note.as_str()),
    };
    row.from = from.map(str::to_owned);
    row.note = Some(note.to_owned()).filter(|note| !note.is_empty());
    row.size = Some(part.size);
    row.sha256 = Some(part.sha256);
}

/// What makes a list readable for people.
struct Listing<'a> {
    terminal: &'a Terminal,
    known: Vec<ClientSummary>,
    roles: HashMap<MemberId, Role>,
    me: MemberId,
}

impl<'a> Listing<'a> {
    /// What is known beside `rows`; nothing with `--json`, which needs none of it.
    async fn of(
        reading: &Reading<'_>,
        terminal: &'a Terminal,
        rows: &[Row],
    ) -> Result<Self, Error> {
        let session = reading.session();
        let mut listing = Self {
            terminal,
            known: Vec::new(),
            roles: HashMap::new(),
            me: session.profile().info().member,
        };
        if terminal.json || rows.is_empty() {
            return Ok(listing);
        }
        listing.known = session.get::<Me>("/me").await?.clients;
        for row in rows {
            if let Some(sender) = row.sender
                && let Some(card) = reading.directory(row.client).await?.card(sender)
            {
                listing.roles.insert(sender, card.role);
            }
        }
        Ok(listing)
    }

    /// A table for each client, one line a document.
    fn text(&self, rows: &[Row]) -> String {
        let terminal = self.terminal;
        if rows.is_empty() {
            return terminal.pick("no documents", "没有文档").to_owned();
        }
        let ids: Vec<String> = rows.iter().map(|row| row.document.to_string()).collect();
        let digits = short_id_len(&ids);
        let header = match terminal.lang {
            Lang::En => ["id", "received", "period", "kind", "from", "state", "size", "name"],
            Lang::Zh => ["编号", "收到", "期间", "类别", "发送人", "状态", "大小", "文件名"],
        };
        let mut clients: Vec<ClientId> = rows.iter().map(|row| row.client).collect();
        clients.sort_unstable();
        clients.dedup();
        let mut out = String::new();
        for client in clients {
            let name = self.known.iter().find(|known| known.client == client);
            let name = name.map(|known| printable(&known.name)).unwrap_or_default();
            out.push_str(format!("{name}  {client}").trim_start());
            out.push('\n');
            let of_client = rows.iter().filter(|row| row.client == client);
            let lines: Vec<_> = of_client.map(|row| self.line(row, digits)).collect();
            out.push_str(&table(header, &lines));
        }
        out
    }

    fn line(&self, row: &Row, digits: usize) -> [String; 8] {
        let terminal = self.terminal;
        let id = row.document.to_string();
        let received = row.received_at.map_or_else(|| "-".to_owned(), |at| at.to_string());
        // A state alone would make what does not verify look good.
        let state = match (row.verified, row.state) {
            (_, None) => terminal.pick("MISSING", "缺失"),
            (_, Some(DocumentState::Uploading)) => terminal.pick("unfinished", "未完成"),
            (true, Some(state)) => terminal.lang.state(state),
            // Of a client of former times, whose directory is not shown any more.
            (false, Some(_)) if row.reason.as_deref() == Some(Word::NotFound.code()) => {
                terminal.pick("no longer yours", "已非您负责")
            }
            (false, Some(_)) => terminal.pick("UNVERIFIED", "未验证"),
        };
        let mut name = row.name.as_deref().map_or_else(|| "-".to_owned(), printable);
        if let Some(seal) = row.seal.filter(|seal| *seal != SealLevel::EndToEnd) {
            name.push_str(&format!("  ({})", terminal.lang.seal(seal)));
        }
        if let Some(note) = &row.note {
            name.push_str(&format!("  “{}”", printable(note)));
        }
        if let Some(reason) = &row.reason {
            name.push_str(&format!("  [{reason}]"));
        }
        [
            id.get(..digits).unwrap_or(&id).to_owned(),
            received.get(..10).unwrap_or(&received).to_owned(),
            row.period.to_string(),
            terminal.lang.category(row.category).to_owned(),
            self.sender(row),
            state.to_owned(),
            row.size.map_or_else(|| "-".to_owned(), |size| size.to_string()),
            name,
        ]
    }

    fn sender(&self, row: &Row) -> String {
        let terminal = self.terminal;
        if row.request_link.is_some() {
            let said = row.from.as_deref().map_or_else(|| "-".to_owned(), printable);
            return format!("{said} ({})", terminal.pick("link", "链接"));
        }
        match row.sender {
            Some(sender) if sender == self.me => terminal.pick("you", "本人").to_owned(),
            Some(sender) => match self.roles.get(&sender) {
                Some(role) => terminal.lang.role(*role).to_owned(),
                None => sender.to_string().get(..8).unwrap_or_default().to_owned(),
            },
            None => "-".to_owned(),
        }
    }
}
