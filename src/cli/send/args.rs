//! What `send` and `deliver` take.

use std::path::PathBuf;
use std::time::Duration;

use crate::cli::args::{category_parser, period};
use crate::envelope::statement::{Category, Period};
use crate::ids::ClientId;

/// How files are sent.
#[derive(Debug, clap::Args)]
pub struct SendOptions {
    /// Files to send; - is standard input · 要发送的文件
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Accounting period (default: last month) · 会计期间，默认上月
    #[arg(long, value_name = "YYYY-MM", value_parser = period)]
    pub period: Option<Period>,
    /// What kind of paper it is · 文件类别
    #[arg(long, value_name = "CATEGORY", default_value = "other", value_parser = category_parser())]
    pub category: Category,
    /// A note to the reader, sealed with the document · 附言，随文档封存
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub note: String,
    /// The name to seal it under, when one file or standard input is sent · 封存时的文件名
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Show who could read it and send nothing · 只显示谁能读，不发送
    #[arg(long)]
    pub dry_run: bool,
    /// How long to keep trying without progress when the gateway cannot be reached, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub retry_for: u64,
}

/// Send files to your accountants, sealed on this device · 向会计发送文件（本机封存）
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom send '对账单 2026年3月.pdf' --category bank --period 2026-03
  tar c receipts | strongroom send - --name receipts.tar --category receipts
  strongroom send *.pdf --dry-run
  strongroom send 发票.pdf --link 'https://files.example.com/u/3f07…#AbC…' --from 李四
  strongroom send 审计报告.pdf --link 'https://files.example.com/s/5e21…#AbC…' --code 7KQ2-M9XA \
    --category report --to-client

A broken or stopped send goes on with the same command · 中断后用同一命令继续发送")]
pub struct SendArgs {
    /// What and how
    #[command(flatten)]
    pub options: SendOptions,
    /// For which client (default: the only one you see) · 哪个客户
    #[arg(long, value_name = "ID")]
    pub client: Option<ClientId>,
    /// Send through a request link, without an account: the whole link, with everything after
    /// the # (quote it); - reads it from standard input
    #[arg(long, value_name = "URL", conflicts_with = "client")]
    pub link: Option<String>,
    /// The access code, where it is a share link · 分享链接的提取码
    #[arg(long, value_name = "CODE", requires = "link")]
    pub code: Option<String>,
    /// Seal what you give back through a share link to the client's own people too; without it
    /// the firm alone can open it, and the client sees that something came
    #[arg(long, requires = "link")]
    pub to_client: bool,
    /// Your name, for whoever opens what came through a link · 您的姓名
    #[arg(long, value_name = "NAME", requires = "link")]
    pub from: Option<String>,
}

/// Send files to a client, sealed on this device · 向客户交付文件（本机封存）
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom deliver report.pdf --client 3f07… --category report")]
pub struct DeliverArgs {
    /// What and how
    #[command(flatten)]
    pub options: SendOptions,
    /// To which client · 交付给哪个客户
    #[arg(long, value_name = "ID")]
    pub client: ClientId,
}

impl SendOptions {
    pub(super) fn span(&self) -> Duration {
        Duration::from_secs(self.retry_for)
    }
}
