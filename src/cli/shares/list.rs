//! `shares`: where shares stand and what was fetched of them.

use serde::Serialize;

use super::state;
use crate::api::{Fetched, PartnerBar, ShareInfo, ShareState};
use crate::cli::Context;
use crate::cli::error::Error;
use crate::cli::partners::bar;
use crate::cli::terminal::{Terminal, printable};
use crate::clock::Timestamp;
use crate::envelope::statement::{Basis, Category};
use crate::ids::{ClientId, DocumentId, MemberId, PartnerId, ShareId};

#[derive(Serialize)]
struct Row<'a> {
    share: ShareId,
    state: ShareState,
    client: ClientId,
    sharer: MemberId,
    partner: PartnerId,
    partner_name: &'a str,
    partner_bar: Option<PartnerBar>,
    recipient: &'a str,
    purpose: &'a str,
    documents: &'a [DocumentId],
    categories: &'a [Category],
    downloads_used: u64,
    max_downloads: u64,
    wrong_codes: u64,
    code: bool,
    basis: Option<Basis>,
    needs_client: bool,
    needs_second: bool,
    created_at: Timestamp,
    expires_at: Timestamp,
    fetched: &'a [Fetched],
}

impl<'a> From<&'a ShareInfo> for Row<'a> {
    fn from(info: &'a ShareInfo) -> Self {
        Self {
            share: info.share,
            state: info.state,
            client: info.client,
            sharer: info.sharer,
            partner: info.partner,
            partner_name: &info.partner_name,
            partner_bar: info.partner_bar,
            recipient: &info.recipient,
            purpose: &info.purpose,
            documents: &info.documents,
            categories: &info.categories,
            downloads_used: info.downloads_used,
            max_downloads: info.max_downloads,
            wrong_codes: info.wrong_codes,
            code: info.has_code,
            basis: info.basis,
            needs_client: info.needs_client,
            needs_second: info.needs_second,
            created_at: info.created_at,
            expires_at: info.expires_at,
            fetched: &info.fetched,
        }
    }
}

/// Runs `shares`.
///
/// # Errors
/// Those of asking.
pub async fn run_shares(context: &Context) -> Result<(), Error> {
    let session = context.session()?;
    let shares: Vec<ShareInfo> = session.get("/shares").await?;
    let rows: Vec<Row<'_>> = shares.iter().map(Row::from).collect();
    let terminal = &context.terminal;
    terminal.result(&rows, || {
        if shares.is_empty() {
            return terminal.pick("no shares", "没有分享").to_owned();
        }
        shares.iter().map(|info| text(terminal, info, state(terminal, info))).collect()
    })
}

/// What a share is, for people; the principal reads this before they decide.
pub(super) fn text(terminal: &Terminal, info: &ShareInfo, state: &str) -> String {
    // Whether the partner may receive at all matters while somebody still can.
    let lives = matches!(info.state, ShareState::Waiting | ShareState::Open | ShareState::Locked);
    let barred = info.partner_bar.filter(|_| lives);
    let barred = barred.map(|_| format!(" ({})", bar(terminal, info.partner_bar)));
    let kinds: Vec<_> = info.categories.iter().map(|c| terminal.lang.category(*c)).collect();
    let mut text = format!(
        "{}  {}  {}/{}  {} {}\n    {} {}{}  ·  {}  ·  {}\n",
        info.share,
        state,
        info.downloads_used,
        info.max_downloads,
        terminal.pick("until", "至"),
        info.expires_at,
        printable(&info.partner_name),
        printable(&info.recipient),
        barred.unwrap_or_default(),
        printable(&info.purpose),
        kinds.join(", "),
    );
    for fetched in &info.fetched {
        let what = terminal.pick("fetched", "已取走");
        text.push_str(&format!("    {}  {what}  {}\n", fetched.at, fetched.document));
    }
    text
}
