//! Who sends a document: a member, or the holder of a request link, who can do nothing else.

use crate::access::Action;
use crate::api::{Firm, LinkSeen, ManifestHead};
use crate::audit::Event;
use crate::clock::Timestamp;
use crate::envelope::statement::{Category, Direction, Hash, Link, Statement, peek_kind};
use crate::ids::{ClientId, LinkId, MemberId};
use crate::notices::{self, Kind, Notice};
use crate::store::{Document, Tx};
use crate::trust::Signer;

use super::{Asker, Documents, Error, allow};

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A member whose session was proven.
    Member(Asker),
    /// Whoever holds a request link whose token was proven.
    Link(LinkHolder),
}

/// The holder of a request link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkHolder {
    /// The link.
    pub link: LinkId,
    /// Whose space it leads to.
    pub client: ClientId,
    /// Whether it is the way back of a share: its holder may seal to the firm alone.
    pub gives_back: bool,
}

impl From<Asker> for Sender {
    fn from(asker: Asker) -> Self {
        Self::Member(asker)
    }
}

impl Sender {
    /// The member, unless it is a link.
    pub(super) fn member(self) -> Option<MemberId> {
        match self {
            Self::Member(asker) => Some(asker.member),
            Self::Link(_) => None,
        }
    }

    /// The link, unless it is a member.
    pub(super) fn link(self) -> Option<LinkId> {
        match self {
            Self::Member(_) => None,
            Self::Link(holder) => Some(holder.link),
        }
    }

    /// Whether this is who began `document`.
    pub(super) fn owns(self, document: &Document) -> bool {
        match self {
            Self::Member(asker) => document.sender == Some(asker.member),
            Self::Link(holder) => document.sender.is_none() && document.link == Some(holder.link),
        }
    }

    /// Whether this is a partner who gives back.
    pub(super) fn gives_back(self) -> bool {
        matches!(self, Self::Link(holder) if holder.gives_back)
    }

    /// Whether this is who signed.
    pub(super) fn signed(self, signer: &Signer) -> bool {
        match self {
            Self::Member(asker) => signer.member == Some(asker.member),
            Self::Link(holder) => signer.link == Some(holder.link),
        }
    }

    /// Refuses whoever may not send such a document now. A link that has ended, or whose
    /// accountant has left the client, answers like one that never was. `firm` is the firm's
    /// jurisdiction.
    pub(super) async fn may_send(
        self,
        tx: &mut Tx,
        client: ClientId,
        category: Category,
        direction: Direction,
        (firm, now): (&str, Timestamp),
    ) -> Result<(), Error> {
        match self {
            Self::Member(asker) => {
                let facts = tx.client_facts(client, category, asker.member).await?;
                allow(asker, Action::Send(direction), &facts)
            }
            Self::Link(holder) => {
                let its = client == holder.client && direction == Direction::In;
                if its && tx.is_request_link_open(holder.link, firm, now).await? {
                    Ok(())
                } else {
                    Err(Error::NotFound)
                }
            }
        }
    }

    /// Takes one file of `bytes` out of a link's limits; members have none.
    pub(super) async fn reserve(
        self,
        tx: &mut Tx,
        bytes: u64,
        (firm, now): (&str, Timestamp),
    ) -> Result<u64, Error> {
        let Self::Link(holder) = self else { return Ok(0) };
        if tx.reserve_of_link(holder.link, bytes, firm, now).await? {
            Ok(bytes)
        } else {
            Err(Error::NotFound)
        }
    }

    /// An event that this sender caused.
    pub(super) fn did(self, action: &'static str) -> Event {
        match self {
            Self::Member(asker) => asker.did(action),
            Self::Link(holder) => {
                let kind = if holder.gives_back { "share" } else { "link" };
                Event::new(action).with(kind, holder.link.to_string())
            }
        }
    }

    /// Tells the firm that something came through a link.
    pub(super) async fn tell_arrived(self, tx: &mut Tx, now: Timestamp) -> Result<(), Error> {
        if let Self::Link(LinkHolder { link, client, .. }) = self {
            tell_arrived(tx, link, client, now).await?;
        }
        Ok(())
    }
}

/// Tells the firm that something came through `link`.
pub(super) async fn tell_arrived(
    tx: &mut Tx,
    link: LinkId,
    client: ClientId,
    now: Timestamp,
) -> Result<(), Error> {
    Ok(notices::enqueue(tx, &Notice::new(Kind::Arrived, client, link, now)).await?)
}

impl Documents {
    /// The holder of the request link whose token has this hash. Unknown, expired, ended and
    /// orphaned links are all [`Error::NotFound`].
    pub async fn link_holder(&self, token: Hash) -> Result<LinkHolder, Error> {
        let mut tx = self.inner.store.read().await?;
        let firm = &self.settings().jurisdiction;
        let (link, client, gives_back) = tx.request_link(token, firm, self.now()).await?;
        if self.inner.throttle.take(link) {
            Ok(LinkHolder { link, client, gives_back })
        } else {
            Err(Error::TooManyUploads)
        }
    }

    /// What the holder of a link needs to seal: its statement, the firm, what verifies them,
    /// and where the link's own chain stands. Nothing of other links or of any document.
    pub async fn look_through(&self, holder: LinkHolder) -> Result<LinkSeen, Error> {
        let mut tx = self.inner.store.read().await?;
        self.ready(&mut tx).await?;
        let firm = &self.settings().jurisdiction;
        if !tx.is_request_link_useful(holder.link, firm, self.now()).await? {
            return Err(Error::NotFound);
        }
        let link = tx.statement(Link::KIND, &holder.link.to_string()).await?;
        let statement: Link = link.decode().map_err(crate::trust::Error::from)?;
        let mut statements = tx.directory_statements(Some(holder.client)).await?;
        statements.retain(|note| {
            peek_kind(note.text()).is_ok_and(|kind| kind != Link::KIND)
                || note.hash() == link.hash()
        });
        let firm = tx.firm().await?;
        let firm = Firm { name: firm.name, root: firm.root, url: firm.url };
        let head = match tx.manifest_head(statement.public.key_id(), holder.client).await? {
            Some(head) => ManifestHead { seq: head.seq, manifest: Some(head.note) },
            None => ManifestHead { seq: 0, manifest: None },
        };
        Ok(LinkSeen { link, firm, statements, head })
    }
}
