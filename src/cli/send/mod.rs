//! `send` and `deliver`: files sealed on this device to everybody who must read them, and to
//! nobody else.
//!
//! Before a byte leaves, the client's directory is verified against the pinned root key and
//! names the readers. Invariant: a file is reported as sent only with a verified receipt, and
//! no key and nonce ever seal two different contents.

mod args;
mod complete;
mod feed;
mod journal;
mod link;
mod long;
mod one;
mod report;
mod short;
mod source;
mod spool;
mod tus;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use tokio_util::task::AbortOnDropHandle;

use crate::api::Me;
use crate::clock::Clock;
use crate::envelope::Recipient;
use crate::envelope::statement::{Category, Direction, Hash, Period, SealLevel, SigningKey};
use crate::ids::{ClientId, MemberId};
use crate::trust::{Demand, DemandError, Directory, Reader, spoken};

use super::Context;
use super::bars::Bars;
use super::directory;
use super::error::Error;
use super::firm::unknown_client;
use super::gateway::{Line, Session};
use super::interrupt::interrupted;
use super::lang::Lang;
use super::profile::Desk;
use super::terminal::Terminal;
use super::words::Word;
use journal::Journal;
use report::{Row, report};
use tus::Patience;

pub use args::{DeliverArgs, SendArgs, SendOptions};
pub use report::Recipients;

/// Files that are sent at once.
const PARALLEL: usize = 4;

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

/// Says who reads now that did not before, and whose key a lead has vouched for; once, as soon as
/// there is a person to be told.
fn tell_news(
    context: &Context,
    desk: &Desk,
    directory: &Directory,
    readers: &[Reader],
) -> Result<(), Error> {
    let terminal = &context.terminal;
    let is_news = |member| {
        directory.is_newcomer(member)
            || directory.told_changes().iter().any(|change| change.member == member)
    };
    let news: Vec<MemberId> = readers.iter().map(|r| r.member).filter(|m| is_news(*m)).collect();
    if terminal.json || news.is_empty() {
        return Ok(());
    }
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
    desk.announced(&news)
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
    tell_news(context, &desk, &directory, &readers)?;
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
