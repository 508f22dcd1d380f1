//! Typed identifiers: 16 random bytes in lower-case hex, chosen by whoever creates the
//! thing. A [`DocumentId`] never stands in for a [`ClientId`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::secrets::random_bytes;

/// The text is not 32 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id of 32 lower-case hex digits")]
pub struct ParseIdError;

/// Reads exactly `N` bytes from lower-case hex; upper case is refused so that one value
/// has one text.
pub fn parse_hex<const N: usize>(text: &str) -> Result<[u8; N], ParseIdError> {
    let mut bytes = [0_u8; N];
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(ParseIdError);
    }
    hex::decode_to_slice(text, &mut bytes).map_err(|_| ParseIdError)?;
    Ok(bytes)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// A new random id.
            pub fn random() -> Self {
                Self(random_bytes())
            }

            /// From its bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// Its bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse_hex(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// A document (文档).
    DocumentId
);
id!(
    /// A client (客户): a company whose books the firm keeps.
    ClientId
);
id!(
    /// A member: a person with an account. Gateway keys and the recovery key have one too.
    MemberId
);
id!(
    /// An invitation to join.
    InvitationId
);
id!(
    /// A request link (上传链接) or an address for sealing on arrival.
    LinkId
);
id!(
    /// A share (分享): documents that leave the firm for one partner.
    ShareId
);
id!(
    /// A registered partner (合作机构).
    PartnerId
);
id!(
    /// One fetching of a share; chosen by who fetches, so that a retry takes no second slot.
    LeaseId
);
id!(
    /// A ceremony that recovers a client's documents with two recovery shares.
    RecoveryId
);
id!(
    /// A hand-over (移交) of all clients of one accountant to another.
    HandoverId
);
id!(
    /// A session of one member on one device.
    SessionId
);
id!(
    /// One request to the gateway, as it appears in logs and problem details.
    RequestId
);
id!(
    /// The first 16 bytes of SHA-256 of an Ed25519 public key: who signed.
    KeyId
);

/// The [`KeyId`] of the firm's root key.
pub type RootId = KeyId;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_one_text() {
        let id = DocumentId::random();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(
            id.to_string().to_uppercase().parse::<DocumentId>().is_ok(),
            !id.to_string().bytes().any(|b| b.is_ascii_alphabetic())
        );
        for bad in ["", "00", &"0".repeat(31), &"0".repeat(33), &"g".repeat(32)] {
            assert_eq!(bad.parse::<DocumentId>(), Err(ParseIdError));
        }
    }
}
