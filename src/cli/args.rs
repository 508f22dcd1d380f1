//! The command line of a person's commands.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::envelope::statement::{Category, Period};

use super::fetch::{FetchArgs, KeyArgs};
use super::firm::{
    AssignArgs, ClientArgs, InviteArgs, MemberArgs, PeriodArgs, PolicyArgs, RequestArgs, RootArgs,
};
use super::handover::HandoverArgs;
use super::lang::Lang;
use super::list::ListArgs;
use super::log::RequireWitnessArgs;
use super::partners::PartnerArgs;
use super::people::{JoinArgs, LoginArgs, SessionsArgs};
use super::pull::PullArgs;
use super::recall::RecallArgs;
use super::receipt::{ReceiptArgs, VerifyArgs};
use super::receive::ReceiveArgs;
use super::recipients::RecipientsArgs;
use super::rewrap::RewrapArgs;
use super::send::{DeliverArgs, SendArgs};
use super::shares::{AuthoriseArgs, ShareArg, ShareArgs};
use super::terminal::Terminal;
use super::who_saw::WhoSawArgs;
use super::{open, seal};

/// What every command understands.
#[derive(Clone, Debug, clap::Args)]
pub struct Global {
    /// The profile folder (default: ~/.local/share/strongroom) · 档案文件夹
    #[arg(long, global = true, env = "STRONGROOM_PROFILE", value_name = "DIR")]
    pub profile: Option<PathBuf>,
    /// Trust this CA (PEM) for the gateway's certificate · 信任此 CA 证书
    #[arg(long, global = true, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Give results and errors as JSON · 以 JSON 输出
    #[arg(long, global = true)]
    pub json: bool,
    /// Language of messages (default: by LC_ALL and LANG) · 消息语言
    #[arg(long, global = true, value_name = "LANG")]
    pub lang: Option<Lang>,
}

impl Global {
    /// How this run speaks.
    pub fn terminal(&self) -> Terminal {
        Terminal { json: self.json, lang: self.lang.unwrap_or_else(Lang::from_environment) }
    }
}

/// A person's commands.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Join with the invitation you were sent · 用邀请链接加入
    Join(JoinArgs),
    /// Log in on this device · 在本机登录
    Login(LoginArgs),
    /// End this device's session · 退出登录
    #[command(after_help = "Example · 示例:\n  strongroom logout")]
    Logout,
    /// Who this device is, and what waits · 本机身份与待取文档
    #[command(after_help = "Example · 示例:\n  strongroom whoami --json")]
    Whoami,
    /// List your sessions, or end one · 列出或结束会话
    Sessions(SessionsArgs),
    /// Send files to your accountants, sealed on this device · 向会计发送文件
    Send(SendArgs),
    /// Send files to a client, sealed on this device · 向客户交付文件
    Deliver(DeliverArgs),
    /// List documents · 列出文档
    List(ListArgs),
    /// Fetch and open documents · 取回并打开文档
    Pull(PullArgs),
    /// Take back a document that nobody has opened · 撤回无人打开的文档
    Recall(RecallArgs),
    /// Fetch a document as it is kept: an ordinary age file · 取回原始 age 文件
    Fetch(FetchArgs),
    /// Your keys · 您的密钥
    Key(KeyArgs),
    /// Show whom documents are sealed to · 显示文档封存给谁
    Recipients(RecipientsArgs),
    /// Re-wrap old documents for those who look after a client now · 为现任人员补封旧文档
    Rewrap(RewrapArgs),
    /// Check a receipt against the firm's log · 核验回执
    Verify(VerifyArgs),
    /// Print a receipt as one page · 打印回执
    Receipt(ReceiptArgs),
    /// Require a witness's cosignature · 要求见证方联署
    RequireWitness(RequireWitnessArgs),
    /// Who saw a client's documents · 谁看过我的文件
    WhoSaw(WhoSawArgs),
    /// The firm's clients · 机构的客户
    Client(ClientArgs),
    /// Invite somebody to join · 邀请他人加入
    Invite(InviteArgs),
    /// Say who looks after a client · 分户
    Assign(AssignArgs),
    /// Say who no longer looks after a client · 取消分户
    Unassign(AssignArgs),
    /// Hand all clients of a leaving accountant over · 会计离职移交
    Handover(HandoverArgs),
    /// The firm's members · 成员
    Member(MemberArgs),
    /// Say what is allowed for a client · 设置客户策略
    Policy(PolicyArgs),
    /// Close a client's books for a month: opening its documents then needs a reason · 结账
    Period(PeriodArgs),
    /// The firm's root key: back it up, hand it to a second officer · 根密钥
    Root(RootArgs),
    /// Ask somebody without an account for files · 请没有账号的人发送文件
    Request(RequestArgs),
    /// The firm's partners · 合作机构
    Partner(PartnerArgs),
    /// Share documents with a partner, once the client allows it · 向合作机构分享文档
    Share(ShareArgs),
    /// Allow a share of your company's documents · 授权分享
    Authorise(AuthoriseArgs),
    /// Take an authorisation back: the share ends at once · 撤回授权
    Withdraw(ShareArg),
    /// End a share at once · 撤销分享
    Revoke(ShareArg),
    /// Unlock a share after wrong codes · 解锁分享
    Unlock(ShareArg),
    /// List shares, and what was fetched of them · 列出分享
    #[command(after_help = "Example · 示例:\n  strongroom shares")]
    Shares,
    /// Receive what was shared with you; needs no account · 接收分享的文档
    Receive(ReceiveArgs),
    /// Seal a file to recipients, off line · 离线封存文件
    Seal(seal::SealArgs),
    /// Open an age file, off line · 离线打开 age 文件
    Open(open::OpenArgs),
    /// Print completions for a shell · 生成命令补全
    Completions(CompletionsArgs),
}

/// For which shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom completions bash > /etc/bash_completion.d/strongroom")]
pub struct CompletionsArgs {
    /// The shell · 命令行外壳
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// Takes an accounting period.
///
/// # Errors
/// What one looks like.
pub fn period(text: &str) -> Result<Period, String> {
    text.parse().map_err(|_| "YYYY-MM, e.g. 2026-10 · 年-月，例如 2026-10".to_owned())
}

/// Takes the words of [`Category`].
pub fn category_parser() -> impl clap::builder::TypedValueParser<Value = Category> {
    let words = Category::ALL.iter().map(|category| category.as_str());
    PossibleValuesParser::new(words).try_map(|word| word.parse::<Category>())
}
