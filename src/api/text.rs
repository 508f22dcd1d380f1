//! How bytes, ids and statements look in JSON and in OpenAPI: as strings.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{KnownFormat, RefOr, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::clock::Timestamp;
use crate::envelope::statement::{Hash, Note, Period, PublicKey};
use crate::ids::{
    ClientId, DocumentId, HandoverId, InvitationId, KeyId, LeaseId, LinkId, MemberId, PartnerId,
    RecoveryId, RequestId, SessionId, ShareId,
};

/// Bytes as standard base64 with padding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base64(pub Vec<u8>);

impl Serialize for Base64 {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        STANDARD.decode(text.as_bytes()).map(Self).map_err(serde::de::Error::custom)
    }
}

fn text(format: SchemaFormat, description: &str) -> RefOr<Schema> {
    RefOr::T(
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(format))
            .description(Some(description))
            .build()
            .into(),
    )
}

macro_rules! text_schema {
    ($($type:ty => $format:expr, $description:literal;)*) => {$(
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                text($format, $description)
            }
        }
        impl ToSchema for $type {}
    )*};
}

fn custom(name: &str) -> SchemaFormat {
    SchemaFormat::Custom(name.into())
}

text_schema!(
    Base64 => SchemaFormat::KnownFormat(KnownFormat::Byte), "Bytes in standard base64.";
    Note => custom("signed-note"), "A statement as a C2SP signed note.";
    Hash => custom("sha256"), "A SHA-256 hash in lower-case hex.";
    PublicKey => custom("ed25519"), "An Ed25519 public key in lower-case hex.";
    Period => custom("period"), "An accounting period, YYYY-MM.";
    Timestamp => SchemaFormat::KnownFormat(KnownFormat::DateTime), "RFC 3339 in UTC with milliseconds.";
    DocumentId => custom("id"), "A document's id: 32 lower-case hex digits.";
    ClientId => custom("id"), "A client's id: 32 lower-case hex digits.";
    MemberId => custom("id"), "A member's id: 32 lower-case hex digits.";
    InvitationId => custom("id"), "An invitation's id: 32 lower-case hex digits.";
    LinkId => custom("id"), "A link's id: 32 lower-case hex digits.";
    ShareId => custom("id"), "A share's id: 32 lower-case hex digits.";
    PartnerId => custom("id"), "A partner's id: 32 lower-case hex digits.";
    LeaseId => custom("id"), "A lease's id: 32 lower-case hex digits.";
    SessionId => custom("id"), "A session's id: 32 lower-case hex digits.";
    RequestId => custom("id"), "A request's id: 32 lower-case hex digits.";
    RecoveryId => custom("id"), "A recovery's id: 32 lower-case hex digits.";
    HandoverId => custom("id"), "A hand-over's id: 32 lower-case hex digits.";
    KeyId => custom("id"), "A key's id: 32 lower-case hex digits.";
);
