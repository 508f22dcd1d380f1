//! `client add` and `client list`.

use serde::Serialize;

use crate::api::{AddClient, ClientSummary, limits};
use crate::cli::Context;
use crate::cli::error::Error;
use crate::cli::terminal::printable;
use crate::cli::words::Word;
use crate::ids::{ClientId, MemberId};

/// The firm's clients · 机构的客户
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom client add '杭州云杉贸易有限公司'
  strongroom client list")]
pub struct ClientArgs {
    /// What to do
    #[command(subcommand)]
    pub action: ClientAction,
}

/// What can be done with clients.
#[derive(Debug, clap::Subcommand)]
pub enum ClientAction {
    /// Add a client · 添加客户
    #[command(after_help = "Example · 示例:\n  strongroom client add '杭州云杉贸易有限公司'")]
    Add {
        /// Its name · 名称
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// List the clients that you see · 列出可见客户
    #[command(after_help = "Example · 示例:\n  strongroom client list --json")]
    List,
}

#[derive(Serialize)]
struct Row {
    client: ClientId,
    name: String,
    accountants: Vec<MemberId>,
}

impl From<ClientSummary> for Row {
    fn from(summary: ClientSummary) -> Self {
        let ClientSummary { client, name, accountants } = summary;
        Self { client, name, accountants }
    }
}

/// Runs `client`.
///
/// # Errors
/// [`Word::BadName`], and those of asking.
pub async fn run(context: &Context, args: ClientArgs) -> Result<(), Error> {
    let session = context.session()?;
    let line = |row: &Row| format!("{}  {}", row.client, printable(&row.name));
    match args.action {
        ClientAction::Add { name } => {
            let name = limits::client_name(&name)
                .ok_or_else(|| Error::new(Word::BadName).about("NAME"))?
                .to_owned();
            let known: Vec<ClientSummary> = session.get("/clients").await?;
            if let Some(twin) = known.iter().find(|known| known.name == name) {
                let terminal = &context.terminal;
                terminal.say(format!(
                    "{}: {}",
                    terminal.pick("there is a client of this name already", "已有同名客户"),
                    twin.client
                ));
            }
            let add = AddClient { client: ClientId::random(), name };
            let added: ClientSummary = session.post("/clients", &add).await?;
            let row = Row::from(added);
            context.terminal.result(&row, || line(&row))
        }
        ClientAction::List => {
            let clients: Vec<ClientSummary> = session.get("/clients").await?;
            let rows: Vec<Row> = clients.into_iter().map(Row::from).collect();
            context
                .terminal
                .result(&rows, || rows.iter().map(|row| format!("{}\n", line(row))).collect())
        }
    }
}
