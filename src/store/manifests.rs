//! The chain of manifests of each signer for each client, and adoptions of raw age files.

use crate::clock::Timestamp;
use crate::envelope::statement::{Adoption, Manifest, Note, Statement};
use crate::ids::{ClientId, KeyId};

use super::columns::{signed, unsigned};
use super::engine::{Error, Tx};

/// The newest manifest of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainHead {
    /// Its place, from 1.
    pub seq: u64,
    /// The manifest.
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
