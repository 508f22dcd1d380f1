//! `audit checkpoint`

use serde::Serialize;

use super::{Place, database};
use crate::app::error::Error;
use crate::audit::{self, log_verifier};
use crate::cli::Context;
use crate::envelope::statement::Role;
use crate::trust::Directory;

#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom audit checkpoint --data /srv/strongroom > checkpoint.txt")]
pub(super) struct CheckpointArgs {
    #[command(flatten)]
    place: Place,
}

/// What `--json` shows.
#[derive(Serialize)]
struct Shown {
    /// The signed note, as the plain form prints it.
    checkpoint: String,
    size: u64,
    /// The root, in hex.
    root: String,
    /// The log's key as a verifier key of C2SP signed-note.
    key: String,
    /// The firm's root key, whose card for the log's key was verified.
    firm: String,
}

pub(super) async fn run(context: &Context, args: &CheckpointArgs) -> Result<(), Error> {
    let store = args.place.open().await?;
    let read = async {
        let mut tx = store.read().await?;
        let head = audit::head(&mut tx).await?;
        let firm = tx.firm().await?.root;
        Ok::<_, crate::store::Error>((head, firm, tx.directory_statements(None).await?))
    };
    let (head, firm, statements) = read.await.map_err(super::unfounded)?;
    store.close().await;
    let Some((head, note)) = head else {
        return Err(Error::new(
            "no_checkpoint",
            "还没有检查点：网关启动后一秒内会签署第一个",
            "there is no checkpoint yet: the gateway signs the first within a second of its start",
        ));
    };
    let directory = Directory::verify(firm, &statements).map_err(|e| database(&e))?;
    let key = directory
        .cards()
        .filter(|card| card.role == Role::GatewayLog)
        .map(|card| log_verifier(&card.sign))
        .find(|key| key.name() == head.origin && note.signed_by(key))
        .ok_or_else(|| {
            Error::new(
                "log_fault",
                "最新检查点未由日志密钥签署",
                "the newest checkpoint is not signed by the log's key",
            )
            .exiting(crate::cli::Exit::Unverified)
        })?;
    let shown = Shown {
        checkpoint: note.to_string(),
        size: head.size,
        root: hex::encode(head.root),
        key: key.to_string(),
        firm: firm.to_string(),
    };
    let terminal = context.terminal;
    terminal
        .say(terminal.pick(&format!("Log key {}", shown.key), &format!("日志密钥 {}", shown.key)));
    terminal.result(&shown, || shown.checkpoint.clone()).map_err(|e| Error::from_person(&e))
}
