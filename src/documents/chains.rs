//! The chains of manifests of a client, for readers who check that nothing is held back.
//!
//! Tells what a manifest says only to whoever may see its document; of the others it gives the
//! place and the hash. Invariant: a manifest that was taken in once is told for ever.

use std::collections::BTreeMap;

use crate::access::{Action, Facts, decide};
use crate::api::{ChainEntry, Chains, Gone};
use crate::envelope::statement::{Category, Manifest};
use crate::ids::{ClientId, KeyId};
use crate::store::{self, Tx};

use super::{Asker, Documents, Error, permit};

/// Manifests or recalls of one page.
const PAGE: u16 = 500;

/// Which documents of one client somebody may see, by category.
struct Sight {
    asker: Asker,
    client: ClientId,
    categories: BTreeMap<Category, bool>,
}

impl Sight {
    async fn of(&mut self, tx: &mut Tx, category: Category) -> Result<bool, Error> {
        if let Some(seen) = self.categories.get(&category) {
            return Ok(*seen);
        }
        let facts = tx.client_facts(self.client, category, self.asker.member).await?;
        let facts = Facts { complete: true, ..facts };
        let seen = decide(self.asker.role, Action::SeeDocument, &facts).is_allow();
        self.categories.insert(category, seen);
        Ok(seen)
    }
}

impl Documents {
    /// Lets `asker` look at the chains of `client`.
    async fn sight(&self, tx: &mut Tx, asker: Asker, client: ClientId) -> Result<Sight, Error> {
        permit(tx, asker, Action::SeeClient, client).await?;
        Ok(Sight { asker, client, categories: BTreeMap::new() })
    }

    /// A page of the chains of `client`, from the place `after` on.
    pub async fn chains(
        &self,
        asker: Asker,
        client: ClientId,
        after: u64,
    ) -> Result<Chains, Error> {
        let mut tx = self.inner.store.read().await?;
        let mut sight = self.sight(&mut tx, asker, client).await?;
        let own: KeyId = tx.member(asker.member).await?.key;
        let at = match after {
            0 => None,
            after => tx.manifest_at(client, after).await?,
        };
        let links = tx.manifests_after(client, after, PAGE).await?;
        let more = links.len() == usize::from(PAGE);
        let next = links.last().map_or(after, |link| link.at);
        let mut entries = Vec::with_capacity(links.len());
        for link in links {
            let said: Manifest =
                link.note.decode().map_err(|_| store::Error::Corrupt("statements.note"))?;
            let seen = said.signer == own || sight.of(&mut tx, said.category).await?;
            let hash = link.note.hash();
            let manifest = seen.then_some(link.note);
            entries.push(ChainEntry { signer: said.signer, seq: said.seq, hash, manifest });
        }
        Ok(Chains { at, entries, next, more })
    }

    /// A page of what the senders of documents of `client` signed when they took them back, from
    /// the place `after` on.
    pub async fn gone(&self, asker: Asker, client: ClientId, after: u64) -> Result<Gone, Error> {
        let mut tx = self.inner.store.read().await?;
        let mut sight = self.sight(&mut tx, asker, client).await?;
        let links = tx.recalls_after(client, after, PAGE).await?;
        let more = links.len() == usize::from(PAGE);
        let next = links.last().map_or(after, |(link, _)| link.at);
        let mut recalls = Vec::new();
        for (link, category) in links {
            if sight.of(&mut tx, category).await? {
                recalls.push(link.note);
            }
        }
        Ok(Gone { recalls, next, more })
    }
}
