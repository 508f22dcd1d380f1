//! `audit verify`

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Place, database, unfounded};
use crate::app::error::Error;
use crate::audit::verify::{self as walk, Fault, Place as Where, Report};
use crate::cli::{Context, Exit, Lang};
use crate::clock::Timestamp;
use crate::envelope::statement::RootKnown;
use crate::merkle::{COSIGNED_SECONDS, CosignerKey, SignedNote};

#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom audit verify --data /srv/strongroom
  strongroom audit verify --data /srv/strongroom --checkpoint checkpoint-000000001234.txt
  strongroom audit verify --data /srv/strongroom --witness 'witness.example.com/strongroom+5d1e…+BA…'

Without --checkpoint nobody can know whether the end of the log was cut off: hold one back.
没有 --checkpoint 就无法得知日志末尾是否被截断：请另行保存检查点。")]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    place: Place,
    /// A checkpoint that you kept: the log must contain it · 您留存的检查点
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// The verifier key of a witness that must have cosigned a checkpoint of this log; may be
    /// repeated
    #[arg(long, value_name = "KEY")]
    witness: Vec<CosignerKey>,
    /// The firm's root key, where you know it from elsewhere: 64 hex digits, or the 32 of its
    /// fingerprint on every recovery kit · 机构根密钥（64 位）或其指纹（32 位，见恢复套件）
    #[arg(long, value_name = "KEY")]
    root: Option<RootKnown>,
}

/// What `--json` shows.
#[derive(Serialize)]
struct Shown {
    ok: bool,
    /// Every entry there is; null where the walk ended early.
    entries: Option<u64>,
    /// The root over the sequenced entries, in hex.
    root: Option<String>,
    covers_checkpoint: Option<bool>,
    unsequenced: Option<u64>,
    erased: Option<u64>,
    checkpoints: Option<u64>,
    firm: Option<String>,
    /// What each required witness cosigned last.
    witnesses: Vec<ShownWitness>,
    fault: Option<ShownFault>,
}

#[derive(Serialize)]
struct ShownWitness {
    witness: String,
    /// Entries of the checkpoint.
    size: u64,
    /// When it was cosigned.
    at: Timestamp,
    /// Entries that it does not cover.
    behind: u64,
    /// The earliest time of one of these.
    behind_since: Option<Timestamp>,
}

#[derive(Serialize)]
struct ShownFault {
    code: &'static str,
    /// The entry, by its position.
    index: Option<u64>,
    /// One past the last entry, where it is not a single one.
    end: Option<u64>,
    /// The entry, by its id, where it has no position.
    id: Option<i64>,
    message: String,
}

pub(super) async fn run(context: &Context, args: &VerifyArgs) -> Result<(), Error> {
    let held = args.checkpoint.as_deref().map(read).transpose()?;
    let store = args.place.open().await?;
    let walked = walk::run(&store, held.as_ref(), args.root, &args.witness).await;
    store.close().await;
    let terminal = context.terminal;
    match walked {
        Ok(report) => {
            let witnesses = cosigned(&args.witness, &report, context.clock.now())?;
            let said = told(&report, &witnesses, terminal.lang);
            terminal.result(&shown(&report, witnesses), || said).map_err(|e| Error::from_person(&e))
        }
        Err(walk::Error::Fault(fault)) => {
            let shown = shown_fault(&fault, held.is_some());
            if terminal.json {
                terminal.result(&shown, String::new).map_err(|e| Error::from_person(&e))?;
            }
            Err(Error::new(
                "log_fault",
                format!("日志有误，第一处：{fault}"),
                format!("the log is not whole; the first fault: {fault}"),
            )
            .exiting(Exit::Unverified))
        }
        Err(walk::Error::Store(error)) => Err(unfounded(error)),
        Err(error @ walk::Error::Interrupted) => Err(database(&error)),
    }
}

/// What each of `required` cosigned last, which must cover every entry that is older than a day.
fn cosigned(
    required: &[CosignerKey],
    report: &Report,
    now: Timestamp,
) -> Result<Vec<ShownWitness>, Error> {
    let shown = required.iter().zip(&report.cosigned).map(|(key, cosigned)| {
        let name = key.name();
        let refused =
            |zh: String, en: String| Error::new("not_cosigned", zh, en).exiting(Exit::Unverified);
        let cosigned = cosigned.as_ref().ok_or_else(|| {
            refused(
                format!("日志没有经见证方 {name} 联署的检查点：请勿采信，并询问机构与见证方"),
                format!(
                    "no checkpoint of this log is cosigned by the witness {name}: do not rely on \
                     it; ask the firm and the witness"
                ),
            )
        })?;
        let walk::Cosigned { size, at, behind, since } = *cosigned;
        if let Some(since) = since.filter(|since| since.plus_secs(COSIGNED_SECONDS) < now) {
            return Err(refused(
                format!(
                    "见证方 {name} 仅联署至第 {size} 条；其后 {behind} 条最早为 {since}，已逾一日：\
                     请勿采信，并询问机构与见证方"
                ),
                format!(
                    "the witness {name} cosigned this log up to entry {size} only; of the {behind} \
                     after that the oldest is of {since}, more than a day ago: do not rely on it; \
                     ask the firm and the witness"
                ),
            ));
        }
        Ok(ShownWitness { witness: name.into(), size, at, behind, behind_since: since })
    });
    shown.collect()
}

/// A checkpoint from a file.
fn read(path: &Path) -> Result<SignedNote, Error> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|e| {
        let what = (format!("无法读取 {shown}"), format!("cannot read {shown}"));
        Error::because("cannot_read", (&what.0, &what.1), &e)
    })?;
    SignedNote::parse(&text).map_err(|_| {
        Error::new(
            "bad_checkpoint",
            format!("{shown} 不是检查点，或已损坏"),
            format!("{shown} is not a checkpoint, or is damaged"),
        )
        .exiting(Exit::Unverified)
    })
}

fn shown(report: &Report, witnesses: Vec<ShownWitness>) -> Shown {
    Shown {
        ok: true,
        entries: Some(report.entries),
        root: Some(hex::encode(report.root)),
        covers_checkpoint: report.covers_checkpoint,
        unsequenced: Some(report.unsequenced),
        erased: Some(report.erased),
        checkpoints: Some(report.checkpoints),
        firm: Some(report.firm.to_string()),
        witnesses,
        fault: None,
    }
}

fn shown_fault(fault: &Fault, held: bool) -> Shown {
    let (index, end, id) = match fault.place() {
        Some(Where::Entry(index)) => (Some(index), None, None),
        Some(Where::Between(first, end)) => (Some(first), Some(end), None),
        Some(Where::Unsequenced(id)) => (None, None, Some(id)),
        None => (None, None, None),
    };
    Shown {
        ok: false,
        entries: None,
        root: None,
        covers_checkpoint: (held && fault.is_about_held()).then_some(false),
        unsequenced: None,
        erased: None,
        checkpoints: None,
        firm: None,
        witnesses: Vec::new(),
        fault: Some(ShownFault { code: fault.code(), index, end, id, message: fault.to_string() }),
    }
}

fn told(report: &Report, witnesses: &[ShownWitness], lang: Lang) -> String {
    let Report { entries, unsequenced, erased, checkpoints, .. } = report;
    let root = hex::encode(report.root);
    let covered = match report.covers_checkpoint {
        Some(_) => lang.pick(
            "The checkpoint you hold is one of this log's: nothing up to it was changed or cut off.",
            "您保存的检查点属于此日志：截至该处未被更改或截断。",
        ),
        None => lang.pick(
            "Whether the end was cut off cannot be known without a checkpoint that you kept (--checkpoint).",
            "若没有另行保存的检查点（--checkpoint），无法得知日志末尾是否被截断。",
        ),
    };
    let cosigned: String = witnesses
        .iter()
        .map(|w| {
            let ShownWitness { witness, size, at, behind, .. } = w;
            lang.pick(
                &format!(
                    "\nUp to entry {size} it is cosigned by {witness} ({at}); {behind} after that are not."
                ),
                &format!("\n截至第 {size} 条已由 {witness} 联署（{at}）；其后 {behind} 条尚未联署。"),
            )
            .to_owned()
        })
        .collect();
    lang.pick(
        &format!(
            "The log is whole: {entries} entries, {unsequenced} of them not yet in the tree, {erased} with erased data; {checkpoints} checkpoints verify.\nRoot {root}\nFirm {}\n{covered}{cosigned}",
            report.firm
        ),
        &format!(
            "日志完整：共 {entries} 条，其中 {unsequenced} 条尚未入树，{erased} 条的附属数据已删除；{checkpoints} 个检查点验证通过。\n根 {root}\n机构 {}\n{covered}{cosigned}",
            report.firm
        ),
    )
    .to_owned()
}
