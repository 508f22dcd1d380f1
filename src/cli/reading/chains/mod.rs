//! Whether a gateway shows everything that was sent: the chains of manifests of a client,
//! followed from where this device saw them last.
//!
//! Every signer counts its documents for a client and each manifest names the one before, so
//! whatever is held back, slipped in, given a number twice or rolled back shows. Refuses chains
//! that are shorter than or contradict what was seen before. Documents that were taken back stay
//! in their chain, and only their sender's signature says that they were; of documents that a
//! reader may not see only the hashes are followed.

mod ledger;

use std::collections::{BTreeMap, BTreeSet};

use crate::api::{ChainEntry, Chains, DocumentInfo, Gone};
use crate::cli::error::{Error, Exit};
use crate::cli::words::Word;
use crate::envelope::statement::{Category, Hash, Manifest, Note, Period, Revocation, Role};
use crate::ids::{ClientId, DocumentId, KeyId};
use crate::trust::Directory;

use super::{Query, Reading, Signed};

pub use ledger::About;
use ledger::{Fault, Ledger, Link};

/// How many documents that seem to be missing are asked for one by one: they may have arrived
/// between two answers.
const ASKED_AGAIN: usize = 16;

/// A document that was sent and is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Whose it is.
    pub client: ClientId,
    /// What was signed of it.
    pub about: About,
    /// [`Word::Missing`] or [`Word::ChainRolledBack`].
    pub word: Word,
}

/// What should be among the documents that were listed.
struct Absent {
    /// Key id of who signed its manifest.
    signer: KeyId,
    about: About,
    word: Word,
}

/// Which document a recall is about.
fn recalled(note: &Note) -> Option<DocumentId> {
    note.decode::<Revocation>().ok()?.subject.to_string().parse().ok()
}

/// The chains of one client, compared with what was seen before.
#[derive(Clone, Debug, Default)]
struct Followed {
    ledger: Ledger,
    /// From which number on the chain of a signer is not to be believed, and why.
    broken: BTreeMap<KeyId, (u64, Fault)>,
    /// Seen before, and not shown any more.
    lost: BTreeSet<(KeyId, u64)>,
}

impl Followed {
    fn faulty(&self) -> bool {
        !self.broken.is_empty() || !self.lost.is_empty()
    }

    /// Takes a page of the chains. Texts count only as verified by `directory`.
    fn take(&mut self, client: ClientId, directory: &Directory, entries: &[ChainEntry]) {
        let all = self.ledger.sees.len() == Category::ALL.len();
        for entry in entries {
            if self.broken.contains_key(&entry.signer) {
                continue;
            }
            let said = entry.manifest.as_ref().and_then(|note| {
                let (said, _) = directory.verify_manifest(note).ok()?;
                let fits = said.client == client
                    && said.signer == entry.signer
                    && said.seq == entry.seq
                    && note.hash() == entry.hash;
                fits.then_some(said)
            });
            let taken = match &said {
                // Nothing is hidden from whoever may see everything.
                None if all => Err(Fault::Gap),
                said => self.ledger.take(entry.signer, entry.seq, entry.hash, said.as_ref()),
            };
            if let Err(fault) = taken {
                self.broken.insert(entry.signer, (entry.seq, fault));
            }
        }
    }

    /// Compares a chain that was read from its beginning with what was `known`, and goes on
    /// knowing that.
    fn compare(&mut self, known: &Ledger) {
        for (signer, links) in &known.signers {
            for (link, seq) in links.iter().zip(1..) {
                match self.ledger.link(*signer, seq) {
                    Some(now) if now.0 == link.0 => {}
                    Some(_) => {
                        let fault = (seq, Fault::Forked);
                        let broken = self.broken.entry(*signer).or_insert(fault);
                        *broken = if broken.0 > seq { fault } else { *broken };
                    }
                    None => {
                        self.lost.insert((*signer, seq));
                    }
                }
            }
            let chain = self.ledger.signers.entry(*signer).or_default();
            for (at, link) in links.iter().enumerate() {
                match chain.get_mut(at) {
                    Some(now) if now.0 == link.0 => {
                        now.1 = now.1.or(link.1);
                        now.2 = link.2;
                    }
                    Some(now) => *now = link.clone(),
                    None => chain.push(link.clone()),
                }
            }
        }
    }

    /// What this device itself sent last must be there.
    fn expect(&mut self, sent: &Note) {
        let Ok(Manifest { signer, seq, .. }) = sent.decode() else { return };
        match self.ledger.link(signer, seq) {
            Some(link) if link.0 == sent.hash() => {}
            Some(_) => {
                self.broken.entry(signer).or_insert((seq, Fault::Forked));
            }
            None => {
                self.lost.insert((signer, seq));
            }
        }
    }

    /// Why a document with this place in a chain is not to be believed.
    fn fault(&self, (signer, seq, hash): (KeyId, u64, Hash)) -> Option<Word> {
        if let Some((from, fault)) = self.broken.get(&signer)
            && *from <= seq
        {
            return Some(match fault {
                Fault::Gap => Word::ChainGap,
                Fault::Forked => Word::ChainForked,
            });
        }
        if self.lost.contains(&(signer, seq)) {
            return Some(Word::ChainRolledBack);
        }
        match self.ledger.link(signer, seq) {
            Some(link) if link.0 == hash => None,
            Some(_) => Some(Word::ChainForked),
            None => Some(Word::ChainGap),
        }
    }

    /// What should be among the documents of `period` that were `listed`, and is not.
    fn absent(&self, period: Option<Period>, listed: &BTreeSet<DocumentId>) -> Vec<Absent> {
        let mut absent = Vec::new();
        for (signer, links) in &self.ledger.signers {
            for (link, seq) in links.iter().zip(1..) {
                let Some(about) = link.standing() else { continue };
                let About(document, of, category) = about;
                let expected = period.is_none_or(|period| period == of)
                    && self.ledger.sees.contains(&category);
                if expected && !listed.contains(&document) {
                    let lost = self.lost.contains(&(*signer, seq));
                    let word = if lost { Word::ChainRolledBack } else { Word::Missing };
                    absent.push(Absent { signer: *signer, about, word });
                }
            }
        }
        absent
    }
}

/// What a listing lacks and what of it is not to be believed.
#[derive(Debug, Default)]
pub struct Findings {
    followed: BTreeMap<ClientId, Followed>,
    /// What is not shown.
    pub missing: Vec<Missing>,
    /// What was not listed and is there: it came between two answers, or was left out of one.
    pub late: Vec<DocumentInfo>,
}

impl Findings {
    /// Why `info` is not to be believed although its signature is right.
    pub fn fault(&self, info: &DocumentInfo, signed: &Signed) -> Option<Word> {
        let chain = signed.chain?;
        match self.followed.get(&info.client) {
            Some(followed) => followed.fault(chain),
            None => Some(Word::ChainGap),
        }
    }

    /// Why `info` is not what the gateway says it is, namely signed by nobody.
    pub fn unsigned_fault(&self, info: &DocumentInfo) -> Option<Word> {
        let followed = self.followed.get(&info.client);
        let signed = followed.is_none_or(|followed| followed.ledger.is_about(info.document));
        signed.then_some(Word::BadSignature)
    }

    /// Every document that stands in the chains and was not taken back, as far as this reader
    /// may see it.
    pub fn standing(&self) -> impl Iterator<Item = About> + '_ {
        self.followed.values().flat_map(|followed| {
            let Ledger { signers, sees, .. } = &followed.ledger;
            let standing = signers.values().flatten().filter_map(Link::standing);
            standing.filter(|about| sees.contains(&about.2))
        })
    }

    /// A client whose chains are broken, where no document that was asked for shows it.
    pub fn broken(&self) -> Option<Error> {
        let (client, _) = self.followed.iter().find(|(_, followed)| followed.faulty())?;
        Some(Error::new(Word::ChainBroken).about(client))
    }
}

impl Reading<'_> {
    /// Follows the chains of every client that `listed` shows, and of those that `query` must
    /// show something of, and finds what is not as it was sent.
    ///
    /// # Errors
    /// Those of asking, of the directory and of the profile.
    pub async fn follow(&self, query: &Query, listed: &[&DocumentInfo]) -> Result<Findings, Error> {
        let mut clients: BTreeSet<ClientId> = listed.iter().map(|info| info.client).collect();
        // Which state a document is in is the gateway's word: nothing is missing for it.
        let whole = query.state.is_none();
        match query.client {
            Some(client) => clients.extend([client]),
            None if whole => {
                let desk = self.session().profile().desk();
                clients.extend(Ledger::clients(&desk)?);
                clients.extend(desk.clients_sent_to()?);
            }
            None => {}
        }
        let mut findings = Findings::default();
        for client in clients {
            let directory = match self.directory(client).await {
                Ok(directory) => directory,
                // Not this reader's client, or no longer.
                Err(error) if error.exit() == Exit::Refused && query.client != Some(client) => {
                    continue;
                }
                Err(error) => return Err(error),
            };
            let period = if whole { Some(query.period) } else { None };
            let (followed, missing, late) =
                self.follow_client(client, &directory, period, listed).await?;
            findings.missing.extend(missing);
            findings.late.extend(late);
            findings.followed.insert(client, followed);
        }
        Ok(findings)
    }

    /// Follows the chains of the clients of single documents: nothing is missing.
    ///
    /// # Errors
    /// As [`Reading::follow`].
    pub async fn follow_these(&self, documents: &[&DocumentInfo]) -> Result<Findings, Error> {
        let query = Query { state: Some(crate::api::DocumentState::Received), ..Query::default() };
        self.follow(&query, documents).await
    }

    /// `period` is which documents must be in `listed`; none of them where there is none.
    async fn follow_client(
        &self,
        client: ClientId,
        directory: &Directory,
        period: Option<Option<Period>>,
        listed: &[&DocumentInfo],
    ) -> Result<(Followed, Vec<Missing>, Vec<DocumentInfo>), Error> {
        let desk = self.session().profile().desk();
        let _turn = Ledger::turn(&desk, client).await?;
        let known = Ledger::read(&desk, client)?;
        let sees = self.sees(directory, client);
        let mut followed = self.walk(client, directory, &known, sees).await?;
        if let Some(head) = desk.head(client)? {
            followed.expect(&head.manifest);
        }
        let (mut missing, mut late) = (Vec::new(), Vec::new());
        if let Some(period) = period {
            // What is in a chain was complete once: that it is not, or not any more, is no more
            // than the gateway's word.
            let there = listed.iter().filter(|i| i.client == client && i.state.is_complete());
            let listed: BTreeSet<DocumentId> = there.map(|info| info.document).collect();
            let mut absent = followed.absent(period, &listed);
            if !absent.is_empty() {
                let gone = self.taken_back(client, directory, &absent).await?;
                for (document, signer) in &gone {
                    followed.ledger.mark_gone(*signer, *document);
                }
                absent.retain(|Absent { signer, about, word }| {
                    *word != Word::Missing || gone.get(&about.0) != Some(signer)
                });
            }
            for (at, Absent { about, word, .. }) in absent.into_iter().enumerate() {
                if at < ASKED_AGAIN
                    && word == Word::Missing
                    && let Some(info) = self.complete(about.0).await?
                {
                    late.push(info);
                    continue;
                }
                missing.push(Missing { client, about, word });
            }
        }
        if !followed.faulty() && followed.ledger != known {
            followed.ledger.store(&desk, client)?;
        }
        Ok((followed, missing, late))
    }

    /// Those of `absent` that their senders say they took back, with who signed their manifests.
    async fn taken_back(
        &self,
        client: ClientId,
        directory: &Directory,
        absent: &[Absent],
    ) -> Result<BTreeMap<DocumentId, KeyId>, Error> {
        let signers: BTreeMap<DocumentId, KeyId> =
            absent.iter().map(|absent| (absent.about.0, absent.signer)).collect();
        let mut gone = BTreeMap::new();
        let mut after = 0;
        loop {
            let page: Gone =
                self.session().get(format!("/clients/{client}/gone?after={after}")).await?;
            for note in &page.recalls {
                let Some(document) = recalled(note) else { continue };
                let Some(signer) = signers.get(&document) else { continue };
                if directory.verify_recall(note, *signer).is_ok() {
                    gone.insert(document, *signer);
                }
            }
            if !page.more || page.next <= after {
                return Ok(gone);
            }
            after = page.next;
        }
    }

    /// The chains from where they were `known`, or from their beginning where that place is not
    /// there any more or more may be seen now.
    async fn walk(
        &self,
        client: ClientId,
        directory: &Directory,
        known: &Ledger,
        sees: BTreeSet<Category>,
    ) -> Result<Followed, Error> {
        let more_is_seen = sees != known.sees && known.has_hidden();
        let mut from_known = known.next > 0 && !more_is_seen;
        let beginning = || Ledger { sees: sees.clone(), ..Ledger::default() };
        let mut followed = Followed {
            ledger: if from_known {
                Ledger { sees: sees.clone(), ..known.clone() }
            } else {
                beginning()
            },
            ..Followed::default()
        };
        loop {
            let after = followed.ledger.next;
            let page = self.page(client, after).await?;
            if page.at != followed.ledger.last {
                if !from_known {
                    return Err(Error::new(Word::ChainBroken).about(client));
                }
                // What was seen last is not there: what else is not?
                from_known = false;
                followed = Followed { ledger: beginning(), ..Followed::default() };
                continue;
            }
            followed.take(client, directory, &page.entries);
            if let Some(last) = page.entries.last() {
                if page.next <= after {
                    return Err(Error::new(Word::ChainBroken).about(client));
                }
                (followed.ledger.next, followed.ledger.last) = (page.next, Some(last.hash));
            }
            if !page.more || page.entries.is_empty() {
                break;
            }
        }
        if !from_known {
            followed.compare(known);
        }
        Ok(followed)
    }

    /// Whoever may see the directory of a client may see its chains.
    async fn page(&self, client: ClientId, after: u64) -> Result<Chains, Error> {
        let path = format!("/clients/{client}/manifests?after={after}");
        match self.session().get(path).await {
            Err(error) if error.word() == Word::NotFound => {
                Err(Error::new(Word::ChainBroken).about(client).because(error))
            }
            other => other,
        }
    }

    async fn complete(&self, document: DocumentId) -> Result<Option<DocumentInfo>, Error> {
        match self.document(document).await {
            Ok(info) => Ok(Some(info).filter(|info| info.state.is_complete())),
            Err(error) if error.word() == Word::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The categories whose documents of `client` this reader is shown.
    fn sees(&self, directory: &Directory, client: ClientId) -> BTreeSet<Category> {
        let info = self.session().profile().info();
        let (me, role) = (info.member, info.role);
        let sees = |category: &Category| match role {
            Role::Lead | Role::PrivacyOfficer | Role::Auditor => true,
            Role::Principal | Role::Clerk => directory.client_side_reads(me, client, *category),
            _ => directory.assigned(client, *category).contains(&me),
        };
        Category::ALL.iter().copied().filter(sees).collect()
    }
}

#[cfg(test)]
mod tests;
