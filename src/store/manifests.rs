//! The chain of manifests of each signer for each client, adoptions of raw age files, recalls.

use crate::clock::Timestamp;
use crate::envelope::statement::{
    Adoption, Category, Hash, Manifest, Note, Revocation, RevocationKind, Statement,
};
use crate::ids::{ClientId, DocumentId, KeyId};

use super::columns::{bytes, parse, signed, unsigned};
use super::engine::{Error, Tx};

/// The newest manifest of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainHead {
    /// Its place, from 1.
    pub seq: u64,
    /// The manifest.
    pub note: Note,
}

/// One manifest or recall as it stands among those of its client, in the order in which they
/// came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainLink {
    /// Its place among all statements; grows.
    pub at: u64,
    /// The statement.
    pub note: Note,
}

fn chain(signer: KeyId, client: ClientId) -> String {
    format!("{signer}:{client}")
}

impl Tx {
    /// The newest manifest of `signer` for `client`.
    pub async fn manifest_head(
        &mut self,
        signer: KeyId,
        client: ClientId,
    ) -> Result<Option<ChainHead>, Error> {
        let row: Option<(i64, String)> = sqlx::query_as(
            "SELECT seq, note FROM statements WHERE kind = 'manifest' AND subject = $1
             ORDER BY id DESC LIMIT 1",
        )
        .bind(chain(signer, client))
        .fetch_optional(self.conn())
        .await?;
        row.map(|(seq, note)| {
            Ok(ChainHead {
                seq: unsigned(seq, "statements.seq")?,
                note: Note::parse(&note).map_err(|_| Error::Corrupt("statements.note"))?,
            })
        })
        .transpose()
    }

    /// Up to `limit` manifests of every chain of `client` that came after the place `after`.
    pub async fn manifests_after(
        &mut self,
        client: ClientId,
        after: u64,
        limit: u16,
    ) -> Result<Vec<ChainLink>, Error> {
        let rows: Vec<(i64, String)> = sqlx::query_as(
            "SELECT id, note FROM statements WHERE client = $1 AND kind = 'manifest' AND id > $2
             ORDER BY id LIMIT $3",
        )
        .bind(client.to_string())
        .bind(signed(after))
        .bind(i64::from(limit))
        .fetch_all(self.conn())
        .await?;
        rows.into_iter()
            .map(|(at, note)| {
                Ok(ChainLink {
                    at: unsigned(at, "statements.id")?,
                    note: Note::parse(&note).map_err(|_| Error::Corrupt("statements.note"))?,
                })
            })
            .collect()
    }

    /// H of the manifest of `client` at the place `at`, if one is there.
    pub async fn manifest_at(&mut self, client: ClientId, at: u64) -> Result<Option<Hash>, Error> {
        let row: Option<Vec<u8>> = sqlx::query_scalar(
            "SELECT hash FROM statements WHERE id = $2 AND client = $1 AND kind = 'manifest'",
        )
        .bind(client.to_string())
        .bind(signed(at))
        .fetch_optional(self.conn())
        .await?;
        Ok(row.map(|hash| bytes(&hash, "statements.hash")).transpose()?.flatten().map(Hash))
    }

    /// Up to `limit` recalls of documents of `client` that came after the place `after`, each
    /// with its place and the document's category.
    pub async fn recalls_after(
        &mut self,
        client: ClientId,
        after: u64,
        limit: u16,
    ) -> Result<Vec<(ChainLink, Category)>, Error> {
        let rows: Vec<(i64, String, String)> = sqlx::query_as(
            "SELECT s.id, s.note, d.category FROM statements s
             JOIN documents d ON s.subject = 'document:' || d.id
             WHERE s.client = $1 AND s.kind = 'revocation' AND s.id > $2 AND d.client = $1
             ORDER BY s.id LIMIT $3",
        )
        .bind(client.to_string())
        .bind(signed(after))
        .bind(i64::from(limit))
        .fetch_all(self.conn())
        .await?;
        rows.into_iter()
            .map(|(at, note, category)| {
                let at = unsigned(at, "statements.id")?;
                let note = Note::parse(&note).map_err(|_| Error::Corrupt("statements.note"))?;
                Ok((ChainLink { at, note }, parse(&category, "documents.category")?))
            })
            .collect()
    }

    /// Adds what its sender signed when they took a document back; [`Error::Conflict`] when
    /// there is such a note already.
    pub async fn insert_recall(
        &mut self,
        note: &Note,
        document: DocumentId,
        client: ClientId,
        at: Timestamp,
    ) -> Result<(), Error> {
        let subject = format!("{}:{document}", RevocationKind::Document);
        self.insert_sealed(Revocation::KIND, &subject, client, &[], 1, note, at).await
    }

    /// Adds a manifest at the end of its chain; [`Error::Conflict`] when its `prev` has a
    /// successor already.
    pub async fn insert_manifest(
        &mut self,
        note: &Note,
        manifest: &Manifest,
        at: Timestamp,
    ) -> Result<(), Error> {
        let prev = manifest.prev.map(|hash| hash.0.to_vec()).unwrap_or_default();
        let subject = chain(manifest.signer, manifest.client);
        self.insert_sealed(Manifest::KIND, &subject, manifest.client, &prev, manifest.seq, note, at)
            .await
    }

    /// Adds an adoption; [`Error::Conflict`] when the document has one.
    pub async fn insert_adoption(
        &mut self,
        note: &Note,
        adoption: &Adoption,
        at: Timestamp,
    ) -> Result<(), Error> {
        let subject = adoption.document.to_string();
        self.insert_sealed(Adoption::KIND, &subject, adoption.client, &[], 1, note, at).await
    }

    #[expect(clippy::too_many_arguments, reason = "one for each column")]
    async fn insert_sealed(
        &mut self,
        kind: &str,
        subject: &str,
        client: ClientId,
        prev: &[u8],
        seq: u64,
        note: &Note,
        at: Timestamp,
    ) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO statements (hash, kind, subject, client, member, prev, seq, note, created_at)
             VALUES ($1, $2, $3, $4, '', $5, $6, $7, $8)",
        )
        .bind(&note.hash().0[..])
        .bind(kind)
        .bind(subject)
        .bind(client.to_string())
        .bind(prev)
        .bind(signed(seq))
        .bind(note.to_string())
        .bind(at.as_ms())
        .execute(self.conn())
        .await?;
        Ok(())
    }
}
