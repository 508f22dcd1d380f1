//! `recover --rehearse`: two share holders show that the recovery key can be recovered. Until
//! then the gateway serves no document.
//!
//! The shares are joined on this device and forgotten; only what the canary held leaves it.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::error::Error;
use super::founding;
use crate::api::{Base64, FirmDetails, Rehearsal, Statements};
use crate::cli::{self, Ask, Context, Exit};
use crate::envelope::statement::Role;
use crate::trust::Directory;
use crate::trust::recovery::Share;

/// Rehearse the recovery of the firm's key with two shares · 用两份恢复份额演练恢复
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom recover --rehearse --shares share-1.txt share-3.txt")]
pub struct RecoverArgs {
    /// Only show that the two shares give the published key and open the canary
    #[arg(long, required = true)]
    pub rehearse: bool,
    /// Two of the three recovery shares
    #[arg(long, num_args = 2, required = true, value_names = ["SHARE", "SHARE"])]
    pub shares: Vec<PathBuf>,
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
    let shares: Vec<Share> =
        args.shares.iter().map(|path| read_share(path)).collect::<Result<_, _>>()?;
    let [a, b] = shares.as_slice() else {
        return Err(
            Error::new("usage", "需要两份恢复份额", "two shares are needed").exiting(Exit::Usage)
        );
    };
    let session = context.session().map_err(person)?;
    let root = session.profile().info().root;
    let statements: Statements = session.get("/directory").await.map_err(person)?;
    let directory = Directory::verify(root, &statements.statements).map_err(|e| {
        Error::because(
            "key_chain",
            ("机构的签名声明未通过验证", "the firm's statements do not verify"),
            &e,
        )
        .exiting(Exit::Unverified)
    })?;
    let published =
        directory.cards().find(|card| card.role == Role::Recovery).ok_or_else(|| {
            Error::new("no_recovery_key", "机构没有恢复密钥", "the firm has no recovery key")
                .exiting(Exit::Unverified)
        })?;
    let firm: FirmDetails = session.get("/firm").await.map_err(person)?;
    let proof =
        founding::rehearse([a, b], root.key_id(), published, &firm.canary.0).map_err(|e| {
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
