//! `audit`: the log checked, shown and exported off line, without the gateway and without its
//! secrets. Reads the database and changes nothing.

mod checkpoint;
mod export;
mod verify;

use std::path::PathBuf;

use super::error::Error;
use super::{init, serve};
use crate::cli::{Context, Exit};
use crate::store::Store;

/// Check, show or export the audit log · 审计日志
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom audit verify --data /srv/strongroom --checkpoint checkpoint-2026-11.txt
  strongroom audit checkpoint --data /srv/strongroom > checkpoint-2026-12.txt
  strongroom audit export --data /srv/strongroom > log.jsonl")]
pub struct AuditArgs {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum AuditCommand {
    /// Walk the whole log and name the first fault · 校验整个日志
    Verify(verify::VerifyArgs),
    /// Print the newest signed checkpoint · 输出最新检查点
    Checkpoint(checkpoint::CheckpointArgs),
    /// Print every entry as a line of JSON · 导出日志
    Export(export::ExportArgs),
}

/// Whose log.
#[derive(Clone, Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Place {
    /// The gateway's data folder · 网关数据文件夹
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The gateway's settings · 网关设置文件
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Place {
    /// Opens its database for reading. A folder without settings is a copy: its database alone
    /// is looked at.
    async fn open(&self) -> Result<Store, Error> {
        let path = match (&self.config, &self.data) {
            (Some(config), _) => serve::load(config)?.database.path,
            (None, Some(data)) if data.join(init::CONFIG).exists() => {
                serve::load(&data.join(init::CONFIG))?.database.path
            }
            (None, data) => data.clone().unwrap_or_default().join(init::DATABASE),
        };
        if !path.exists() {
            let shown = path.display();
            return Err(Error::new(
                "no_such_file",
                format!("找不到数据库 {shown}；请核对 --data 或 --config"),
                format!("there is no database {shown}; check --data or --config"),
            ));
        }
        Store::open_to_read(&path).await.map_err(|e| database(&e))
    }
}

fn database(error: &dyn std::error::Error) -> Error {
    Error::because("database", ("数据库无法读取", "the database cannot be read"), error)
}

/// The database holds no firm, so no log.
fn unfounded(error: crate::store::Error) -> Error {
    match error {
        crate::store::Error::NotFound => {
            Error::new("not_founded", "数据库里还没有机构", "the database holds no firm")
                .exiting(Exit::Failed)
        }
        error => database(&error),
    }
}

/// Runs the command.
pub(super) async fn run(context: &Context, args: &AuditArgs) -> Result<(), Error> {
    match &args.command {
        AuditCommand::Verify(args) => verify::run(context, args).await,
        AuditCommand::Checkpoint(args) => checkpoint::run(context, args).await,
        AuditCommand::Export(args) => export::run(args).await,
    }
}
