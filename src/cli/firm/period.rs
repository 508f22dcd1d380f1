//! `period`: close a client's books for a month, open them again, see what is closed.

use crate::api::{ClosedPeriod, SetPeriod};
use crate::cli::Context;
use crate::cli::args::period;
use crate::cli::error::Error;
use crate::cli::send::client_or_only;
use crate::envelope::statement::Period;
use crate::ids::ClientId;

/// Close a client's books for a month: opening its documents then needs a reason · 结账
#[derive(Debug, clap::Args)]
pub struct PeriodArgs {
    /// What to do
    #[command(subcommand)]
    pub action: PeriodAction,
}

/// What can be done with periods.
#[derive(Debug, clap::Subcommand)]
pub enum PeriodAction {
    /// Close a period · 结账
    #[command(after_help = "Example · 示例:\n  strongroom period close 2026-10 --client 3f07…")]
    Close {
        /// Which · 哪个期间
        #[arg(value_name = "YYYY-MM", value_parser = period)]
        period: Period,
        /// The client (default: the only one you see) · 客户（默认：您唯一可见的客户）
        #[arg(long, value_name = "ID")]
        client: Option<ClientId>,
    },
    /// Open a closed period again · 反结账
    #[command(after_help = "\
Example · 示例:
  strongroom period reopen 2026-10 --client 3f07… --reason '更正进项发票'")]
    Reopen {
        /// Which · 哪个期间
        #[arg(value_name = "YYYY-MM", value_parser = period)]
        period: Period,
        /// The client (default: the only one you see) · 客户（默认：您唯一可见的客户）
        #[arg(long, value_name = "ID")]
        client: Option<ClientId>,
        /// Why; the client reads it · 事由，客户可见
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// List the closed periods · 列出已结账期间
    #[command(after_help = "Example · 示例:\n  strongroom period list --client 3f07…")]
    List {
        /// The client (default: the only one you see) · 客户（默认：您唯一可见的客户）
        #[arg(long, value_name = "ID")]
        client: Option<ClientId>,
    },
}

/// Runs `period`.
///
/// # Errors
/// [`crate::cli::Word::NotFound`], [`crate::cli::Word::NotAllowed`], and those of asking.
pub async fn run(context: &Context, args: PeriodArgs) -> Result<(), Error> {
    let session = context.session()?;
    let (client, set) = match args.action {
        PeriodAction::Close { period, client } => {
            (client, Some(SetPeriod { period, closed: true, reason: None }))
        }
        PeriodAction::Reopen { period, client, reason } => {
            (client, Some(SetPeriod { period, closed: false, reason: Some(reason) }))
        }
        PeriodAction::List { client } => (client, None),
    };
    let path = format!("/clients/{}/periods", client_or_only(&session, client).await?);
    let closed: Vec<ClosedPeriod> = match set {
        Some(set) => session.post(path, &set).await?,
        None => session.get(path).await?,
    };
    let terminal = context.terminal;
    terminal.result(&closed, || {
        if closed.is_empty() {
            return terminal.pick("no period is closed", "没有已结账的期间").to_owned();
        }
        closed.iter().map(|row| format!("{}  {}\n", row.period, row.closed_at)).collect()
    })
}
