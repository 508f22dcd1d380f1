//! Segments: which objects a payload lies in, and the hashes of their pieces.

use std::collections::BTreeSet;

use crate::clock::Timestamp;
use crate::envelope::Pieces;
use crate::envelope::statement::Nonce;
use crate::ids::DocumentId;

use super::columns::{corrupt, parse, signed, unsigned};
use super::engine::{Error, Tx};

/// A row of whole pieces in one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Payload offset of its first byte.
    pub start: u64,
    /// Bytes.
    pub length: u64,
    /// Name of the object.
    pub object: String,
    /// The hashes of its pieces.
    pub pieces: Pieces,
}

type Columns = (i64, i64, String, Vec<u8>);

impl TryFrom<Columns> for Segment {
    type Error = Error;

    fn try_from((start, length, object, pieces): Columns) -> Result<Self, Error> {
        Ok(Self {
            start: unsigned(start, "segments.start")?,
            length: unsigned(length, "segments.length")?,
            object,
            pieces: Pieces::from_bytes(&pieces).map_err(|_| corrupt("segments.piece_hashes"))?,
        })
    }
}

impl Tx {
    /// Adds a durable segment at the end of an upload, which then expires at `expires_at`.
    /// [`Error::Conflict`] when the upload does not end there any more: somebody else wrote,
    /// or it is complete or gone.
    pub async fn append_segment(
        &mut self,
        document: DocumentId,
        segment: &Segment,
        nonce: Option<Nonce>,
        expires_at: Timestamp,
    ) -> Result<(), Error> {
        // The guard decides between two writers, wherever they run.
        let moved = sqlx::query(
            "UPDATE documents SET durable = $3, expires_at = $4,
                 nonce = CASE WHEN $2 = 0 THEN $5 ELSE nonce END
             WHERE id = $1 AND durable = $2 AND state = 'uploading'",
        )
        .bind(document.to_string())
        .bind(signed(segment.start))
        .bind(signed(segment.start + segment.length))
        .bind(expires_at.as_ms())
        .bind(nonce.map(|nonce| nonce.0.to_vec()).unwrap_or_default())
        .execute(self.conn())
        .await?;
        if moved.rows_affected() != 1 {
            return Err(Error::Conflict);
        }
        self.insert_segment(document, segment).await
    }

    /// Adds a segment of a document that is inserted in the same transaction.
    pub async fn insert_segment(
        &mut self,
        document: DocumentId,
        segment: &Segment,
    ) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO segments (document, start, length, object, piece_hashes)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(document.to_string())
        .bind(signed(segment.start))
        .bind(signed(segment.length))
        .bind(&segment.object)
        .bind(segment.pieces.to_bytes())
        .execute(self.conn())
        .await?;
        Ok(())
    }

    /// The segments of a document in order.
    pub async fn segments(&mut self, document: DocumentId) -> Result<Vec<Segment>, Error> {
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT start, length, object, piece_hashes FROM segments
             WHERE document = $1 ORDER BY start",
        )
        .bind(document.to_string())
        .fetch_all(self.conn())
        .await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Up to `limit` segments of all documents behind the one that begins at that payload offset.
    pub async fn segments_after(
        &mut self,
        after: Option<(DocumentId, u64)>,
        limit: u16,
    ) -> Result<Vec<(DocumentId, Segment)>, Error> {
        let (document, start) = after
            .map_or((String::new(), -1), |(document, start)| (document.to_string(), signed(start)));
        let rows: Vec<(String, i64, i64, String, Vec<u8>)> = sqlx::query_as(
            "SELECT document, start, length, object, piece_hashes FROM segments
             WHERE (document, start) > ($1, $2) ORDER BY document, start LIMIT $3",
        )
        .bind(document)
        .bind(start)
        .bind(i64::from(limit))
        .fetch_all(self.conn())
        .await?;
        rows.into_iter()
            .map(|(document, start, length, object, pieces)| {
                let document = parse(&document, "segments.document")?;
                Ok((document, (start, length, object, pieces).try_into()?))
            })
            .collect()
    }

    /// Those of `objects` that some document refers to.
    pub async fn referenced_objects(
        &mut self,
        objects: &[String],
    ) -> Result<BTreeSet<String>, Error> {
        let names = serde_json::Value::from(objects).to_string();
        let known: Vec<String> = sqlx::query_scalar(
            "SELECT object FROM segments WHERE object IN (SELECT value FROM json_each($1))",
        )
        .bind(names)
        .fetch_all(self.conn())
        .await?;
        Ok(known.into_iter().collect())
    }
}
