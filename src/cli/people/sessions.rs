//! `whoami`, `sessions`, `logout`: who this device is, and where else it is logged in.

use std::collections::BTreeMap;

use http::Method;
use serde::Serialize;

use crate::api::{Me, SessionInfo};
use crate::envelope::statement::{Hash, Role};
use crate::ids::{ClientId, MemberId, SessionId};
use crate::trust::{Spoken, spoken};

use crate::cli::Context;
use crate::cli::error::Error;
use crate::cli::gateway::{Ask, Session};
use crate::cli::terminal::printable;
use crate::cli::words::Word;

/// List your sessions, or end one · 列出或结束会话
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom sessions
  strongroom sessions end 3f07…")]
pub struct SessionsArgs {
    /// What to do; lists without one
    #[command(subcommand)]
    pub action: Option<SessionsAction>,
}

/// What can be done to sessions.
#[derive(Debug, clap::Subcommand)]
pub enum SessionsAction {
    /// End a session: that device is logged out at once · 结束会话
    #[command(after_help = "Example · 示例:\n  strongroom sessions end 3f07…")]
    End {
        /// The session's id · 会话编号
        #[arg(value_name = "ID")]
        session: SessionId,
    },
}

#[derive(Serialize)]
struct Whoami {
    member: MemberId,
    role: Role,
    login: String,
    name: String,
    clients: Vec<ClientId>,
    client_names: BTreeMap<ClientId, String>,
    waiting: u64,
    session: SessionId,
    gateway: String,
    firm: String,
    root: crate::ids::RootId,
    recipient: String,
    fingerprint: Hash,
    words: Spoken,
}

/// Asks who this is and says it.
pub(super) async fn show_me(context: &Context, session: &Session) -> Result<(), Error> {
    let me: Me = session.get("/me").await?;
    let info = session.profile().info();
    let recipient = session.profile().keys()?.recipient();
    let whoami = Whoami {
        member: me.member,
        role: me.role,
        login: me.login,
        name: me.name,
        clients: me.clients.iter().map(|c| c.client).collect(),
        client_names: me.clients.iter().map(|c| (c.client, c.name.clone())).collect(),
        waiting: me.waiting,
        session: me.session,
        gateway: info.gateway.clone(),
        firm: info.firm.clone(),
        root: info.root.key_id(),
        words: spoken(&recipient.fingerprint()),
        fingerprint: recipient.fingerprint(),
        recipient: recipient.to_string(),
    };
    let terminal = &context.terminal;
    terminal.result(&whoami, || {
        let mut text = format!(
            "{} ({}, {}) @ {} — {}\n",
            printable(&whoami.name),
            printable(&whoami.login),
            terminal.lang.role(whoami.role),
            printable(&whoami.firm),
            whoami.gateway
        );
        for (client, name) in &whoami.client_names {
            text.push_str(&format!("  {client}  {}\n", printable(name)));
        }
        let words = terminal.lang.spoken(&whoami.words);
        text.push_str(&match terminal.lang {
            crate::cli::lang::Lang::En => {
                format!("your words: {words}\ndocuments waiting: {}", whoami.waiting)
            }
            crate::cli::lang::Lang::Zh => {
                format!("您的核对词：{words}\n待取文档：{}", whoami.waiting)
            }
        });
        text
    })
}

/// Runs `whoami`.
///
/// # Errors
/// Those of asking.
pub async fn run_whoami(context: &Context) -> Result<(), Error> {
    show_me(context, &context.session()?).await
}

#[derive(Serialize)]
struct Ended {
    session: SessionId,
    ended: bool,
}

/// Runs `sessions`.
///
/// # Errors
/// [`Word::NotFound`] for a session that is not yours, and those of asking.
pub async fn run_sessions(context: &Context, args: SessionsArgs) -> Result<(), Error> {
    let session = context.session()?;
    let terminal = &context.terminal;
    if let Some(SessionsAction::End { session: id }) = args.action {
        session.answer(&Ask::new(Method::DELETE, format!("/sessions/{id}"))).await?;
        return terminal.result(&Ended { session: id, ended: true }, || {
            format!("{} {id}", terminal.pick("ended", "已结束"))
        });
    }
    let sessions: Vec<SessionInfo> = session.get("/sessions").await?;
    terminal.result(&sessions, || {
        sessions
            .iter()
            .map(|s| {
                let here =
                    if s.current { terminal.pick("  (this one)", "（本机）") } else { "" };
                format!("{}  {}  {}{here}\n", s.session, s.last_seen_at, printable(&s.device))
            })
            .collect()
    })
}

#[derive(Serialize)]
struct LoggedOut {
    member: MemberId,
    role: Role,
    ended: bool,
}

/// Runs `logout`: the session ends on the gateway, and the tokens go from this device. Keyring
/// and journals stay, for the next `login` into the same folder.
///
/// # Errors
/// Those of asking; the tokens are kept then, so that it can be tried again.
pub async fn run_logout(context: &Context) -> Result<(), Error> {
    let session = context.session()?;
    match session.answer(&Ask::new(Method::POST, "/session/end")).await {
        // A session that has ended already is what was wanted.
        Err(error) if error.word() != Word::LoggedOut => return Err(error),
        _ => {}
    }
    session.profile().forget_tokens()?;
    let info = session.profile().info();
    let ended = LoggedOut { member: info.member, role: info.role, ended: true };
    context.terminal.result(&ended, || context.terminal.pick("logged out", "已退出登录").to_owned())
}
