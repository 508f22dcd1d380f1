//! `recover`: two share holders join their recovery shares on a lead's device. With
//! `--rehearse` they only show that it works, and until then the gateway serves no document;
//! with `--client` they open that client's documents for a successor.
//!
//! The shares are joined on this device and forgotten. Of the recovered key only a signature,
//! what the canary held, or headers sealed to people of the firm leave it.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::error::Error;
use super::founding;
use crate::api::{Base64, FirmDetails, Rehearsal};
use crate::cli::directory;
use crate::cli::recovering::{self, Ceremony, Unrecovered};
use crate::cli::{self, Ask, Context, Exit, Lang, Session};
use crate::envelope::MemberKeys;
use crate::envelope::statement::{Card, Role};
use crate::ids::{ClientId, MemberId};
use crate::trust::recovery::Share;

/// Recover a client's documents with two shares, or rehearse it · 用两份恢复份额恢复文档
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom recover --rehearse --shares share-1.txt share-3.txt
  strongroom recover --shares share-1.txt share-3.txt --client 3f07… --to 91ab… \\
      --reason 'the accountant left with their laptop'

Two officers bring a share each to a lead's device. The client sees the ceremony in its log.
两名管理人员各带一份份额，在主管会计的设备上进行；客户可在记录中看到。")]
pub struct RecoverArgs {
    /// Only show that the two shares give the published key and open the canary · 仅演练
    #[arg(long, conflicts_with_all = ["client", "to", "reason"])]
    pub rehearse: bool,
    /// Two of the three recovery shares · 三份恢复份额中的两份
    #[arg(long, num_args = 2, required = true, value_names = ["SHARE", "SHARE"])]
    pub shares: Vec<PathBuf>,
    /// Whose documents are recovered · 恢复哪个客户的文档
    #[arg(long, value_name = "ID", requires = "to")]
    pub client: Option<ClientId>,
    /// The accountant for whom they are sealed again · 接任会计
    #[arg(long, value_name = "MEMBER", requires = "client")]
    pub to: Option<MemberId>,
    /// Why; the client sees it · 事由，客户可见
    #[arg(long, value_name = "TEXT", requires = "client")]
    pub reason: Option<String>,
}

#[derive(Serialize)]
struct Outcome {
    ok: bool,
}

/// Reads a share file, on which an officer may have written remarks.
pub(super) fn read_share(path: &Path) -> Result<Share, Error> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map(zeroize::Zeroizing::new).map_err(|e| {
        Error::because(
            "cannot_read",
            (&format!("无法读取 {shown}"), &format!("cannot read {shown}")),
            &e,
        )
    })?;
    text.parse().map_err(|_| {
        Error::new(
            "share_damaged",
            format!("{shown} 不是恢复份额，或已损坏；请核对抄写或换一份"),
            format!("{shown} is not a recovery share, or is damaged; check it against the paper or take another"),
        )
        .exiting(Exit::Unverified)
    })
}

/// Runs the command.
pub(super) async fn run(context: &Context, args: &RecoverArgs) -> Result<(), Error> {
    if !args.rehearse && args.client.is_none() {
        return Err(Error::new(
            "usage",
            "请说明用途：--rehearse 仅演练，或 --client ID --to 成员 恢复该客户的文档",
            "say what for: --rehearse to rehearse, or --client ID --to MEMBER to recover a client's documents",
        )
        .exiting(Exit::Usage));
    }
    let shares: Vec<Share> =
        args.shares.iter().map(|path| read_share(path)).collect::<Result<_, _>>()?;
    let [a, b] = shares.as_slice() else {
        return Err(
            Error::new("usage", "需要两份恢复份额", "two shares are needed").exiting(Exit::Usage)
        );
    };
    cli::people::finish_begun(context).await.map_err(person)?;
    let session = context.session().map_err(person)?;
    let root = session.profile().info().root;
    let directory = directory::fetch(&session, None).await.map_err(person)?;
    let published =
        directory.cards().find(|card| card.role == Role::Recovery).ok_or_else(|| {
            Error::new("no_recovery_key", "机构没有恢复密钥", "the firm has no recovery key")
                .exiting(Exit::Unverified)
        })?;
    match (args.client, args.to) {
        (Some(client), Some(to)) => {
            let keys = founding::recovered([a, b], root.key_id(), published).map_err(|e| {
                Error::because("recovery_failed", ("恢复失败", "the recovery failed"), &e)
                    .exiting(Exit::Unverified)
            })?;
            let shares = [a.number(), b.number()];
            let ceremony = Ceremony { client, to, shares, reason: args.reason.clone() };
            recover(context, &session, &keys, &ceremony).await
        }
        _ => rehearse(context, &session, [a, b], published).await,
    }
}

async fn recover(
    context: &Context,
    session: &Session,
    keys: &MemberKeys,
    ceremony: &Ceremony,
) -> Result<(), Error> {
    let done = recovering::recover(session, keys, ceremony).await.map_err(person)?;
    let terminal = context.terminal;
    terminal
        .result(&done, || {
            let (rewrapped, left) = (done.rewrapped, done.unrecoverable.len());
            let mut text = match terminal.lang {
                Lang::En => format!("re-wrapped: {rewrapped}, not recoverable: {left}\n"),
                Lang::Zh => format!("已补封：{rewrapped}，无法恢复：{left}\n"),
            };
            for Unrecovered { document, reason } in &done.unrecoverable {
                text.push_str(&format!("{document}  {reason}\n"));
            }
            text
        })
        .map_err(person)?;
    done.fault.map_or(Ok(()), |error| Err(person(error)))
}

async fn rehearse(
    context: &Context,
    session: &Session,
    shares: [&Share; 2],
    published: &Card,
) -> Result<(), Error> {
    let root = session.profile().info().root;
    let firm: FirmDetails = session.get("/firm").await.map_err(person)?;
    let proof =
        founding::rehearse(shares, root.key_id(), published, &firm.canary.0).map_err(|e| {
            Error::because("rehearsal_failed", ("恢复演练失败", "the rehearsal failed"), &e)
                .exiting(Exit::Unverified)
        })?;
    let ask = Ask::post("/recovery/rehearsal", &Rehearsal { proof: Base64(proof.to_vec()) })
        .map_err(person)?;
    session.answer(&ask).await.map_err(person)?;
    context
        .terminal
        .result(&Outcome { ok: true }, || {
            context
                .terminal
                .pick(
                    "The two shares open the canary: recovery works, and the gateway serves documents.",
                    "两份份额成功打开了测试密件：恢复可用，网关开始提供文档服务。",
                )
                .to_owned()
        })
        .map_err(person)
}

/// A person's error as a firm's: same code, words and status.
pub(super) fn person(error: cli::Error) -> Error {
    Error::from_person(&error)
}
