//! `verify` and `receipt --page`: what the gateway promised, and whether it kept it.
//!
//! The proof is fetched once and kept in the receipt's own file; from then on nothing but that
//! file and the firm's root key is needed. Invariant: a receipt is called good only with its
//! signature, and included only with a proof under a checkpoint, both leading to the root key.

mod fetch;
mod firm;
mod kept;
mod page;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::clock::Timestamp;
use crate::envelope::statement::{Entry, Receipt, RootKnown};
use crate::ids::{DocumentId, RootId};

use super::Context;
use super::error::Error;
use super::log::{GatewayKeys, Memory};
use super::words::Word;

use fetch::fetch;
use firm::{Firm, RootFrom};

pub use kept::Kept;

/// The gateway promises to have an entry in its log within so many seconds.
const PROMISED_SECONDS: i64 = 60;

/// What an entry says that a receipt can promise.
const PROMISED_ACTIONS: [&str; 2] = ["document.complete", "document.arrive"];

/// Check a receipt against the firm's log · 核验回执
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom verify ~/.local/share/strongroom/receipts/9b1c….txt
  strongroom verify 9b1c….txt --witness 'witness.example.com/strongroom+5d1e…+BA…'
  strongroom verify 9b1c….txt --root 3f07…

send --json names the receipt's file as receipt; receipts lie in the profile's folder receipts.
回执文件由 send --json 的 receipt 字段给出，保存在档案文件夹的 receipts 中。

The proof is fetched once and kept in the file; afterwards this works off line.
证明只取回一次并保存在文件中，之后可离线核验。

Where there is a profile, a receipt of another firm is refused unless --root names that firm's key.
Without profile and --root the key is the one in the file: compare its fingerprint.
已有档案时，其他机构的回执一律拒绝，除非用 --root 指明其根密钥；既无档案也无 --root 时采用文件自带的
根密钥，请核对其指纹。")]
pub struct VerifyArgs {
    /// The receipt's file, as send reports it · 回执文件
    #[arg(value_name = "RECEIPT")]
    pub receipt: PathBuf,
    /// The gateway's address, where the file does not say it · 网关地址
    #[arg(long, value_name = "URL")]
    pub gateway: Option<String>,
    /// The verifier key of a witness that must have cosigned the checkpoint
    #[arg(long, value_name = "KEY")]
    pub witness: Option<String>,
    /// The root key of the receipt's firm, or its fingerprint, as the firm publishes it · 机构根密钥
    #[arg(long, value_name = "KEY")]
    pub root: Option<RootKnown>,
}

/// Print a receipt as one page · 打印回执
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom receipt --page receipts/9b1c….txt > receipt.html")]
pub struct ReceiptArgs {
    /// As an HTML page in Chinese and English
    #[arg(long, required = true)]
    pub page: bool,
    /// The receipt's file · 回执文件
    #[arg(value_name = "RECEIPT")]
    pub receipt: PathBuf,
    /// The root key of the receipt's firm, or its fingerprint, as the firm publishes it · 机构根密钥
    #[arg(long, value_name = "KEY")]
    pub root: Option<RootKnown>,
}

/// What a receipt is worth.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    document: DocumentId,
    /// Whether the log has the entry; false while it has no place yet.
    included: bool,
    /// The signed checkpoint that covers it.
    checkpoint: Option<String>,
    /// Its position in the log.
    index: Option<u64>,
    /// When the gateway gave its promise.
    time: Timestamp,
    /// Not included although the minute that was promised is over.
    overdue: bool,
    /// Whether the entry's text is there and says what the receipt does; false for a file that was
    /// kept without it, which shows the entry's hash in the log and not what it is of.
    entry_checked: bool,
    /// The fingerprint of the root key that all of this leads to.
    root: RootId,
    /// From where that key is known.
    root_from: RootFrom,
}

/// Runs `verify`.
///
/// # Errors
/// [`Word::NotAReceipt`], [`Word::BadReceipt`], [`Word::BadProof`], [`Word::PromiseBroken`],
/// [`Word::ForeignRoot`], [`Word::LogRolledBack`], [`Word::LogForked`], [`Word::NotCosigned`]; those
/// of asking, where it must ask.
pub async fn run_verify(context: &Context, args: VerifyArgs) -> Result<(), Error> {
    let path = &args.receipt;
    let mut kept = Kept::read(path)?;
    let receipt: Receipt =
        kept.receipt.decode().map_err(|_| Error::new(Word::NotAReceipt).about_path(path))?;
    let firm = Firm::of(context, (&kept, &receipt, path), args.root, args.witness.as_deref())?;
    let enough = kept.proof.as_ref().is_some_and(|proof| firm.is_cosigned(proof));
    // A file of before entries were kept is enough off line; whoever names a gateway has it completed.
    if !enough || (kept.entry.is_none() && args.gateway.is_some()) {
        fetch(context, &args, &mut kept, &receipt, &firm).await?;
    }
    firm.demand_witness(&kept, is_due(context, &receipt))?;
    let outcome = check(context, &kept, &receipt, &firm, path)?;
    if let (Some(profile), Some(proof)) = (&firm.profile, &kept.proof) {
        let head = GatewayKeys::of(firm.root, &kept.cards)?.checkpoint(&proof.checkpoint);
        let memory = Memory::of(profile).await?;
        if head.is_some_and(|head| memory.contradicts(&head.head)) {
            return Err(Error::new(Word::LogForked));
        }
    }
    context.terminal.result(&outcome, || told(context, &outcome))
}

/// Whether a required cosignature must be there by now: a witness has a minute more than the log.
fn is_due(context: &Context, receipt: &Receipt) -> bool {
    receipt.time.plus_secs(2 * PROMISED_SECONDS) < context.clock.now()
}

/// Whether `entry` is the one that `receipt` names, and says the same of the same document.
fn is_promised(entry: &Entry, receipt: &Receipt) -> bool {
    let object = entry.object.as_ref().map(ToString::to_string);
    entry.leaf() == receipt.entry
        && object == Some(receipt.document.to_string())
        && entry.manifest == receipt.manifest
        && entry.commit == receipt.commit
        && PROMISED_ACTIONS.contains(&entry.action.to_string().as_str())
}

/// What `kept` shows by itself, under the root key of `firm`.
fn check(
    context: &Context,
    kept: &Kept,
    receipt: &Receipt,
    firm: &Firm,
    path: &Path,
) -> Result<Outcome, Error> {
    let keys = GatewayKeys::of(firm.root, &kept.cards)?;
    if !keys.signed_receipt(&kept.receipt) {
        return Err(Error::new(Word::BadReceipt).about_path(path));
    }
    let bad = || Error::new(Word::BadProof).about(receipt.document);
    if kept.entry.as_ref().is_some_and(|entry| !is_promised(entry, receipt)) {
        return Err(bad());
    }
    let covering = match &kept.proof {
        Some(proof) => {
            let covering = keys.checkpoint(&proof.checkpoint).ok_or_else(bad)?;
            if proof.includes(&receipt.entry.0) != Ok(true) {
                return Err(bad());
            }
            Some(covering)
        }
        None => None,
    };
    let due = receipt.time.plus_secs(PROMISED_SECONDS);
    Ok(Outcome {
        document: receipt.document,
        included: covering.is_some(),
        overdue: covering.is_none() && due < context.clock.now(),
        checkpoint: covering.map(|covering| covering.note.to_string()),
        index: kept.proof.as_ref().map(|proof| proof.index),
        time: receipt.time,
        entry_checked: kept.entry.is_some(),
        root: receipt.root,
        root_from: firm.from,
    })
}

fn told(context: &Context, outcome: &Outcome) -> String {
    let Outcome { document, time, .. } = outcome;
    let en = match (outcome.index, outcome.overdue) {
        (Some(index), _) => format!("entry {index} of the firm's log shows it."),
        (None, false) => "the log will show it within a minute, run this again then.".to_owned(),
        (None, true) => {
            "the log does not show it although the promised minute is over; ask the firm."
                .to_owned()
        }
    };
    let zh = match (outcome.index, outcome.overdue) {
        (Some(index), _) => format!("机构日志第 {index} 条可证。"),
        (None, false) => "一分钟内将写入日志，请届时再次核验。".to_owned(),
        (None, true) => "但承诺的一分钟已过，日志仍未显示；请询问机构。".to_owned(),
    };
    let mut en = format!("document {document}: the receipt of {time} is genuine; {en}");
    let mut zh = format!("文档 {document}：{time} 的回执真实有效；{zh}");
    if outcome.included && !outcome.entry_checked {
        en.push_str(
            "\nWhat that entry says was not checked: this file was kept without its text. Run this \
             again with --gateway URL to have it fetched.",
        );
        zh.push_str(
            "\n该条目的内容未核对：此文件保存时不含其原文。请加 --gateway 网址 再次运行以取回。",
        );
    }
    if outcome.root_from == RootFrom::File {
        let root = outcome.root;
        en.push_str(&format!(
            "\nThat holds only for the firm whose root key has the fingerprint {root}, which this \
             file itself brought: compare it with the one that the firm publishes, or give that \
             with --root."
        ));
        zh.push_str(&format!(
            "\n以上仅对指纹为 {root} 的根密钥成立，该密钥取自回执文件本身：请与机构公布的指纹核对，\
             或用 --root 给出。"
        ));
    }
    context.terminal.pick(&en, &zh).to_owned()
}

/// Runs `receipt --page`.
///
/// # Errors
/// As [`run_verify`] without asking.
pub fn run_page(context: &Context, args: ReceiptArgs) -> Result<(), Error> {
    let path = &args.receipt;
    let kept = Kept::read(path)?;
    let receipt: Receipt =
        kept.receipt.decode().map_err(|_| Error::new(Word::NotAReceipt).about_path(path))?;
    let firm = Firm::of(context, (&kept, &receipt, path), args.root, None)?;
    firm.demand_witness(&kept, is_due(context, &receipt))?;
    // Without cards the signature cannot be told yet: the page says so.
    let checked = if kept.cards.is_empty() {
        None
    } else {
        Some(check(context, &kept, &receipt, &firm, path)?)
    };
    let html = page::html(&kept, &receipt, &firm, checked.as_ref());
    context.terminal.result(&serde_json::json!({ "html": html }), || html.clone())
}
