//! `recipients`: whom a document for a client would be sealed to, to compare by telephone.

use serde::Serialize;

use crate::envelope::statement::{Category, Direction, Hash};
use crate::ids::ClientId;
use crate::trust::{Demand, Reader};

use super::Context;
use super::args::category_parser;
use super::confirm::{self, Assurance, ConfirmArgs};
use super::directory;
use super::error::Error;
use super::send::{Recipients, client_or_only};

/// Show whom documents are sealed to, and confirm their keys · 显示文档封存给谁，确认其密钥
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Example · 示例:
  strongroom recipients --client 3f07… --category payroll
  strongroom recipients confirm 91ab… --fingerprint 'legal winner thank year wave sausage worth useful'"
)]
pub struct RecipientsArgs {
    /// Confirm a key
    #[command(subcommand)]
    pub action: Option<RecipientsAction>,
    /// The client (default: the only one you see) · 客户（默认：您唯一可见的客户）
    #[arg(long, value_name = "ID")]
    pub client: Option<ClientId>,
    /// The category · 类别
    #[arg(long, value_name = "CATEGORY", default_value = "other", value_parser = category_parser())]
    pub category: Category,
}

/// What else can be done with recipients.
#[derive(Debug, clap::Subcommand)]
pub enum RecipientsAction {
    /// Confirm a member's key after comparing words · 核对后确认密钥
    Confirm(ConfirmArgs),
}

/// Somebody who reads, and how sure it is that the key is theirs.
#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    recipient: Recipients,
    assurance: Option<Assurance>,
    /// The key known here before, while the new one is not confirmed.
    was: Option<Hash>,
}

/// Runs `recipients`.
///
/// # Errors
/// As [`directory::fetch`], and when nobody can be named.
pub async fn run(context: &Context, args: RecipientsArgs) -> Result<(), Error> {
    if let Some(RecipientsAction::Confirm(args)) = args.action {
        return confirm::run(context, args).await;
    }
    let session = context.session()?;
    let client = client_or_only(&session, args.client).await?;
    let directory = directory::fetch(&session, Some(client)).await?;
    let known = session.profile().desk().known()?;
    let demand = Demand { client, category: args.category, direction: Direction::In };
    let readers = directory.named_readers(demand).map_err(directory::undemandable)?;
    let own = session.profile().info().member;
    let row = |reader: &Reader| Row {
        recipient: Recipients::from(reader),
        assurance: if reader.member == own {
            Some(Assurance::Own)
        } else {
            Assurance::of(&directory, &known, reader.member)
        },
        was: directory.held_back(reader.member).map(|change| change.was),
    };
    let rows: Vec<Row> = readers.iter().map(row).collect();
    let lang = context.terminal.lang;
    context.terminal.result(&rows, || {
        let line = |row: &Row| {
            let Row { recipient: r, assurance, .. } = row;
            format!(
                "{}  {}  {}  [{}]\n  {}\n  {}\n",
                lang.role(r.role),
                r.member,
                lang.spoken(&r.words),
                assurance.map_or("-", |assurance| assurance.said(lang)),
                r.fingerprint,
                r.recipient
            )
        };
        rows.iter().map(line).collect()
    })
}
