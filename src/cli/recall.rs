//! `recall` (撤回): the sender takes back what nobody has opened.
//!
//! Signed on the sender's device, because nobody else may say that a document is gone.

use serde::Serialize;

use crate::api::{DocumentInfo, DocumentState, Submit};
use crate::envelope::statement::{Note, Revocation, RevocationKind};
use crate::ids::DocumentId;

use super::Context;
use super::error::Error;
use super::gateway::{Ask, read_body};
use super::words::Word;

/// Take back a document that nobody has opened · 撤回无人打开的文档
#[derive(Debug, clap::Args)]
#[command(after_help = "Example · 示例:\n  strongroom recall 9b1c…")]
pub struct RecallArgs {
    /// The document · 文档编号
    #[arg(value_name = "DOCUMENT")]
    pub document: DocumentId,
}

#[derive(Serialize)]
struct Recalled {
    document: DocumentId,
    state: DocumentState,
}

/// Runs `recall`.
///
/// # Errors
/// [`Word::WrongState`] when somebody has opened it, [`Word::NotFound`], and those of asking.
pub(super) async fn run(context: &Context, args: RecallArgs) -> Result<(), Error> {
    let session = context.session()?;
    let keys = session.profile().keys()?;
    let subject = args
        .document
        .to_string()
        .parse()
        .map_err(|e| Error::new(Word::Internal).about("subject").because(e))?;
    let recall = Revocation {
        root: session.profile().info().root.key_id(),
        kind: RevocationKind::Document,
        subject,
        prev: None,
        time: session.clock().now(),
    };
    let submit = Submit { statement: Note::sign(&recall, &[&keys.sign]) };
    let ask = Ask::post(format!("/documents/{}/recall", args.document), &submit)?;
    let body = read_body(session.answer(&ask).await?).await?;
    let state = serde_json::from_slice::<DocumentInfo>(&body)
        .map_or(DocumentState::Recalled, |info| info.state);
    let recalled = Recalled { document: args.document, state };
    context.terminal.result(&recalled, || format!("{}  {}", args.document, state.as_str()))
}
