//! `handover` (移交): all clients of a leaving accountant go over to a successor.
//!
//! The successor is assigned first; the leaver or a colleague re-wraps; then the hand-over list
//! is drawn up, and leaver, successor and a lead who is neither sign one statement over it, each
//! after drawing up the list on their own device, the successor after opening every document.
//! Refuses to go on while one document has no header for an accountant assigned, and to end
//! anybody's place before the three signatures are there and the list still matches. The gateway
//! refuses the same, and ends all places of the leaver at once.

mod complete;
mod list;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::api::{Assigned, ClientSummary, MemberState, MemberSummary};
use crate::clock::Timestamp;
use crate::envelope::statement::{Handover, Note, Role};
use crate::ids::{ClientId, HandoverId, MemberId};
use crate::trust::handover::Signed;

use super::Context;
use super::directory;
use super::error::{Error, Exit, file_error};
use super::firm::{AssignArgs, is_confirmed, sign_assignment};
use super::gateway::Session;
use super::lang::Lang;
use super::log;
use super::reading::Reading;
use super::words::Word;

use complete::{complete, ended};
use list::gather;

/// Hand all clients of a leaving accountant over to a successor · 会计离职移交
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "\
Example · 示例:
  strongroom handover --from 91ab… --to 5c20…      (lead: assigns the successor 主管分户)
  strongroom rewrap                                (leaver 移交人)
  strongroom handover --from 91ab… --to 5c20…      (lead: draws up the list, signs 生成清册并签署)
  strongroom handover sign handover.txt            (leaver and successor 移交人、接任人签署)
  strongroom handover --from 91ab… --to 5c20…      (lead: ends the leaver's access 完成)")]
pub struct HandoverArgs {
    /// What else to do
    #[command(subcommand)]
    pub action: Option<HandoverAction>,
    /// Who leaves · 移交人
    #[arg(long, required = true, requires = "to", value_name = "MEMBER")]
    pub from: Option<MemberId>,
    /// Who takes over · 接任人
    #[arg(long, required = true, requires = "from", value_name = "MEMBER")]
    pub to: Option<MemberId>,
    /// Where the statement is kept; the list stands beside it as .csv · 移交声明文件，清册为同名 .csv
    #[arg(long, value_name = "FILE", default_value = "handover.txt")]
    pub statement: PathBuf,
}

/// The signers' part.
#[derive(Debug, clap::Subcommand)]
pub enum HandoverAction {
    /// Check the list on this device and sign the hand-over · 核对清册并签署
    #[command(after_help = "Example · 示例:\n  strongroom handover sign handover.txt")]
    Sign {
        /// The statement · 移交声明文件
        #[arg(value_name = "FILE")]
        statement: PathBuf,
    },
}

#[derive(Serialize)]
struct Standing {
    handover: HandoverId,
    state: &'static str,
    clients: Vec<ClientId>,
    documents: u64,
    signed: Vec<MemberId>,
    statement: PathBuf,
    list: PathBuf,
}

/// Runs `handover`.
///
/// # Errors
/// [`Word::SamePerson`], [`Word::NotTheirBooks`]; [`Word::HandoverPending`] and
/// [`Word::HandoverUnsigned`] until it can be completed,
/// [`Word::HandoverChanged`], [`Word::BadHandover`], and those of asking.
pub async fn run(context: &Context, args: HandoverArgs) -> Result<(), Error> {
    let session = context.session()?;
    match (args.action, args.from, args.to) {
        (Some(HandoverAction::Sign { statement }), ..) => sign(context, &session, statement).await,
        (None, Some(from), Some(to)) => move_on(context, &session, from, to, args.statement).await,
        _ => Err(Error::new(Word::Usage).about("--from MEMBER --to MEMBER")),
    }
}

/// The lead's part: as far as it goes just now.
async fn move_on(
    context: &Context,
    session: &Session,
    from: MemberId,
    to: MemberId,
    path: PathBuf,
) -> Result<(), Error> {
    if from == to {
        return Err(Error::new(Word::SamePerson));
    }
    let members: Vec<MemberSummary> = session.get("/members").await?;
    let fits = |m: &MemberSummary| {
        m.member == to
            && m.state == MemberState::Active
            && matches!(m.role, Role::Accountant | Role::Lead)
    };
    if !members.iter().any(fits) {
        return Err(Error::new(Word::NotTheirBooks).about(to));
    }
    let all: Vec<ClientSummary> = session.get("/clients").await?;
    let mut clients: Vec<ClientId> =
        all.iter().filter(|c| c.accountants.contains(&from)).map(|c| c.client).collect();
    clients.sort_unstable();
    if clients.is_empty() {
        return ended(context, session, from, to, path).await;
    }
    is_confirmed(session, to).await?;
    let mut pending = 0;
    for client in &clients {
        let directory = directory::fetch(session, Some(*client)).await?;
        for category in directory.subjects_of(*client, from) {
            let args = AssignArgs { client: *client, to, category };
            let assigned: Assigned = sign_assignment(session, &args, |accountants, member| {
                if !accountants.contains(&member) {
                    accountants.push(member);
                }
            })
            .await?;
            pending = assigned.pending.max(pending);
        }
    }
    if pending > 0 {
        return Err(Error::new(Word::HandoverPending).about(pending));
    }
    // A directory of before the assignment would not name the successor.
    let reading = Reading::new(session)?;
    log::look(session).await?;
    let gathered = gather(&reading, &clients, from).await?;
    let mut note = match read(&path)? {
        Some(note) => note,
        None => {
            // A clock that is behind leaves nothing out.
            let time = gathered.newest().into_iter().fold(session.clock().now(), Timestamp::max);
            let list = gathered.list(time);
            write(&path.with_extension("csv"), list.text())?;
            let statement = Handover {
                root: session.profile().info().root.key_id(),
                handover: HandoverId::random(),
                from,
                to,
                clients: clients.clone(),
                documents: list.documents(),
                list: list.hash(),
                time,
            };
            Note::sign(&statement, &[])
        }
    };
    let said = believe(session, &note, &path)?;
    if said.from != from || said.to != to || said.clients != clients {
        return Err(Error::new(Word::BadHandover).about_path(&path));
    }
    names_all(&reading, &said, &path).await?;
    if !gathered.agrees(&reading, &said).await? {
        return Err(Error::new(Word::HandoverChanged).about_path(&path));
    }
    let me = session.profile().info().member;
    let keys = session.profile().keys()?;
    if !note.signed_by(&keys.sign.public()) {
        note.add_signature(&keys.sign);
        write(&path, &note.to_string())?;
    }
    let signed = Signed::of(&*reading.directory(clients[0]).await?, &note, &said);
    if !signed.is_whole() {
        let label = context.terminal.pick("signed", "已签署");
        context.terminal.say(format!("{label}: {me}"));
        return Err(unsigned(context.terminal.lang, &path, &signed, &said));
    }
    complete(context, session, note, &said, &path).await?;
    tell(context, "completed", said, &signed, path)
}

/// A signer's part.
async fn sign(context: &Context, session: &Session, path: PathBuf) -> Result<(), Error> {
    let mut note = read(&path)?.ok_or_else(|| Error::new(Word::NoSuchFile).about_path(&path))?;
    let said = believe(session, &note, &path)?;
    let info = session.profile().info();
    if info.member != said.from && info.member != said.to && info.role != Role::Lead {
        return Err(Error::new(Word::NotAllowed));
    }
    let reading = Reading::new(session)?;
    log::look(session).await?;
    names_all(&reading, &said, &path).await?;
    let gathered = gather(&reading, &said.clients, said.from).await?;
    if !gathered.agrees(&reading, &said).await? {
        return Err(Error::new(Word::HandoverChanged).about_path(&path));
    }
    if info.member == said.to {
        gathered.open(&reading, said.time)?;
    }
    let keys = session.profile().keys()?;
    if !note.signed_by(&keys.sign.public()) {
        note.add_signature(&keys.sign);
        write(&path, &note.to_string())?;
    }
    let first =
        said.clients.first().ok_or_else(|| Error::new(Word::BadHandover).about_path(&path))?;
    let signed = Signed::of(&*reading.directory(*first).await?, &note, &said);
    let state = if signed.is_whole() { "signed" } else { "drawn_up" };
    tell(context, state, said, &signed, path)
}

fn tell(
    context: &Context,
    state: &'static str,
    said: Handover,
    signed: &Signed,
    path: PathBuf,
) -> Result<(), Error> {
    let standing = Standing {
        handover: said.handover,
        state,
        clients: said.clients,
        documents: said.documents,
        signed: signed.members().collect(),
        list: path.with_extension("csv"),
        statement: path,
    };
    let terminal = context.terminal;
    terminal.result(&standing, || {
        let Standing { clients, documents, signed, .. } = &standing;
        let (clients, signed) = (clients.len(), signed.len());
        match terminal.lang {
            Lang::En => {
                format!("{state}: clients {clients}, documents {documents}, signatures {signed}")
            }
            Lang::Zh => {
                let state = match state {
                    "completed" => "已完成",
                    "signed" => "已全部签署",
                    _ => "待签署",
                };
                format!("{state}：客户 {clients}，文档 {documents}，签名 {signed}")
            }
        }
    })
}

/// Who has not signed yet, for people.
fn unsigned(lang: Lang, path: &Path, signed: &Signed, said: &Handover) -> Error {
    let mut names = Vec::new();
    if signed.leaver.is_none() {
        names.push(format!("{} {}", lang.pick("the leaver", "移交人"), said.from));
    }
    if signed.successor.is_none() {
        names.push(format!("{} {}", lang.pick("the successor", "接任人"), said.to));
    }
    if signed.supervisor.is_none() {
        names.push(lang.pick("a lead who is neither", "另一位主管会计").to_owned());
    }
    let who = names.join(lang.pick(", ", "、"));
    Error::new(Word::HandoverUnsigned).about_path(path).about(who)
}

/// Every client that this device ever met, and whose books the leaver keeps, must be among those
/// that are handed over: the lead's device had the gateway's word for it.
async fn names_all(reading: &Reading<'_>, said: &Handover, path: &Path) -> Result<(), Error> {
    let met = reading.session().profile().desk().clients_met()?;
    for client in met.into_iter().filter(|client| !said.clients.contains(client)) {
        match reading.directory(client).await {
            Ok(directory) if directory.subjects_of(client, said.from).is_empty() => {}
            Ok(_) => return Err(Error::new(Word::HandoverChanged).about_path(path)),
            // Not this signer's client any more.
            Err(error) if error.exit() == Exit::Refused => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn believe(session: &Session, note: &Note, path: &Path) -> Result<Handover, Error> {
    let bad = || Error::new(Word::BadHandover).about_path(path);
    let said: Handover = note.decode().map_err(|e| bad().because(e))?;
    if said.root == session.profile().info().root.key_id() { Ok(said) } else { Err(bad()) }
}

fn read(path: &Path) -> Result<Option<Note>, Error> {
    let Some(bytes) = super::profile::read(path)? else { return Ok(None) };
    let bad = || Error::new(Word::BadHandover).about_path(path);
    let text = String::from_utf8(bytes).map_err(|e| bad().because(e))?;
    Note::parse(&text).map(Some).map_err(|e| bad().because(e))
}

/// Replaces a file whole.
fn write(path: &Path, text: &str) -> Result<(), Error> {
    super::profile::replace_private(path, text.as_bytes())
        .map_err(|e| file_error(Word::CannotWrite, path, &e))
}
