//! The hand-over of all clients of a leaving accountant (移交): its list (移交清册), and who signs
//! for it.
//!
//! Whoever signs, and the gateway too, draws the list up for themselves; it is one canonical text,
//! so that it is the same for all of them or for none. Refuses one person in two of the three
//! places, and signatures of keys that no longer speak for their people.

use std::fmt;

use crate::clock::Timestamp;
use crate::envelope::statement::{
    Card, Category, Direction, Handover, Hash, Note, Period, Recipient, Role, SealLevel,
};
use crate::ids::{ClientId, DocumentId, MemberId};

use super::cards::Cards;
use super::directory::Directory;

const COLUMNS: &str =
    "client,document,period,category,direction,seal,received,length,pieces,commit,manifest\n";

/// One document of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whose it is.
    pub client: ClientId,
    /// Its id.
    pub document: DocumentId,
    /// Accounting period.
    pub period: Period,
    /// Category.
    pub category: Category,
    /// To the firm or to the client.
    pub direction: Direction,
    /// Where it was sealed.
    pub seal: SealLevel,
    /// When the gateway had all of it.
    pub received: Timestamp,
    /// Payload bytes.
    pub length: u64,
    /// The combined hash of the pieces.
    pub pieces: Option<Hash>,
    /// The commitment; none where nobody has signed one.
    pub commit: Option<Hash>,
    /// H of the manifest; none for what came as a raw age file.
    pub manifest: Option<Hash>,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client, document, period, category, direction, seal, received, length, .. } =
            self;
        write!(
            f,
            "{client},{document},{period},{category},{direction},{seal},{received},{length}"
        )?;
        for hash in [self.pieces, self.commit, self.manifest] {
            match hash {
                Some(hash) => write!(f, ",{hash}")?,
                None => f.write_str(",-")?,
            }
        }
        f.write_str("\n")
    }
}

/// A list as text: the names of the columns, then a line a document, sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    text: String,
    documents: u64,
}

impl List {
    /// The list of `lines`, in whatever order they come.
    pub fn of(lines: impl IntoIterator<Item = Line>) -> Self {
        let mut lines: Vec<String> = lines.into_iter().map(|line| line.to_string()).collect();
        lines.sort_unstable();
        Self { documents: lines.len() as u64, text: COLUMNS.to_owned() + &lines.concat() }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many documents it names.
    pub fn documents(&self) -> u64 {
        self.documents
    }

    /// H of the text.
    pub fn hash(&self) -> Hash {
        Hash::of(self.text.as_bytes())
    }

    /// Whether it is the list of which `said` speaks.
    pub fn is(&self, said: &Handover) -> bool {
        self.documents == said.documents && self.hash() == said.list
    }
}

/// Who has signed a hand-over, each with a key that speaks for them now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Who leaves.
    pub leaver: Option<MemberId>,
    /// Who takes over.
    pub successor: Option<MemberId>,
    /// A lead who is neither (监交人).
    pub supervisor: Option<MemberId>,
}

impl Signed {
    /// Who of those concerned signed `note`, which says `said`.
    pub fn of(directory: &Directory, note: &Note, said: &Handover) -> Self {
        let signed =
            |member: &MemberId| directory.is_active(*member) && directory.signs_now(*member, note);
        let supervises = |member: &MemberId| {
            ![said.from, said.to].contains(member) && directory.holds(*member, Role::Lead, None)
        };
        let mut leads = directory.cards().map(|card| card.member).filter(supervises);
        Self {
            leaver: Some(said.from).filter(signed),
            successor: Some(said.to).filter(signed),
            supervisor: leads.find(signed),
        }
    }

    /// Whether three different people have signed.
    pub fn is_whole(&self) -> bool {
        let Self { leaver: Some(leaver), successor: Some(successor), supervisor: Some(_) } = self
        else {
            return false;
        };
        leaver != successor
    }

    /// Those who have.
    pub fn members(&self) -> impl Iterator<Item = MemberId> {
        [self.leaver, self.successor, self.supervisor].into_iter().flatten()
    }
}

impl Directory {
    /// The subjects of `client` whose assignment names `member`: all categories without one of
    /// their own, and single ones.
    pub fn subjects_of(&self, client: ClientId, member: MemberId) -> Vec<Option<Category>> {
        std::iter::once(None)
            .chain(Category::ALL.iter().copied().map(Some))
            .filter(|category| self.assigned_exactly(client, *category).contains(&member))
            .collect()
    }

    /// Whether `recipients`, by their fingerprints, name a key that `member` has or had.
    pub fn is_among(&self, member: MemberId, recipients: &[Hash]) -> bool {
        let named = |recipient: &Option<Recipient>| {
            recipient.as_ref().is_some_and(|r| recipients.contains(&r.fingerprint()))
        };
        let sealed_to = |card: &Card| named(&card.recipient) || named(&card.recipient_pq);
        let cards = self.cards.get(&member).into_iter().flat_map(Cards::with_successors);
        cards.map(|(signed, _)| &signed.card).any(sealed_to)
    }
}
