//! `send --link`: somebody without an account sends, with nothing but a request link.
//!
//! The link's fragment names the root key; everything else is verified from there: root, lead,
//! accountant, link, and who reads. Invariant: not a byte of a file leaves before all of it
//! agrees, and the fragment itself never does.

use zeroize::Zeroizing;

use crate::api::LinkSeen;
use crate::cli::Context;
use crate::cli::directory;
use crate::cli::error::Error;
use crate::cli::gateway::{Gateway, Line, LinkLine, origin_of};
use crate::cli::people::line_from_stdin;
use crate::cli::profile::{Desk, Profile};
use crate::cli::signature;
use crate::cli::words::Word;
use crate::clock::Timestamp;
use crate::envelope::statement::{Direction, Link, Note};
use crate::ids::{DocumentId, LinkId};
use crate::trust::Directory;
use crate::trust::fragment::{Fragment, Purpose};

use super::{Dispatch, SendOptions, Sender};

/// Where links are remembered, below the data folder.
const FOLDER: &str = "links";

/// Runs `send --link`.
///
/// # Errors
/// [`Word::BadLink`], [`Word::FromNeeded`], [`Word::ForeignRoot`], [`Word::BadRequestLink`],
/// [`Word::BadDirectory`]; why nothing was sent at all, or the first file's error.
pub(super) async fn run(
    context: &Context,
    url: &str,
    from: Option<String>,
    mut options: SendOptions,
) -> Result<(), Error> {
    let url = match url {
        "-" => line_from_stdin()?,
        url => Zeroizing::new(url.to_owned()),
    };
    let (id, fragment) = parse(&url)?;
    let terminal = &context.terminal;
    let from = match from {
        Some(from) => from,
        None if terminal.asks() => terminal.ask(terminal.pick("your name", "您的姓名"))?,
        None => return Err(Error::new(Word::FromNeeded)),
    };
    if !signature::is_name(&from) {
        return Err(Error::new(Word::FromNeeded));
    }
    options.note = signature::signed_note(&from, &options.note);
    let gateway = Gateway::at(&origin_of(&url)?, context.ca()?.as_deref())?;
    let line = LinkLine::new(gateway, &fragment.token(Purpose::Link, id.as_bytes()))?;
    let desk = desk(context, id);
    let seen: LinkSeen = line.get("").await?;
    let (directory, link) = verify(id, &fragment, &seen, &desk, context.clock.now())?;
    let sender = Sender {
        line: Line::Link(Box::new(line)),
        desk,
        sign: fragment.signing_key(Purpose::Link, id.as_bytes()),
        directory,
        client: link.client,
        direction: Direction::In,
    };
    super::run(context, sender, options).await
}

/// Where journals and receipts of a link are kept: below the named folder or the person's data
/// folder, else where the command runs.
fn desk(context: &Context, link: LinkId) -> Desk {
    let base = context.profile.clone().or_else(Profile::default_dir);
    let base = base.unwrap_or_else(|| "strongroom-receipts".into());
    Desk::at(base.join(FOLDER).join(link.to_string()))
}

fn parse(url: &str) -> Result<(LinkId, Fragment), Error> {
    let bad = || Error::new(Word::BadLink);
    let (address, fragment) = url.trim().split_once('#').ok_or_else(bad)?;
    let fragment = Fragment::decode(fragment).map_err(|_| bad())?;
    let (_, id) = address.trim_end_matches('/').rsplit_once("/u/").ok_or_else(bad)?;
    Ok((id.parse().map_err(|_| bad())?, fragment))
}

/// Checks root → lead → accountant → link → the key derived from the fragment.
fn verify(
    id: LinkId,
    fragment: &Fragment,
    seen: &LinkSeen,
    desk: &Desk,
    now: Timestamp,
) -> Result<(Directory, Link), Error> {
    let root = seen.firm.root;
    if root.key_id() != fragment.root() {
        return Err(Error::new(Word::ForeignRoot));
    }
    let mut notes = seen.statements.clone();
    if !notes.contains(&seen.link) {
        notes.push(seen.link.clone());
    }
    let directory = directory::believed(desk, "link", root, &notes)?;
    let bad = || Error::new(Word::BadRequestLink);
    let link = directory.link(id).ok_or_else(bad)?.clone();
    if link.public != fragment.signing_key(Purpose::Link, id.as_bytes()).public() {
        return Err(bad());
    }
    if link.expires < now {
        return Err(Error::new(Word::NotFound));
    }
    Ok((directory, link))
}

/// Manifests that may have arrived although their answer was lost.
const PENDING: &str = "pending";

impl Dispatch {
    /// Keeps a manifest that is about to be handed over through a link: nobody could ask for it
    /// later. A member asks the gateway instead.
    pub(super) fn note_pending(&self, document: DocumentId, note: &Note) -> Result<(), Error> {
        if !matches!(*self.line, Line::Link(_)) {
            return Ok(());
        }
        let path = self.desk.folder(PENDING)?.join(format!("{document}.json"));
        crate::cli::profile::write_json(&path, note)
    }

    /// Forgets it once there is a receipt.
    pub(super) fn forget_pending(&self, document: DocumentId) {
        if let (Line::Link(_), Ok(folder)) = (&*self.line, self.desk.folder(PENDING)) {
            // What stays behind is asked about once more and says nothing new.
            let _ = std::fs::remove_file(folder.join(format!("{document}.json")));
        }
    }

    /// The pending manifest of `document`.
    pub(super) fn pending(&self, document: DocumentId) -> Result<Option<Note>, Error> {
        crate::cli::profile::read_json(&self.desk.folder(PENDING)?.join(format!("{document}.json")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::RootId;

    #[test]
    fn only_a_whole_request_link_is_one() {
        let (id, fragment) = (LinkId::random(), Fragment::new(RootId::from_bytes([1; 16])));
        let url = format!("https://a.example:8443/u/{id}#{}", *fragment.encode());
        assert!(parse(&url).is_ok_and(|(parsed, _)| parsed == id));
        for bad in [
            format!("https://a.example/u/{id}"),
            url[..url.len() - 1].to_owned(),
            url.replace("/u/", "/i/"),
            String::new(),
        ] {
            assert_eq!(parse(&bad).map(drop).expect_err("refused").code(), "bad_link");
        }
    }
}
