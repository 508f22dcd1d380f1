//! `send` and `deliver`: files sealed on this device to everybody who must read them, and to
//! nobody else.
//!
//! Before a byte leaves, the client's directory is verified against the pinned root key and
//! names the readers. Invariant: a file is reported as sent only with a verified receipt, and
//! no key and nonce ever seal two different contents.

mod complete;
mod feed;
mod journal;
mod link;
mod long;
mod one;
mod short;
mod source;
mod spool;
mod tus;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use serde::Serialize;
use tokio_util::task::AbortOnDropHandle;

use crate::api::Me;
use crate::clock::Clock;
use crate::envelope::Recipient;
use crate::envelope::statement::{Category, Direction, Hash, Period, SealLevel, SigningKey};
use crate::ids::{ClientId, DocumentId, MemberId};
use crate::trust::{Demand, DemandError, Directory, Reader, Spoken, spoken};

use super::Context;
use super::args::{category_parser, period};
use super::bars::Bars;
use super::directory;
use super::error::{Error, ErrorJson};
use super::firm::unknown_client;
use super::gateway::{Line, Session};
use super::interrupt::interrupted;
use super::lang::Lang;
use super::profile::Desk;
use super::terminal::{Terminal, printable};
use super::words::Word;
use journal::Journal;
use tus::Patience;

/// Files that are sent at once.
const PARALLEL: usize = 4;

/// How files are sent.
#[derive(Debug, clap::Args)]
pub struct SendOptions {
    /// Files to send; - is standard input · 要发送的文件
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Accounting period (default: last month) · 会计期间，默认上月
    #[arg(long, value_name = "YYYY-MM", value_parser = period)]
    pub period: Option<Period>,
    /// What kind of paper it is · 文件类别
    #[arg(long, value_name = "CATEGORY", default_value = "other", value_parser = category_parser())]
    pub category: Category,
    /// A note to the reader, sealed with the document · 附言，随文档封存
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub note: String,
    /// The name to seal it under, when one file or standard input is sent · 封存时的文件名
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Show who could read it and send nothing · 只显示谁能读，不发送
    #[arg(long)]
    pub dry_run: bool,
    /// How long to keep trying without progress when the gateway cannot be reached, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub retry_for: u64,
}

/// Send files to your accountants, sealed on this device · 向会计发送文件（本机封存）
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom send '对账单 2026年3月.pdf' --category bank --period 2026-03
  tar c receipts | strongroom send - --name receipts.tar --category receipts
  strongroom send *.pdf --dry-run
  strongroom send 发票.pdf --link 'https://files.example.com/u/3f07…#AbC…' --from 李四
  strongroom send 审计报告.pdf --link 'https://files.example.com/s/5e21…#AbC…' --code 7KQ2-M9XA \
    --category report --to-client

A broken or stopped send goes on with the same command · 中断后用同一命令继续发送")]
pub struct SendArgs {
    /// What and how
    #[command(flatten)]
    pub options: SendOptions,
    /// For which client (default: the only one you see) · 哪个客户
    #[arg(long, value_name = "ID")]
    pub client: Option<ClientId>,
    /// Send through a request link, without an account: the whole link, with everything after
    /// the # (quote it); - reads it from standard input
    #[arg(long, value_name = "URL", conflicts_with = "client")]
    pub link: Option<String>,
    /// The access code, where it is a share link · 分享链接的提取码
    #[arg(long, value_name = "CODE", requires = "link")]
    pub code: Option<String>,
    /// Seal what you give back through a share link to the client's own people too; without it
    /// the firm alone can open it, and the client sees that something came
    #[arg(long, requires = "link")]
    pub to_client: bool,
    /// Your name, for whoever opens what came through a link · 您的姓名
    #[arg(long, value_name = "NAME", requires = "link")]
    pub from: Option<String>,
}

/// Send files to a client, sealed on this device · 向客户交付文件（本机封存）
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom deliver report.pdf --client 3f07… --category report")]
pub struct DeliverArgs {
    /// What and how
    #[command(flatten)]
    pub options: SendOptions,
    /// To which client · 交付给哪个客户
    #[arg(long, value_name = "ID")]
    pub client: ClientId,
}

impl SendOptions {
    fn span(&self) -> Duration {
        Duration::from_secs(self.retry_for)
    }
}

/// Where documents go.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    client: ClientId,
    direction: Direction,
    period: Period,
    category: Category,
    note: String,
    name: Option<String>,
}

/// What all files of one command have in common.
pub(crate) struct Dispatch {
    line: Arc<Line>,
    desk: Desk,
    clock: Clock,
    sign: SigningKey,
    directory: Directory,
    place: Place,
    readers: Vec<Reader>,
    recipients: Vec<Recipient>,
    fingerprints: Vec<Hash>,
    retry_for: Duration,
    terminal: Terminal,
    most_bytes: Option<u64>,
    /// Whether the command sends more than one file.
    several: bool,
    bars: Bars,
}

/// One file's outcome.
#[derive(Debug, Serialize)]
struct Row {
    document: Option<DocumentId>,
    file: String,
    name: Option<String>,
    sha256: Option<Hash>,
    size: Option<u64>,
    seal: Option<SealLevel>,
    receipt: Option<PathBuf>,
    client: ClientId,
    period: Period,
    category: Category,
    resumed: bool,
    /// Whether an earlier run of this command sent it.
    sent_before: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<Vec<Recipients>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorJson>,
}

/// Who can open what is sent.
#[derive(Clone, Debug, Serialize)]
pub struct Recipients {
    /// The recipient (`age1…`).
    pub recipient: String,
    /// H of it.
    pub fingerprint: Hash,
    /// What to compare aloud with whoever it is: the words that their `whoami` says.
    pub words: Spoken,
    /// Whose it is.
    pub member: MemberId,
    /// As what they read.
    pub role: crate::envelope::statement::Role,
}

impl From<&Reader> for Recipients {
    fn from(reader: &Reader) -> Self {
        Self {
            recipient: reader.recipient.0.clone(),
            fingerprint: reader.fingerprint(),
            words: spoken(&reader.known_by),
            member: reader.member,
            role: reader.role,
        }
    }
}

/// The client that is meant: the one given, or the only one the caller sees.
///
/// # Errors
/// [`Word::NoClient`], [`Word::ClientNeeded`], and those of asking.
pub async fn client_or_only(session: &Session, given: Option<ClientId>) -> Result<ClientId, Error> {
    if let Some(client) = given {
        return Ok(client);
    }
    let me: Me = session.get("/me").await?;
    match me.clients.as_slice() {
        [] => Err(Error::new(Word::NoClient)),
        [only] => Ok(only.client),
        _ => Err(Error::new(Word::ClientNeeded)),
    }
}

/// Runs `send`.
///
/// # Errors
/// Why nothing was sent at all, or the first file's error.
pub async fn run_send(context: &Context, args: SendArgs) -> Result<(), Error> {
    if let Some(link) = args.link.clone() {
        let SendArgs { code, from, to_client, options, .. } = args;
        let back = link::Back { code, from, to_client };
        return link::run(context, &link, back, options).await;
    }
    let session = context.session()?;
    let mut patience = Patience::new(args.options.span(), context.terminal);
    let client = patience.through(|| client_or_only(&session, args.client)).await?;
    run_session(context, session, args.options, client, Direction::In).await
}

/// Runs `deliver`.
///
/// # Errors
/// As [`run_send`].
pub async fn run_deliver(context: &Context, args: DeliverArgs) -> Result<(), Error> {
    let session = context.session()?;
    run_session(context, session, args.options, args.client, Direction::Out).await
}

async fn run_session(
    context: &Context,
    session: Session,
    options: SendOptions,
    client: ClientId,
    direction: Direction,
) -> Result<(), Error> {
    let sign = session.profile().keys()?.sign.clone();
    let mut patience = Patience::new(options.span(), context.terminal);
    let directory = patience
        .through(|| directory::fetch(&session, Some(client)))
        .await
        .map_err(unknown_client)?;
    let desk = session.profile().desk();
    let sender = Sender {
        line: Line::Session(Box::new(session)),
        desk,
        sign,
        directory,
        client,
        direction,
        firm_alone: false,
        most_bytes: None,
    };
    run(context, sender, options).await
}

/// Says who reads now that did not before, and whose key a lead has vouched for.
fn tell_news(context: &Context, directory: &Directory, readers: &[Reader]) {
    let terminal = &context.terminal;
    for reader in readers {
        let member = reader.member;
        let words = spoken(&reader.known_by);
        let words = terminal.lang.spoken(&words);
        let role = terminal.lang.role(reader.role);
        let changed = directory.told_changes().iter().any(|change| change.member == member);
        match (changed, directory.is_newcomer(member), terminal.lang) {
            (true, _, Lang::En) => terminal.say(format!(
                "note: {role} {member} has a new key, and a lead vouches for it: {words}"
            )),
            (true, _, Lang::Zh) => {
                terminal.say(format!("提示：{role} {member} 已更换密钥，由主管会计担保：{words}"));
            }
            (_, true, Lang::En) => {
                terminal
                    .say(format!("note: {role} {member} reads this client's papers now: {words}"));
            }
            (_, true, Lang::Zh) => {
                terminal.say(format!("提示：{role} {member} 现在可阅读该客户的文档：{words}"));
            }
            _ => {}
        }
    }
}

/// Who sends, whom the statements name, and whose documents they become.
struct Sender {
    line: Line,
    desk: Desk,
    sign: SigningKey,
    directory: Directory,
    client: ClientId,
    direction: Direction,
    /// Whether the client's own members are not to read it.
    firm_alone: bool,
    /// What the link takes in all, in bytes of payload.
    most_bytes: Option<u64>,
}

async fn run(context: &Context, sender: Sender, options: SendOptions) -> Result<(), Error> {
    if options.name.is_some() && options.files.len() > 1 {
        return Err(Error::new(Word::NameNeedsOneFile));
    }
    let Sender { line, desk, sign, directory, client, direction, firm_alone, most_bytes } = sender;
    let demand = Demand { client, category: options.category, direction };
    let mut readers = directory.readers(demand).map_err(|error| match (&line, error) {
        (Line::Link(_), DemandError::KeyChanged(change)) => directory::changed_at_link(change),
        (_, error) => directory::undemandable(error),
    })?;
    readers.retain(|reader| !firm_alone || reader.is_firm_side());
    tell_news(context, &directory, &readers);
    let recipients = readers
        .iter()
        .map(|reader| Recipient::try_from(&reader.recipient))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| Error::new(Word::BadDirectory).because(e))?;
    let mut fingerprints: Vec<Hash> = readers.iter().map(Reader::fingerprint).collect();
    fingerprints.sort_unstable();
    fingerprints.dedup();
    let span = options.span();
    let period = options.period.unwrap_or_else(|| Period::month_before(context.clock.now()));
    let dispatch = Arc::new(Dispatch {
        line: Arc::new(line),
        desk,
        clock: context.clock.clone(),
        sign,
        directory,
        place: Place {
            client,
            direction,
            period,
            category: options.category,
            note: options.note,
            name: options.name,
        },
        readers,
        recipients,
        fingerprints,
        retry_for: span,
        terminal: context.terminal,
        most_bytes,
        several: options.files.len() > 1,
        bars: Bars::new(&context.terminal),
    });
    let rows = if options.dry_run {
        options.files.iter().map(|file| dispatch.would_send(file)).collect()
    } else {
        dispatch.send_all(&options.files).await
    };
    report(context, &dispatch, rows)
}

impl Dispatch {
    fn row(&self, file: &std::path::Path) -> Row {
        Row {
            document: None,
            file: file.to_string_lossy().into_owned(),
            name: None,
            sha256: None,
            size: None,
            seal: None,
            receipt: None,
            client: self.place.client,
            period: self.place.period,
            category: self.place.category,
            resumed: false,
            sent_before: false,
            dry_run: None,
            error: None,
        }
    }

    fn would_send(&self, file: &std::path::Path) -> (Row, Result<(), Error>) {
        let mut row = self.row(file);
        row.name = Some(source::sealed_name(file, self.place.name.as_deref()));
        match source::Source::open(file) {
            Ok(source::Source::File(source)) => row.size = Some(source.look.size),
            Ok(source::Source::Stream(_)) => {}
            Err(error) => return (row, Err(error)),
        }
        row.seal = Some(SealLevel::EndToEnd);
        row.dry_run = Some(self.readers.iter().map(Recipients::from).collect());
        (row, Ok(()))
    }

    /// All is sent: the same command would be a new one.
    fn forget<'a>(&self, sent: impl Iterator<Item = &'a one::SentFile>) {
        for sent in sent {
            self.forget_pending(sent.document);
            let journal = sent.sending.as_ref().map(|sending| Journal::take(&self.desk, sending));
            // What stays makes the same command say that it was sent before.
            if let Some(Ok(Some(mut journal))) = journal {
                let _ = journal.discard();
            }
        }
    }

    /// Sends every file, a few at once, each in a task of its own: one that waits for the disk
    /// does not hold up the others. What Ctrl-C stopped says so.
    async fn send_all(self: &Arc<Self>, files: &[PathBuf]) -> Vec<(Row, Result<(), Error>)> {
        let mut outcomes: Vec<Option<Result<one::SentFile, Error>>> =
            files.iter().map(|_| None).collect();
        let mut sending = futures_util::stream::iter(files.iter().cloned().enumerate())
            .map(|(at, file)| {
                let dispatch = Arc::clone(self);
                let task = tokio::spawn(async move { dispatch.send_file(&file).await });
                let task = AbortOnDropHandle::new(task);
                async move { (at, task.await) }
            })
            .buffer_unordered(PARALLEL);
        let stop = interrupted();
        tokio::pin!(stop);
        loop {
            tokio::select! {
                biased;
                () = &mut stop => break,
                next = sending.next() => match next {
                    Some((at, Ok(outcome))) => outcomes[at] = Some(outcome),
                    Some((at, Err(error))) => {
                        let error = Error::new(Word::Internal).about("send").because(error);
                        outcomes[at] = Some(Err(error));
                    }
                    None => break,
                },
            }
        }
        drop(sending);
        if self.several && outcomes.iter().all(|outcome| matches!(outcome, Some(Ok(_)))) {
            self.forget(outcomes.iter().flatten().flatten());
        }
        let row = |(file, outcome): (&PathBuf, Option<Result<one::SentFile, Error>>)| {
            let mut row = self.row(file);
            match outcome.unwrap_or_else(|| Err(Error::new(Word::Interrupted))) {
                Ok(sent) => {
                    sent.fill(&mut row);
                    (row, Ok(()))
                }
                Err(error) => (row, Err(error)),
            }
        };
        files.iter().zip(outcomes).map(row).collect()
    }
}

fn report(
    context: &Context,
    dispatch: &Dispatch,
    rows: Vec<(Row, Result<(), Error>)>,
) -> Result<(), Error> {
    let terminal = &context.terminal;
    let mut first = None;
    let mut shown = Vec::with_capacity(rows.len());
    let through_link = matches!(*dispatch.line, Line::Link(_));
    let (sent, all) = (rows.iter().filter(|(_, outcome)| outcome.is_ok()).count(), rows.len());
    if sent < all && through_link {
        terminal.say(match terminal.lang {
            Lang::En => format!("{sent} of {all} files were sent"),
            Lang::Zh => format!("{all} 个文件中已发送 {sent} 个"),
        });
    }
    for (mut row, outcome) in rows {
        let outcome = outcome
            .map_err(|error| if through_link { used_up(error) } else { unknown_client(error) });
        if let Err(error) = outcome {
            row.error = Some(error.to_json(terminal.lang));
            first.get_or_insert(error);
        }
        shown.push(row);
    }
    terminal.result(&shown, || text(terminal, dispatch, &shown))?;
    match first {
        Some(error) => Err(error.reported()),
        None => Ok(()),
    }
}

/// What the holder of a link does when it does not open any more.
fn used_up(error: Error) -> Error {
    error.advise(
        Word::NotFound,
        "the link's limits of files, bytes or time may be reached: ask whoever sent it for a new one",
        "链接的文件数、总大小或期限可能已到上限：请向提供链接的人索取新链接",
    )
}

fn text(terminal: &Terminal, dispatch: &Dispatch, rows: &[Row]) -> String {
    let mut out = String::new();
    for row in rows {
        let file = printable(&row.file);
        // What comes from standard input is known by the name it was given.
        let name = if row.file == "-" { row.name.as_deref() } else { None };
        let name = name.map_or_else(|| file.clone(), printable);
        let line = match (&row.error, row.document, terminal.lang) {
            (Some(error), _, Lang::En) => format!("not sent  {file}: {}", error.message),
            (Some(error), _, Lang::Zh) => format!("未发送  {file}：{}", error.message),
            (None, Some(document), Lang::En) if row.sent_before => {
                format!("sent before  {name}  document {document}")
            }
            (None, Some(document), Lang::Zh) if row.sent_before => {
                format!("此前已发送  {name}  文档 {document}")
            }
            (None, Some(document), Lang::En) => format!("sent  {name}  document {document}"),
            (None, Some(document), Lang::Zh) => format!("已发送  {name}  文档 {document}"),
            (None, None, Lang::En) => format!("would send  {name}"),
            (None, None, Lang::Zh) => format!("将发送  {name}"),
        };
        out.push_str(&line);
        out.push('\n');
    }
    if rows.iter().any(|row| row.dry_run.is_some()) {
        out.push_str(terminal.pick("sealed to:\n", "封存给：\n"));
        for reader in &dispatch.readers {
            out.push_str(&format!(
                "  {}  {}  {}\n",
                terminal.lang.role(reader.role),
                reader.member,
                reader.recipient
            ));
        }
    }
    out
}
