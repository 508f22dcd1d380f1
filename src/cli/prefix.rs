//! Ids cut short: whoever types the first digits of one means it, where no other begins alike.
//!
//! Refuses to guess: two that begin alike are named, and nothing is done.

use crate::api::{ClientSummary, Me, MemberSummary, Partner, ShareInfo};

use super::Context;
use super::error::Error;
use super::reading::{Query, Reading};
use super::words::Word;

/// The fewest digits that are looked up.
const FEWEST: usize = 6;

/// How many of those that begin alike are named.
const NAMED: usize = 5;

/// Whose ids an argument takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Client,
    Member,
    Document,
    Share,
    Partner,
}

impl Kind {
    /// By the argument as the parser names it, e.g. `--client <ID>`, and the command.
    fn of(argument: &str, command: &str) -> Option<Self> {
        if argument.contains("DOCUMENT") {
            Some(Self::Document)
        } else if argument.contains("<SHARE>") {
            Some(Self::Share)
        } else if argument.contains("MEMBER") || (command == "member" && argument == "<ID>") {
            Some(Self::Member)
        } else if argument.starts_with("--partner ") || (command == "partner" && argument == "<ID>")
        {
            Some(Self::Partner)
        } else if argument.starts_with("--client ") {
            Some(Self::Client)
        } else {
            None
        }
    }
}

/// Whether `value` could be an id cut short.
pub fn is_one(value: &str) -> bool {
    let digits = value.trim_end_matches('\u{2026}');
    (FEWEST..32).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'))
}

/// The whole id that `value` begins, for `argument` of `command`; `None` where the argument
/// takes no id that could be looked up, or none begins so.
///
/// # Errors
/// [`Word::Ambiguous`], [`Word::NoProfile`], and those of asking.
pub fn whole(
    context: &Context,
    command: &str,
    argument: &str,
    value: &str,
) -> Result<Option<String>, Error> {
    let Some(kind) = Kind::of(argument, command) else { return Ok(None) };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Error::new(Word::Internal).about("runtime").because(e))?;
    let known = runtime.block_on(ids(context, kind))?;
    pick(value.trim_end_matches('\u{2026}'), known)
}

fn pick(prefix: &str, mut known: Vec<String>) -> Result<Option<String>, Error> {
    known.retain(|id| id.starts_with(prefix));
    known.sort_unstable();
    known.dedup();
    if known.len() > 1 {
        known.truncate(NAMED);
        return Err(Error::new(Word::Ambiguous).about(prefix).about(known.join(", ")));
    }
    Ok(known.pop())
}

/// The ids of `kind` that this profile can list.
async fn ids(context: &Context, kind: Kind) -> Result<Vec<String>, Error> {
    let session = context.session()?;
    Ok(match kind {
        Kind::Client => {
            let clients: Vec<ClientSummary> = session.get("/clients").await?;
            clients.iter().map(|client| client.client.to_string()).collect()
        }
        Kind::Member => {
            let members: Vec<MemberSummary> = session.get("/members").await?;
            members.iter().map(|member| member.member.to_string()).collect()
        }
        Kind::Partner => {
            let partners: Vec<Partner> = session.get("/partners").await?;
            partners.iter().map(|partner| partner.partner.to_string()).collect()
        }
        Kind::Share => {
            let shares: Vec<ShareInfo> = session.get("/shares").await?;
            shares.iter().map(|share| share.share.to_string()).collect()
        }
        Kind::Document => {
            let me: Me = session.get("/me").await?;
            let reading = Reading::new(&session)?;
            let mut ids = Vec::new();
            for client in me.clients {
                let query = Query { client: Some(client.client), period: None, state: None };
                let found = reading.find(&query).await?;
                ids.extend(found.iter().map(|info| info.document.to_string()));
            }
            ids
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_beginning_of_one_id_is_taken_for_it() {
        let known = || vec!["3f07ab".repeat(5) + "00", "3f07ac".repeat(5) + "00"];
        assert_eq!(pick("3f07ab", known()).expect("one"), Some(known()[0].clone()));
        assert_eq!(pick("ffffff", known()).expect("none"), None);
        let error = pick("3f07a", known()).expect_err("two");
        assert_eq!((error.code(), error.exit()), ("ambiguous", super::super::Exit::Usage));
        assert!(error.message(super::super::Lang::En).contains(&known()[1]));
        assert!(is_one("3f07ab") && is_one("3f07ab12\u{2026}"));
        for other in ["3f07a", "3F07AB", "wang.li", "", &"0".repeat(32)] {
            assert!(!is_one(other), "{other}");
        }
    }

    #[test]
    fn an_argument_tells_whose_id_it_takes() {
        assert_eq!(Kind::of("--client <ID>", "list"), Some(Kind::Client));
        assert_eq!(Kind::of("[DOCUMENT]...", "pull"), Some(Kind::Document));
        assert_eq!(Kind::of("--to <MEMBER>", "assign"), Some(Kind::Member));
        assert_eq!(Kind::of("<ID>", "sessions"), None);
    }
}
