//! Documents: their rows, from the first byte of an upload to the tombstone of one taken back.

use sqlx::FromRow;

use crate::api::DocumentState;
use crate::clock::Timestamp;
use crate::envelope::statement::{Category, Direction, Hash, Nonce, Note, Period, SealLevel};
use crate::ids::{ClientId, DocumentId, LinkId, MemberId};

use super::columns::{bytes, corrupt, optional, parse, signed, unsigned};
use super::engine::{Error, Tx};
use super::segments::Segment;

/// What a document is and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its id.
    pub id: DocumentId,
    /// Whose it is.
    pub client: ClientId,
    /// To the firm or to the client.
    pub direction: Direction,
    /// Accounting period.
    pub period: Period,
    /// Category.
    pub category: Category,
    /// Where it was sealed.
    pub seal: SealLevel,
    /// Where it stands.
    pub state: DocumentState,
    /// The member who sends it; none for links.
    pub sender: Option<MemberId>,
    /// The link it came through.
    pub link: Option<LinkId>,
    /// Payload bytes in all; 0 while a link's upload has not said.
    pub length: u64,
    /// Payload bytes that survive a crash.
    pub durable: u64,
    /// The payload's nonce, once it is durable.
    pub nonce: Option<Nonce>,
    /// The combined hash of the pieces, once complete.
    pub pieces: Option<Hash>,
    /// The commitment, once somebody signed one.
    pub commitment: Option<Hash>,
    /// H of the manifest.
    pub manifest: Option<Hash>,
    /// H of the adoption.
    pub adoption: Option<Hash>,
    /// When it was begun or, once complete, completed.
    pub listed_at: Timestamp,
    /// When an unfinished upload is given up.
    pub expires_at: Option<Timestamp>,
}

/// What completion adds to a document.
#[derive(Clone, Debug)]
pub struct Completion<'a> {
    /// The combined hash of the pieces.
    pub pieces: Hash,
    /// The commitment; none for a raw age file.
    pub commitment: Option<Hash>,
    /// H of the manifest; none for a raw age file.
    pub manifest: Option<Hash>,
    /// The sealed part; empty for a raw age file.
    pub sealed: &'a [u8],
    /// The gateway's receipt.
    pub receipt: &'a Note,
    /// When.
    pub at: Timestamp,
}

#[derive(FromRow)]
pub(super) struct DocumentColumns {
    id: String,
    client: String,
    direction: String,
    period: String,
    category: String,
    seal: String,
    state: String,
    sender: String,
    link: String,
    length: i64,
    durable: i64,
    nonce: Vec<u8>,
    pieces: Vec<u8>,
    commitment: Vec<u8>,
    manifest: Vec<u8>,
    adoption: Vec<u8>,
    listed_at: i64,
    expires_at: Option<i64>,
}

impl TryFrom<DocumentColumns> for Document {
    type Error = Error;

    fn try_from(row: DocumentColumns) -> Result<Self, Error> {
        Ok(Self {
            id: parse(&row.id, "documents.id")?,
            client: parse(&row.client, "documents.client")?,
            direction: parse(&row.direction, "documents.direction")?,
            period: parse(&row.period, "documents.period")?,
            category: parse(&row.category, "documents.category")?,
            seal: parse(&row.seal, "documents.seal")?,
            state: DocumentState::parse(&row.state).ok_or(corrupt("documents.state"))?,
            sender: optional(&row.sender, "documents.sender")?,
            link: optional(&row.link, "documents.link")?,
            length: unsigned(row.length, "documents.length")?,
            durable: unsigned(row.durable, "documents.durable")?,
            nonce: bytes(&row.nonce, "documents.nonce")?.map(Nonce),
            pieces: bytes(&row.pieces, "documents.pieces")?.map(Hash),
            commitment: bytes(&row.commitment, "documents.commitment")?.map(Hash),
            manifest: bytes(&row.manifest, "documents.manifest")?.map(Hash),
            adoption: bytes(&row.adoption, "documents.adoption")?.map(Hash),
            listed_at: Timestamp::from_ms(row.listed_at),
            expires_at: row.expires_at.map(Timestamp::from_ms),
        })
    }
}

macro_rules! document_columns {
    () => {
        "d.id, d.client, d.direction, d.period, d.category, d.seal, d.state, d.sender, d.link,
         d.length, d.durable, d.nonce, d.pieces, d.commitment, d.manifest, d.adoption,
         d.listed_at, d.expires_at"
    };
}
pub(super) use document_columns;

impl Tx {
    /// Adds a document in its first state; [`Error::Conflict`] for an id that was seen before.
    pub async fn insert_document(
        &mut self,
        document: &Document,
        reserved: u64,
    ) -> Result<(), Error> {
        let text = |id: Option<String>| id.unwrap_or_default();
        sqlx::query(
            "INSERT INTO documents (id, client, direction, period, category, seal, state, sender,
                 link, length, durable, reserved, nonce, pieces, commitment, manifest, adoption,
                 created_at, listed_at, expires_at, receipt, sealed)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, x'', x'', x'', x'',
                 $14, $14, $15, '', x'')",
        )
        .bind(document.id.to_string())
        .bind(document.client.to_string())
        .bind(document.direction.as_str())
        .bind(document.period.to_string())
        .bind(document.category.as_str())
        .bind(document.seal.as_str())
        .bind(document.state.as_str())
        .bind(text(document.sender.map(|id| id.to_string())))
        .bind(text(document.link.map(|id| id.to_string())))
        .bind(signed(document.length))
        .bind(signed(document.durable))
        .bind(signed(reserved))
        .bind(document.nonce.map(|nonce| nonce.0.to_vec()).unwrap_or_default())
        .bind(document.listed_at.as_ms())
        .bind(document.expires_at.map(Timestamp::as_ms))
        .execute(self.conn())
        .await?;
        Ok(())
    }

    /// Adds a document with all its bytes in `segment`, and the header that came with it, in
    /// one step; returns the header's number. [`Error::Conflict`] for an id that was seen before.
    pub async fn insert_whole(
        &mut self,
        document: &Document,
        reserved: u64,
        segment: &Segment,
        header: &[u8],
    ) -> Result<i64, Error> {
        Ok(sqlx::query_scalar(
            "INSERT INTO documents (id, client, direction, period, category, seal, state, sender,
                 link, length, durable, reserved, nonce, pieces, commitment, manifest, adoption,
                 created_at, listed_at, expires_at, receipt, sealed)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $15, $9, $9, $16, $10, x'', x'', x'', x'',
                 $11, $11, NULL, '', x'');
             INSERT INTO segments (document, start, length, object, piece_hashes)
             VALUES ($1, 0, $9, $12, $13);
             INSERT INTO headers (document, header, created_by, created_at)
             VALUES ($1, $14, $8, $11) RETURNING id",
        )
        .bind(document.id.to_string())
        .bind(document.client.to_string())
        .bind(document.direction.as_str())
        .bind(document.period.to_string())
        .bind(document.category.as_str())
        .bind(document.seal.as_str())
        .bind(document.state.as_str())
        .bind(document.sender.map(|id| id.to_string()).unwrap_or_default())
        .bind(signed(document.length))
        .bind(document.nonce.map(|nonce| nonce.0.to_vec()).unwrap_or_default())
        .bind(document.listed_at.as_ms())
        .bind(&segment.object)
        .bind(segment.pieces.to_bytes())
        .bind(header)
        .bind(document.link.map(|id| id.to_string()).unwrap_or_default())
        .bind(signed(reserved))
        .fetch_one(self.conn())
        .await?)
    }

    /// A document by its id.
    pub async fn document(&mut self, id: DocumentId) -> Result<Document, Error> {
        let row: DocumentColumns = sqlx::query_as(concat!(
            "SELECT ",
            document_columns!(),
            " FROM documents d WHERE d.id = $1"
        ))
        .bind(id.to_string())
        .fetch_one(self.conn())
        .await?;
        row.try_into()
    }

    /// Makes an upload whose bytes are all durable a received document;
    /// [`Error::Conflict`] when it is none.
    pub async fn complete_document(
        &mut self,
        id: DocumentId,
        completion: &Completion<'_>,
    ) -> Result<(), Error> {
        let blob = |hash: Option<Hash>| hash.map(|hash| hash.0.to_vec()).unwrap_or_default();
        let done = sqlx::query(
            "UPDATE documents SET state = 'received', pieces = $2, commitment = $3, manifest = $4,
                 sealed = $5, receipt = $6, listed_at = $7, expires_at = NULL
             WHERE id = $1 AND state = 'uploading' AND durable = length AND length > 0",
        )
        .bind(id.to_string())
        .bind(&completion.pieces.0[..])
        .bind(blob(completion.commitment))
        .bind(blob(completion.manifest))
        .bind(completion.sealed)
        .bind(completion.receipt.to_string())
        .bind(completion.at.as_ms())
        .execute(self.conn())
        .await?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(Error::Conflict) }
    }

    /// How many complete documents there are of each seal level.
    pub async fn seal_counts(&mut self) -> Result<Vec<(SealLevel, u64)>, Error> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT seal, COUNT(*) FROM documents WHERE state IN ('received', 'pulled')
             GROUP BY seal ORDER BY seal",
        )
        .fetch_all(self.conn())
        .await?;
        rows.into_iter()
            .map(|(seal, count)| Ok((parse(&seal, "documents.seal")?, unsigned(count, "a count")?)))
            .collect()
    }

    /// Notes that somebody else than its sender has fetched a document.
    pub async fn mark_opened(&mut self, id: DocumentId, at: Timestamp) -> Result<(), Error> {
        sqlx::query("UPDATE documents SET opened_at = $2 WHERE id = $1 AND opened_at IS NULL")
            .bind(id.to_string())
            .bind(at.as_ms())
            .execute(self.conn())
            .await?;
        Ok(())
    }

    /// Notes that somebody it was meant for has pulled a document.
    pub async fn mark_pulled(&mut self, id: DocumentId) -> Result<(), Error> {
        sqlx::query("UPDATE documents SET state = 'pulled' WHERE id = $1 AND state = 'received'")
            .bind(id.to_string())
            .execute(self.conn())
            .await?;
        Ok(())
    }

    /// Leaves a tombstone of a complete document that nobody opened: headers, grants, the
    /// sealed part and segments go, the manifest's place in its chain stays.
    /// [`Error::Conflict`] when it is not in such a state. Returns the names of its objects.
    pub async fn recall_document(&mut self, id: DocumentId) -> Result<Vec<String>, Error> {
        let done = sqlx::query(
            "UPDATE documents SET state = 'recalled', sealed = x''
             WHERE id = $1 AND state IN ('received', 'pulled') AND opened_at IS NULL",
        )
        .bind(id.to_string())
        .execute(self.conn())
        .await?;
        if done.rows_affected() != 1 {
            return Err(Error::Conflict);
        }
        self.delete_parts(id).await
    }

    /// Removes segments, grants and headers; returns the names of the objects.
    pub(super) async fn delete_parts(&mut self, id: DocumentId) -> Result<Vec<String>, Error> {
        let objects =
            sqlx::query_scalar("DELETE FROM segments WHERE document = $1 RETURNING object")
                .bind(id.to_string())
                .fetch_all(self.conn())
                .await?;
        for table in [
            "DELETE FROM grants WHERE document = $1",
            "DELETE FROM recovery_headers WHERE document = $1",
            "DELETE FROM headers WHERE document = $1",
        ] {
            sqlx::query(table).bind(id.to_string()).execute(self.conn()).await?;
        }
        Ok(objects)
    }

    /// Notes the adoption of a raw age file: its commitment and sealed part.
    pub async fn set_adopted(
        &mut self,
        id: DocumentId,
        adoption: Hash,
        commitment: Hash,
        sealed: &[u8],
    ) -> Result<(), Error> {
        sqlx::query(
            "UPDATE documents SET adoption = $2, commitment = $3, sealed = $4 WHERE id = $1",
        )
        .bind(id.to_string())
        .bind(&adoption.0[..])
        .bind(&commitment.0[..])
        .bind(sealed)
        .execute(self.conn())
        .await?;
        Ok(())
    }

    /// Says how long a payload is whose sender did not: all that is durable of it.
    /// [`Error::Conflict`] when it is not `length`.
    pub async fn set_length(&mut self, id: DocumentId, length: u64) -> Result<(), Error> {
        let done = sqlx::query(
            "UPDATE documents SET length = $2
             WHERE id = $1 AND state = 'uploading' AND length = 0 AND durable = $2",
        )
        .bind(id.to_string())
        .bind(signed(length))
        .execute(self.conn())
        .await?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(Error::Conflict) }
    }
}
