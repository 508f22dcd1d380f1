//! `share`, `authorise`, `withdraw`, `revoke`, `unlock` and `shares`: documents that leave the
//! firm for a partner.
//!
//! Link, code and keys are made on the accountant's device and never reach the gateway; every
//! decision is signed on the device of whoever decides.

mod decide;
mod list;
mod propose;

pub use decide::{AuthoriseArgs, ShareArg, run_authorise, run_revoke, run_unlock, run_withdraw};
pub use list::run_shares;
pub(in crate::cli) use propose::derive;
pub use propose::{ShareArgs, run_share};

use serde::Serialize;

use super::error::Error;
use super::gateway::Session;
use super::terminal::Terminal;
use super::words::Word;
use crate::api::{ShareInfo, ShareState};
use crate::ids::ShareId;

/// What decisions answer.
#[derive(Debug, Serialize)]
struct Decided {
    share: ShareId,
    state: ShareState,
}

fn decided(terminal: &Terminal, info: &ShareInfo) -> Result<(), Error> {
    let decided = Decided { share: info.share, state: info.state };
    terminal.result(&decided, || format!("{}  {}", state(terminal, info), info.share))
}

/// One share that the caller sees.
async fn find(session: &Session, id: ShareId) -> Result<ShareInfo, Error> {
    let shares: Vec<ShareInfo> = session.get("/shares").await?;
    let found = shares.into_iter().find(|info| info.share == id);
    let unknown = Error::new(Word::NotFound).advise(
        Word::NotFound,
        "strongroom shares lists the shares that you see",
        "strongroom shares 会列出您可见的分享",
    );
    found.ok_or(unknown)
}

/// Where a share stands, for people.
fn state(terminal: &Terminal, info: &ShareInfo) -> &'static str {
    match info.state {
        ShareState::Waiting if info.needs_client => {
            terminal.pick("waiting for the client", "等待客户授权")
        }
        ShareState::Waiting => terminal.pick("waiting for a second person", "等待第二人复核"),
        ShareState::Open => terminal.pick("open", "可接收"),
        ShareState::UsedUp => terminal.pick("used up", "次数已用完"),
        ShareState::Locked => terminal.pick("locked after wrong codes", "提取码错误已锁定"),
        ShareState::Expired => terminal.pick("expired", "已过期"),
        ShareState::Withdrawn => terminal.pick("withdrawn by the client", "客户已撤回"),
        ShareState::Revoked => terminal.pick("revoked", "已撤销"),
    }
}
