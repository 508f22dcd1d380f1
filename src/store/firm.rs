//! The firm's one row.

use crate::clock::Timestamp;
use crate::envelope::statement::{Hash, PublicKey};

use super::engine::{Error, Tx};

/// What the gateway knows of its firm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirmRow {
    /// The root key.
    pub root: PublicKey,
    /// Its name.
    pub name: String,
    /// The gateway's public address.
    pub url: String,
    /// An age file to the recovery key.
    pub canary: Vec<u8>,
    /// H of what the canary holds.
    pub canary_proof: Hash,
    /// When two shares first opened the canary.
    pub rehearsed_at: Option<Timestamp>,
}

impl Tx {
    /// Founds the firm; [`Error::Conflict`] where there is one already.
    pub async fn insert_firm(&mut self, firm: &FirmRow, now: Timestamp) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO firm (one, root_key, name, url, created_at, canary, canary_proof, directory_version)
             VALUES (1, $1, $2, $3, $4, $5, $6, 0)",
        )
        .bind(firm.root.to_string())
        .bind(&firm.name)
        .bind(&firm.url)
        .bind(now.as_ms())
        .bind(&firm.canary)
        .bind(&firm.canary_proof.0[..])
        .execute(self.conn())
        .await?;
        Ok(())
    }

    /// The firm; [`Error::NotFound`] before it is founded.
    pub async fn firm(&mut self) -> Result<FirmRow, Error> {
        let (root, name, url, canary, proof, rehearsed): (
            String,
            String,
            String,
            Vec<u8>,
            Vec<u8>,
            Option<i64>,
        ) = sqlx::query_as(
            "SELECT root_key, name, url, canary, canary_proof, rehearsed_at FROM firm WHERE one = 1",
        )
        .fetch_one(self.conn())
        .await?;
        Ok(FirmRow {
            root: root.parse().map_err(|_| Error::Corrupt("firm.root_key"))?,
            name,
            url,
            canary,
            canary_proof: Hash(proof.try_into().map_err(|_| Error::Corrupt("firm.canary_proof"))?),
            rehearsed_at: rehearsed.map(Timestamp::from_ms),
        })
    }

    /// Notes the first successful rehearsal; later ones change nothing.
    pub async fn set_rehearsed(&mut self, now: Timestamp) -> Result<(), Error> {
        sqlx::query("UPDATE firm SET rehearsed_at = $1 WHERE one = 1 AND rehearsed_at IS NULL")
            .bind(now.as_ms())
            .execute(self.conn())
            .await?;
        Ok(())
    }

    /// Moves the gateway to another public address.
    pub async fn set_firm_url(&mut self, url: &str) -> Result<(), Error> {
        sqlx::query("UPDATE firm SET url = $1 WHERE one = 1")
            .bind(url)
            .execute(self.conn())
            .await?;
        Ok(())
    }

    /// Changes whenever a directory may have.
    pub async fn directory_version(&mut self) -> Result<i64, Error> {
        Ok(sqlx::query_scalar("SELECT directory_version FROM firm WHERE one = 1")
            .fetch_one(self.conn())
            .await?)
    }
}
