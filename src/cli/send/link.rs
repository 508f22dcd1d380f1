//! `send --link`: somebody without an account sends, with nothing but a request link, or gives
//! something back through a share link and its access code.
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
use crate::cli::link_kind::LinkKind;
use crate::cli::people::line_from_stdin;
use crate::cli::profile::{Desk, Memory, Profile};
use crate::cli::receive::ShareLink;
use crate::cli::signature;
use crate::cli::words::Word;
use crate::clock::Timestamp;
use crate::envelope::statement::{Direction, Link, Note, SigningKey};
use crate::ids::{DocumentId, LinkId, RootId};
use crate::secrets::Secret;
use crate::trust::Directory;
use crate::trust::fragment::{Fragment, Purpose};

use super::tus::Patience;
use super::{Dispatch, SendOptions, Sender};

/// Where links are remembered, below the data folder.
const FOLDER: &str = "links";

/// What belongs to a link on the command line.
pub(super) struct Back {
    /// The access code of a share link.
    pub(super) code: Option<String>,
    /// The sender's name.
    pub(super) from: Option<String>,
    /// Whether what is given back is for the client's own people too.
    pub(super) to_client: bool,
}

/// Runs `send --link`.
///
/// # Errors
/// [`Word::BadLink`], [`Word::FromNeeded`], [`Word::ForeignRoot`], [`Word::BadRequestLink`],
/// [`Word::BadDirectory`]; why nothing was sent at all, or the first file's error.
pub(super) async fn run(
    context: &Context,
    url: &str,
    Back { code, from, to_client }: Back,
    mut options: SendOptions,
) -> Result<(), Error> {
    let url = match url {
        "-" => line_from_stdin()?,
        url => Zeroizing::new(url.to_owned()),
    };
    let held = Held::read(&url, code.as_deref()).await?;
    let terminal = &context.terminal;
    let from = match from {
        Some(from) => from,
        None if terminal.asks() => terminal.ask(terminal.pick("your name", "您的姓名"))?,
        // The sharer knows to whom they gave link and code.
        None if held.is_share => terminal.pick("partner", "合作机构").to_owned(),
        None => return Err(Error::new(Word::FromNeeded)),
    };
    if !signature::is_name(&from) {
        return Err(Error::new(Word::FromNeeded));
    }
    options.note = signature::signed_note(&from, &options.note);
    let gateway = Gateway::at(&origin_of(&url)?, context.ca()?.as_deref())?;
    let line = LinkLine::new(gateway, &held.token)?;
    let desk = desk(context, held.id);
    // Before the answer is asked for: another command may learn newer things meanwhile.
    let before = desk.memory(SCOPE)?;
    let mut patience = Patience::new(options.span(), context.terminal);
    let seen: LinkSeen = patience.through(|| line.get("")).await.map_err(super::report::used_up)?;
    let (directory, link) = verify(&held, &seen, &desk, before, context.clock.now())?;
    let sender = Sender {
        line: Line::Link(Box::new(line)),
        desk,
        sign: held.sign,
        directory,
        client: link.client,
        direction: Direction::In,
        firm_alone: held.is_share && !to_client,
        most_bytes: Some(link.max_bytes),
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
    let bad = || LinkKind::Request.missing_in(url.trim());
    let (address, fragment) = url.trim().split_once('#').ok_or_else(bad)?;
    let fragment = Fragment::decode(fragment).map_err(|_| bad())?;
    let (_, id) = address.trim_end_matches('/').rsplit_once("/u/").ok_or_else(bad)?;
    Ok((id.parse().map_err(|_| bad())?, fragment))
}

/// A link, and what its holder proves and signs with.
struct Held {
    id: LinkId,
    root: RootId,
    token: Secret<32>,
    sign: SigningKey,
    is_share: bool,
}

impl Held {
    /// Reads a request link, or a share link with its code: a share's way back has its id, is
    /// proven by `open`, and signs with the share's key.
    async fn read(url: &str, code: Option<&str>) -> Result<Self, Error> {
        if ShareLink::is_one(url) {
            let share = ShareLink::read(url, code).await?;
            return Ok(Self {
                id: LinkId::from_bytes(*share.id.as_bytes()),
                root: share.fragment.root(),
                token: share.secrets.open,
                sign: share.secrets.keys.sign,
                is_share: true,
            });
        }
        let (id, fragment) = parse(url)?;
        Ok(Self {
            id,
            root: fragment.root(),
            token: fragment.token(Purpose::Link, id.as_bytes()),
            sign: fragment.signing_key(Purpose::Link, id.as_bytes()),
            is_share: false,
        })
    }
}

/// Checks root → lead → accountant → link → the key derived from the fragment.
fn verify(
    held: &Held,
    seen: &LinkSeen,
    desk: &Desk,
    before: Memory,
    now: Timestamp,
) -> Result<(Directory, Link), Error> {
    let root = seen.firm.root;
    if root.key_id() != held.root {
        return Err(Error::new(Word::ForeignRoot));
    }
    let mut notes = seen.statements.clone();
    if !notes.contains(&seen.link) {
        notes.push(seen.link.clone());
    }
    let directory = directory::believed(desk, SCOPE, before, root, None, &notes)?;
    let bad = || Error::new(Word::BadRequestLink);
    let link = directory.link(held.id).ok_or_else(bad)?.clone();
    if link.public != held.sign.public() {
        return Err(bad());
    }
    if link.expires < now {
        return Err(super::report::used_up(Error::new(Word::NotFound)));
    }
    Ok((directory, link))
}

/// What the one directory is called that a link shows.
const SCOPE: &str = "link";

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
        for bad in
            [format!("https://a.example/u/{id}"), url[..url.len() - 1].to_owned(), String::new()]
        {
            assert_eq!(parse(&bad).map(drop).expect_err("refused").code(), "bad_link");
        }
    }
}
