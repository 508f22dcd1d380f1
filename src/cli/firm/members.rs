//! `member list` and `member suspend`.

use serde::Serialize;

use crate::api::{MemberState, MemberSummary, Submit};
use crate::cli::Context;
use crate::cli::error::Error;
use crate::cli::gateway::Ask;
use crate::cli::terminal::printable;
use crate::cli::words::Word;
use crate::envelope::statement::{Note, Revocation, RevocationKind};
use crate::ids::MemberId;

/// The firm's members · 成员
#[derive(Debug, clap::Args)]
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
        /// The member
        #[arg(value_name = "ID")]
        member: MemberId,
    },
}

#[derive(Serialize)]
struct Suspended {
    member: MemberId,
    state: MemberState,
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
            terminal.result(&members, || {
                let line = |m: &MemberSummary| {
                    let state = match m.state {
                        MemberState::Active => terminal.pick("active", "正常"),
                        MemberState::Suspended => terminal.pick("suspended", "已停用"),
                    };
                    format!(
                        "{}  {}  {state}  {}  {}\n",
                        m.member,
                        terminal.lang.role(m.role),
                        m.login,
                        printable(&m.name)
                    )
                };
                members.iter().map(line).collect()
            })
        }
        MemberAction::Suspend { member } => {
            let keys = session.profile().keys()?;
            let subject = member
                .to_string()
                .parse()
                .map_err(|e| Error::new(Word::Internal).about("subject").because(e))?;
            let revocation = Revocation {
                root: session.profile().info().root.key_id(),
                kind: RevocationKind::Member,
                subject,
                prev: None,
                time: session.clock().now(),
            };
            let submit = Submit { statement: Note::sign(&revocation, &[&keys.sign]) };
            session.answer(&Ask::post("/revocations", &submit)?).await?;
            let done = Suspended { member, state: MemberState::Suspended };
            terminal.result(&done, || format!("{}  {member}", terminal.pick("suspended", "已停用")))
        }
    }
}
