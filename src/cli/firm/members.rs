//! `member list`, `member suspend` and `member revoke-key`.

use serde::Serialize;

use crate::api::{MemberState, MemberSummary};
use crate::cli::Context;
use crate::cli::confirm::Assurance;
use crate::cli::directory;
use crate::cli::error::Error;
use crate::cli::revocation;
use crate::cli::terminal::printable;
use crate::cli::words::Word;
use crate::envelope::statement::{Hash, RevocationKind};
use crate::ids::MemberId;
use crate::trust::{Spoken, card_subject, spoken};

/// Where members and keys are ended.
const REVOCATIONS: &str = "/revocations";

/// The firm's members · 成员
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom member list
  strongroom member suspend 91ab…")]
pub struct MemberArgs {
    /// What to do
    #[command(subcommand)]
    pub action: MemberAction,
}

/// What can be done with members.
#[derive(Debug, clap::Subcommand)]
pub enum MemberAction {
    /// List the members · 列出成员
    #[command(after_help = "Example · 示例:\n  strongroom member list")]
    List,
    /// End a member: every session ends at once and nothing more is sealed to them · 停用成员
    #[command(after_help = "Example · 示例:\n  strongroom member suspend 91ab…")]
    Suspend {
        /// The member · 成员
        #[arg(value_name = "ID")]
        member: MemberId,
    },
    /// Revoke a member's key: nothing more is sealed to it, and they must make another · 吊销密钥
    #[command(after_help = "\
Example · 示例:
  strongroom member revoke-key 91ab…

For a device that was lost or stolen. The member logs in again (passphrase or kit), runs
strongroom key rotate, reads you the new words, and you run strongroom recipients confirm.")]
    RevokeKey {
        /// The member · 成员
        #[arg(value_name = "ID")]
        member: MemberId,
    },
}

/// A member, and the words to compare their key by.
#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    summary: MemberSummary,
    fingerprint: Option<Hash>,
    words: Option<Spoken>,
    assurance: Option<Assurance>,
}

#[derive(Serialize)]
struct Suspended {
    member: MemberId,
    state: MemberState,
}

#[derive(Serialize)]
struct Revoked {
    member: MemberId,
    epoch: u64,
    revoked: bool,
}

/// Runs `member`.
///
/// # Errors
/// [`Word::NotAllowed`], [`Word::NotFound`], and those of asking.
pub async fn run(context: &Context, args: MemberArgs) -> Result<(), Error> {
    let session = context.session()?;
    let terminal = &context.terminal;
    match args.action {
        MemberAction::List => {
            let members: Vec<MemberSummary> = session.get("/members").await?;
            let directory = directory::fetch_people(&session).await?;
            if let Some(other) = members.iter().find(|m| !directory.is_called(m.member, &m.name)) {
                return Err(Error::new(Word::RowDiffers).about(other.member));
            }
            let known = session.profile().desk().known()?;
            let own = session.profile().info().member;
            let row = |summary: MemberSummary| {
                let fingerprint = directory
                    .card(summary.member)
                    .and_then(|card| Some(card.recipient.as_ref()?.fingerprint()));
                Row {
                    words: fingerprint.as_ref().map(spoken),
                    fingerprint,
                    assurance: if summary.member == own {
                        Some(Assurance::Own)
                    } else {
                        Assurance::of(&directory, &known, summary.member)
                    },
                    summary,
                }
            };
            let rows: Vec<Row> = members.into_iter().map(row).collect();
            terminal.result(&rows, || {
                let line = |row: &Row| {
                    let m = &row.summary;
                    let state = match m.state {
                        MemberState::Active => terminal.pick("active", "正常"),
                        MemberState::Suspended => terminal.pick("suspended", "已停用"),
                    };
                    format!(
                        "{}  {}  {state}  {}  {}\n  {}  [{}]\n",
                        m.member,
                        terminal.lang.role(m.role),
                        printable(&m.login),
                        printable(&m.name),
                        row.words.as_ref().map_or("-", |words| terminal.lang.spoken(words)),
                        row.assurance.map_or("-", |assurance| assurance.said(terminal.lang)),
                    )
                };
                rows.iter().map(line).collect()
            })
        }
        MemberAction::RevokeKey { member } => {
            let directory = directory::fetch_people(&session).await?;
            let card = directory.card(member).filter(|_| directory.is_active(member));
            let card = card.ok_or_else(|| Error::new(Word::NoSuchMember).about(member))?;
            let subject = card_subject(member, card.epoch);
            revocation::revoke(&session, REVOCATIONS, RevocationKind::Card, &subject).await?;
            let done = Revoked { member, epoch: card.epoch, revoked: true };
            terminal.result(&done, || format!("{}  {member}", terminal.pick("revoked", "已吊销")))
        }
        MemberAction::Suspend { member } => {
            revocation::revoke(&session, REVOCATIONS, RevocationKind::Member, &member.to_string())
                .await?;
            let done = Suspended { member, state: MemberState::Suspended };
            terminal.result(&done, || format!("{}  {member}", terminal.pick("suspended", "已停用")))
        }
    }
}
