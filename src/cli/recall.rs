//! `recall` (撤回): the sender takes back what nobody has opened.
//!
//! Signed on the sender's device, because nobody else may say that a document is gone.

use serde::Serialize;

use crate::api::{DocumentInfo, DocumentState};
use crate::envelope::statement::RevocationKind;
use crate::ids::DocumentId;

use super::Context;
use super::error::Error;
use super::revocation;

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
/// `wrong_state` when somebody has opened it, `not_found`, and those of asking.
pub(super) async fn run(context: &Context, args: RecallArgs) -> Result<(), Error> {
    let session = context.session()?;
    let document = args.document.to_string();
    let path = format!("/documents/{document}/recall");
    let body = revocation::revoke(&session, &path, RevocationKind::Document, &document).await?;
    let state = serde_json::from_slice::<DocumentInfo>(&body)
        .map_or(DocumentState::Recalled, |info| info.state);
    let recalled = Recalled { document: args.document, state };
    context.terminal.result(&recalled, || format!("{}  {}", args.document, state.as_str()))
}
