//! `recipients`: whom a document for a client would be sealed to, to compare by telephone.

use crate::envelope::statement::{Category, Direction};
use crate::ids::ClientId;
use crate::trust::Demand;

use super::Context;
use super::args::category_parser;
use super::directory;
use super::error::Error;
use super::send::{Recipients, client_or_only};

/// Show whom documents are sealed to · 显示文档封存给谁
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example · 示例:\n  strongroom recipients --client 3f07… --category payroll"
)]
pub struct RecipientsArgs {
    /// The client (default: the only one you see)
    #[arg(long, value_name = "ID")]
    pub client: Option<ClientId>,
    /// The category
    #[arg(long, value_name = "CATEGORY", default_value = "other", value_parser = category_parser())]
    pub category: Category,
}

/// Runs `recipients`.
///
/// # Errors
/// As [`directory::fetch`], and when nobody can be named.
pub async fn run(context: &Context, args: RecipientsArgs) -> Result<(), Error> {
    let session = context.session()?;
    let client = client_or_only(&session, args.client).await?;
    let directory = directory::fetch(&session, Some(client)).await?;
    let demand = Demand { client, category: args.category, direction: Direction::In };
    let readers = directory.readers(demand).map_err(directory::undemandable)?;
    let rows: Vec<Recipients> = readers.iter().map(Recipients::from).collect();
    context.terminal.result(&rows, || {
        rows.iter()
            .map(|r| {
                format!(
                    "{}  {}  {}\n  {}\n  {}\n",
                    context.terminal.lang.role(r.role),
                    r.member,
                    context.terminal.lang.spoken(&r.words),
                    r.fingerprint,
                    r.recipient
                )
            })
            .collect()
    })
}
