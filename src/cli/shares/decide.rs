//! `authorise`, `withdraw`, `revoke`, `unlock`: decisions about a share, each signed here.

use http::Method;

use super::list::text;
use super::{decided, find};
use crate::api::{Me, ShareInfo, Submit};
use crate::cli::Context;
use crate::cli::directory;
use crate::cli::error::Error;
use crate::cli::gateway::{Ask, Session};
use crate::cli::revocation;
use crate::cli::words::Word;
use crate::envelope::statement::{
    Authorisation, Basis, Category, Decision, Note, RevocationKind, Role, Share,
};
use crate::ids::ShareId;

/// One share.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom withdraw 5e21…    (principal 负责人)
  strongroom revoke 5e21…
  strongroom unlock 5e21…")]
pub struct ShareArg {
    /// The share · 分享编号
    #[arg(value_name = "SHARE")]
    pub share: ShareId,
}

/// Allow a share of your company's documents, or agree to a sensitive one as a second person
/// of the firm · 授权分享
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom shares
  strongroom authorise 5e21… --basis consent
  strongroom authorise 5e21… --refuse")]
pub struct AuthoriseArgs {
    /// The share · 分享编号
    #[arg(value_name = "SHARE")]
    pub share: ShareId,
    /// On what ground personal data may be passed on: consent, legal_duty, de_identified,
    /// no_personal_data (default: consent for payroll, else no_personal_data)
    #[arg(long, value_name = "BASIS")]
    pub basis: Option<String>,
    /// Refuse it instead · 拒绝
    #[arg(long, conflicts_with = "basis")]
    pub refuse: bool,
}

/// Other words for a basis that people type.
fn basis(text: &str) -> Result<Basis, Error> {
    let word = text.trim().to_ascii_lowercase().replace('-', "_");
    match word.as_str() {
        "employee_consent" | "separate_consent" | "单独同意" => Ok(Basis::Consent),
        "legal" | "law" | "statutory" | "legal_obligation" | "法定义务" => Ok(Basis::LegalDuty),
        "anonymised" | "anonymized" | "deidentified" | "已脱敏" => Ok(Basis::DeIdentified),
        "none" | "无个人信息" => Ok(Basis::NoPersonalData),
        word => word.parse().map_err(|_| Error::new(Word::BasisNeeded)),
    }
}

/// Runs `authorise`.
///
/// # Errors
/// [`Word::BasisNeeded`], [`Word::NotFound`], what does not verify, and those of asking.
pub async fn run_authorise(context: &Context, args: AuthoriseArgs) -> Result<(), Error> {
    let given = args.basis.as_deref().map(basis).transpose()?;
    let session = context.session()?;
    let me: Me = session.get("/me").await?;
    let info = find(&session, args.share).await?;
    let mut note = verified(&session, &info).await?;
    let terminal = &context.terminal;
    let about = if args.refuse {
        terminal.pick("you refuse", "拒绝")
    } else {
        terminal.pick("you authorise", "授权")
    };
    terminal.say(text(terminal, &info, about));
    if me.role != Role::Principal {
        let keys = session.profile().keys()?;
        note.add_signature(&keys.sign);
        let submit = Submit { statement: note };
        return submitted(context, &session, &info, "seconding", &submit).await;
    }
    let sensitive = info.categories.contains(&Category::Payroll);
    let usual = if sensitive { Basis::Consent } else { Basis::NoPersonalData };
    let (decision, basis) = if args.refuse {
        (Decision::Refuse, None)
    } else {
        (Decision::Authorise, Some(given.unwrap_or(usual)))
    };
    decide(context, &session, &info, decision, basis).await
}

/// Runs `withdraw`.
///
/// # Errors
/// [`Word::NotFound`], [`Word::NotAllowed`], and those of asking.
pub async fn run_withdraw(context: &Context, args: ShareArg) -> Result<(), Error> {
    let session = context.session()?;
    let info = find(&session, args.share).await?;
    decide(context, &session, &info, Decision::Withdraw, None).await
}

async fn decide(
    context: &Context,
    session: &Session,
    info: &ShareInfo,
    decision: Decision,
    basis: Option<Basis>,
) -> Result<(), Error> {
    let keys = session.profile().keys()?;
    let said = Authorisation {
        root: session.profile().info().root.key_id(),
        share: info.share,
        client: info.client,
        decision,
        basis,
        time: session.clock().now(),
    };
    let submit = Submit { statement: Note::sign(&said, &[&keys.sign]) };
    submitted(context, session, info, "authorisation", &submit).await
}

async fn submitted(
    context: &Context,
    session: &Session,
    info: &ShareInfo,
    what: &str,
    submit: &Submit,
) -> Result<(), Error> {
    let info: ShareInfo = session.post(format!("/shares/{}/{what}", info.share), submit).await?;
    decided(&context.terminal, &info)
}

/// Runs `revoke`.
///
/// # Errors
/// [`Word::NotFound`], [`Word::NotAllowed`], and those of asking.
pub async fn run_revoke(context: &Context, args: ShareArg) -> Result<(), Error> {
    let session = context.session()?;
    let share = args.share.to_string();
    let path = format!("/shares/{share}/revocation");
    let answer = revocation::revoke(&session, &path, RevocationKind::Share, &share).await?;
    let info: ShareInfo =
        serde_json::from_slice(&answer).map_err(|e| Error::new(Word::BadAnswer).because(e))?;
    decided(&context.terminal, &info)
}

/// Runs `unlock`.
///
/// # Errors
/// [`Word::NotFound`], [`Word::NotAllowed`], and those of asking.
pub async fn run_unlock(context: &Context, args: ShareArg) -> Result<(), Error> {
    let session = context.session()?;
    let ask = Ask::new(Method::POST, format!("/shares/{}/unlock", args.share));
    let info: ShareInfo = session.json(&ask).await?;
    decided(&context.terminal, &info)
}

/// The share as its sharer signed it, when that is what the gateway shows.
async fn verified(session: &Session, info: &ShareInfo) -> Result<Note, Error> {
    let bad = || Error::new(Word::BadSignature).about(info.share);
    let directory = directory::fetch(session, Some(info.client)).await?;
    let share: Share = info.statement.decode().map_err(|_| bad())?;
    let card = directory.card(info.sharer).ok_or_else(bad)?;
    let keeps_books = directory.keeps_books(card.member);
    let fits = share.root == directory.root().key_id()
        && share.share == info.share
        && share.partner == info.partner
        && share.purpose.as_str() == info.purpose
        && share.expires == info.expires_at
        && share.max_downloads == info.max_downloads
        && share.documents.len() == info.documents.len()
        && share.documents.iter().all(|document| info.documents.contains(document));
    let signed = directory.member_signed(card.member, &info.statement, share.time);
    if keeps_books && fits && signed { Ok(info.statement.clone()) } else { Err(bad()) }
}
