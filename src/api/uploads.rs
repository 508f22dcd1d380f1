//! Resumable uploads on the wire: tus 1.0 as both ends agree on it.
//!
//! What is uploaded is `header ‖ payload`, an ordinary age file: `Upload-Length` and
//! `Upload-Offset` count both, so the header travels in the body of the creation
//! (creation-with-upload), which must hold all of it and may hold the first payload bytes.
//!
//! - `POST /uploads`: `Tus-Resumable`, `Upload-Length`, `Upload-Metadata` ([`UploadMetadata`]),
//!   content type [`CONTENT_TYPE`]. 201 with `Location`, `Upload-Offset`, `Upload-Expires`; 409
//!   [`codes::DOCUMENT_EXISTS`] for an id that was seen before (ask `HEAD` then); 415 for
//!   anything but a well-formed age header; 400 for a length that no age file has.
//! - `HEAD /uploads/{id}`: 200 with `Upload-Offset` and `Upload-Length`; 404 when the upload is
//!   unknown, expired, somebody else's, or complete.
//! - `PATCH /uploads/{id}`: `Upload-Offset`, content type [`CONTENT_TYPE`]. 204 with the new
//!   `Upload-Offset`; 409 [`codes::OFFSET_MISMATCH`]; 423 while another request writes.
//! - `DELETE /uploads/{id}`: 204.
//!
//! [`codes::DOCUMENT_EXISTS`]: super::codes::DOCUMENT_EXISTS
//! [`codes::OFFSET_MISMATCH`]: super::codes::OFFSET_MISMATCH

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::envelope::statement::{Category, Direction, Period};
use crate::ids::{ClientId, DocumentId};

/// The value of `Tus-Resumable`.
pub const VERSION: &str = "1.0.0";

/// The content type of bodies that hold bytes of the upload.
pub const CONTENT_TYPE: &str = "application/offset+octet-stream";

/// The `Upload-Metadata` header is not the five keys, once each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Upload-Metadata must hold document, client, direction, period and category, once each")]
pub struct MalformedMetadata;

/// What a creation says about its document. None of it is secret: names and notes are in the
/// sealed part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadMetadata {
    /// The id that the sender chose; also the idempotency key.
    pub document: DocumentId,
    /// Whose it is.
    pub client: ClientId,
    /// To the firm or to the client.
    pub direction: Direction,
    /// Accounting period.
    pub period: Period,
    /// Category.
    pub category: Category,
}

impl UploadMetadata {
    /// The value of `Upload-Metadata`: `key base64(value)`, comma-joined (tus 1.0, "Creation").
    pub fn to_header(&self) -> String {
        [
            ("document", self.document.to_string()),
            ("client", self.client.to_string()),
            ("direction", self.direction.to_string()),
            ("period", self.period.to_string()),
            ("category", self.category.to_string()),
        ]
        .map(|(key, value)| format!("{key} {}", STANDARD.encode(value)))
        .join(",")
    }

    /// Reads [`UploadMetadata::to_header`], the keys in any order; unknown keys are refused.
    pub fn parse(header: &str) -> Result<Self, MalformedMetadata> {
        let mut values: [Option<String>; 5] = Default::default();
        for pair in header.split(',') {
            let (key, value) = pair.trim_matches(' ').split_once(' ').ok_or(MalformedMetadata)?;
            let at = ["document", "client", "direction", "period", "category"]
                .iter()
                .position(|known| *known == key)
                .ok_or(MalformedMetadata)?;
            let value = STANDARD.decode(value).map_err(|_| MalformedMetadata)?;
            let value = String::from_utf8(value).map_err(|_| MalformedMetadata)?;
            if values[at].replace(value).is_some() {
                return Err(MalformedMetadata);
            }
        }
        let [Some(document), Some(client), Some(direction), Some(period), Some(category)] = values
        else {
            return Err(MalformedMetadata);
        };
        Ok(Self {
            document: document.parse().map_err(|_| MalformedMetadata)?,
            client: client.parse().map_err(|_| MalformedMetadata)?,
            direction: direction.parse().map_err(|_| MalformedMetadata)?,
            period: period.parse().map_err(|_| MalformedMetadata)?,
            category: category.parse().map_err(|_| MalformedMetadata)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_read_as_written_and_nothing_else() {
        let metadata = UploadMetadata {
            document: DocumentId::random(),
            client: ClientId::random(),
            direction: Direction::In,
            period: "2026-03".parse().expect("a period"),
            category: Category::Bank,
        };
        let header = metadata.to_header();
        assert_eq!(UploadMetadata::parse(&header), Ok(metadata));
        let twice = format!("{header},{}", header.split(',').next().expect("a pair"));
        let unknown = format!("{header},filename {}", STANDARD.encode("a.pdf"));
        let (_, short) = header.split_once(',').expect("pairs");
        for bad in ["", "document", &twice, &unknown, short, &header.replace(' ', "")] {
            assert_eq!(UploadMetadata::parse(bad), Err(MalformedMetadata), "{bad}");
        }
    }
}
