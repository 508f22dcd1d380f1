//! Names of objects: `segments/aa/<32 hex digits>`, random, so that they say nothing and are
//! never used twice.

use std::fmt;

use crate::ids::parse_hex;
use crate::secrets::random_bytes;

/// The text is not the name of an object of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the name of an object")]
pub struct ParseKeyError;

/// The name of one object. Its first two hex digits name its folder.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(String);

impl ObjectKey {
    /// A new random name.
    pub fn random() -> Self {
        let name = hex::encode(random_bytes::<16>());
        Self(format!("{}/{}/{name}", super::SEGMENTS, &name[..2]))
    }

    /// Reads [`ObjectKey::as_str`], and nothing else: no path of a user's making passes.
    pub fn parse(text: &str) -> Result<Self, ParseKeyError> {
        let mut parts = text.split('/');
        let (Some(super::SEGMENTS), Some(shard), Some(name), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(ParseKeyError);
        };
        parse_hex::<16>(name).map_err(|_| ParseKeyError)?;
        if &name[..2] == shard { Ok(Self(text.into())) } else { Err(ParseKeyError) }
    }

    /// `segments/aa/<32 hex digits>`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    pub(super) fn shard(&self) -> &str {
        &self.name()[..2]
    }

    pub(super) fn path(&self) -> object_store::path::Path {
        object_store::path::Path::from(self.as_str())
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_our_making_are_names() {
        let key = ObjectKey::random();
        assert_eq!(ObjectKey::parse(key.as_str()), Ok(key));
        let name = "ab".repeat(16);
        assert!(ObjectKey::parse(&format!("segments/ab/{name}")).is_ok());
        for bad in [
            format!("segments/ba/{name}"),
            format!("segments/ab/{name}/x"),
            format!("segments/../ab/{name}"),
            format!("/segments/ab/{name}"),
            format!("segments/ab/{}", name.to_uppercase()),
            format!("segments/ab/{name}#1"),
            "segments/ab/..".into(),
            String::new(),
        ] {
            assert!(ObjectKey::parse(&bad).is_err(), "{bad}");
        }
    }
}
