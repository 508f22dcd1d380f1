//! `handover` (移交): all clients of a leaving accountant go over to a successor.
//!
//! The successor is assigned first; the leaver or a colleague re-wraps; then the hand-over list
//! is drawn up, and leaver, successor and a lead who is neither sign one statement over it, each
//! after drawing up the list on their own device, the successor after opening every document.
//! Refuses to go on while one document has no header for an accountant assigned, and to unassign
//! anybody before the three signatures are there and the list still matches the gateway.

mod list;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::api::{Assigned, ClientSummary, MemberState, MemberSummary};
use crate::envelope::statement::{Category, Handover, Note, Role};
use crate::ids::{ClientId, HandoverId, MemberId};
use crate::trust::Directory;

use super::Context;
use super::directory;
use super::error::{Error, file_error};
use super::firm::{AssignArgs, is_confirmed, sign_assignment};
use super::gateway::Session;
use super::reading::Reading;
use super::words::Word;

use list::{List, draw_up};

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
        return Err(Error::new(Word::NothingToHandOver).about(from));
    }
    is_confirmed(session, to).await?;
    let mut pending = 0;
    for client in &clients {
        for category in subjects(&directory::fetch(session, Some(*client)).await?, *client, from) {
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
    let mut note = match read(&path)? {
        Some(note) => note,
        None => {
            let root = session.profile().info().root.key_id();
            let time = session.clock().now();
            let list = draw_up(&reading, &clients, from, time, false).await?;
            write(&path.with_extension("csv"), &list.text)?;
            let handover = HandoverId::random();
            let (documents, hash) = (list.documents, list.hash());
            let clients = clients.clone();
            let statement =
                Handover { root, handover, from, to, clients, documents, list: hash, time };
            Note::sign(&statement, &[])
        }
    };
    let said = believe(session, &note, &path)?;
    if said.from != from || said.to != to || said.clients != clients {
        return Err(Error::new(Word::BadHandover).about_path(&path));
    }
    compare(&reading, &said, &path, false).await?;
    let me = session.profile().info().member;
    let keys = session.profile().keys()?;
    if !note.signed_by(&keys.sign.public()) {
        note.add_signature(&keys.sign);
        write(&path, &note.to_string())?;
    }
    let directory = reading.directory(clients[0]).await?;
    let signed = signers(&directory, &note, &said);
    if !is_whole(&directory, &signed, &said) {
        let who = missing(context.terminal.lang, &directory, &signed, &said);
        let label = context.terminal.pick("signed", "已签署");
        context.terminal.say(format!("{label}: {me}"));
        return Err(Error::new(Word::HandoverUnsigned).about_path(&path).about(who));
    }
    for client in &clients {
        for category in subjects(&directory::fetch(session, Some(*client)).await?, *client, from) {
            let args = AssignArgs { client: *client, to: from, category };
            sign_assignment(session, &args, |accountants, member| {
                accountants.retain(|accountant| *accountant != member);
            })
            .await?;
        }
    }
    tell(context, "completed", said, signed, path)
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
    compare(&reading, &said, &path, info.member == said.to).await?;
    let keys = session.profile().keys()?;
    if !note.signed_by(&keys.sign.public()) {
        note.add_signature(&keys.sign);
        write(&path, &note.to_string())?;
    }
    let first =
        said.clients.first().ok_or_else(|| Error::new(Word::BadHandover).about_path(&path))?;
    let directory = reading.directory(*first).await?;
    let signed = signers(&directory, &note, &said);
    let state = if is_whole(&directory, &signed, &said) { "signed" } else { "drawn_up" };
    tell(context, state, said, signed, path)
}

fn tell(
    context: &Context,
    state: &'static str,
    said: Handover,
    signed: Vec<MemberId>,
    path: PathBuf,
) -> Result<(), Error> {
    let standing = Standing {
        handover: said.handover,
        state,
        clients: said.clients,
        documents: said.documents,
        signed,
        list: path.with_extension("csv"),
        statement: path,
    };
    let terminal = context.terminal;
    terminal.result(&standing, || {
        let Standing { clients, documents, signed, .. } = &standing;
        let (clients, signed) = (clients.len(), signed.len());
        match terminal.lang {
            super::lang::Lang::En => {
                format!("{state}: clients {clients}, documents {documents}, signatures {signed}")
            }
            super::lang::Lang::Zh => {
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

/// The subjects of `client` whose assignment names `from`.
fn subjects(directory: &Directory, client: ClientId, from: MemberId) -> Vec<Option<Category>> {
    std::iter::once(None)
        .chain(Category::ALL.iter().copied().map(Some))
        .filter(|category| directory.assigned_exactly(client, *category).contains(&from))
        .collect()
}

/// Which of the people concerned have signed: leaver, successor, leads.
fn signers(directory: &Directory, note: &Note, said: &Handover) -> Vec<MemberId> {
    directory
        .cards()
        .filter(|card| {
            let concerned = card.member == said.from
                || card.member == said.to
                || directory.holds(card.member, Role::Lead, None);
            concerned && directory.is_active(card.member) && note.signed_by(&card.sign)
        })
        .map(|card| card.member)
        .collect()
}

/// Whether leaver, successor and somebody who supervises both have signed.
fn is_whole(directory: &Directory, signed: &[MemberId], said: &Handover) -> bool {
    let supervises = |member: &&MemberId| {
        **member != said.from && **member != said.to && directory.holds(**member, Role::Lead, None)
    };
    signed.contains(&said.from)
        && signed.contains(&said.to)
        && signed.iter().any(|member| supervises(&member))
}

/// Who has not signed yet, for people.
fn missing(
    lang: super::lang::Lang,
    directory: &Directory,
    signed: &[MemberId],
    said: &Handover,
) -> String {
    let supervised = signed.iter().any(|member| {
        *member != said.from && *member != said.to && directory.holds(*member, Role::Lead, None)
    });
    let mut names = Vec::new();
    if !signed.contains(&said.from) {
        names.push(format!("{} {}", lang.pick("the leaver", "移交人"), said.from));
    }
    if !signed.contains(&said.to) {
        names.push(format!("{} {}", lang.pick("the successor", "接任人"), said.to));
    }
    if !supervised {
        names.push(lang.pick("a lead who is neither", "另一位主管会计").to_owned());
    }
    names.join(lang.pick(", ", "、"))
}

/// The list that this device draws up must be the one that is signed.
async fn compare(
    reading: &Reading<'_>,
    said: &Handover,
    path: &Path,
    opening: bool,
) -> Result<(), Error> {
    let list: List = draw_up(reading, &said.clients, said.from, said.time, opening).await?;
    if list.hash() == said.list && list.documents == said.documents {
        Ok(())
    } else {
        Err(Error::new(Word::HandoverChanged).about_path(path))
    }
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
