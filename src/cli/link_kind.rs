//! Which kind of link somebody was sent, so that one in the wrong command is told apart from one
//! that was cut off.

use super::error::Error;
use super::words::Word;

/// What a command wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinkKind {
    /// `/i/`: an invitation, for `join`.
    Invitation,
    /// `/u/`: a request link, for `send --link`.
    Request,
    /// `/s/`: a share, for `receive`, and for `send --link` with its code.
    Share,
    /// `/in/`: an address for plain curl.
    Arrival,
}

impl LinkKind {
    /// The kind of `url` by its path.
    fn of(url: &str) -> Option<Self> {
        let address = url.split_once('#').map_or(url, |(address, _)| address);
        let (_, rest) = address.split_once("://")?;
        let (_, path) = rest.split_once('/')?;
        match path.split('/').next()? {
            "i" => Some(Self::Invitation),
            "u" => Some(Self::Request),
            "s" => Some(Self::Share),
            "in" => Some(Self::Arrival),
            _ => None,
        }
    }

    /// Why `url` is not a link of this kind: another kind, named with its command, else
    /// [`Word::BadLink`].
    pub(super) fn missing_in(self, url: &str) -> Error {
        Error::new(match Self::of(url) {
            Some(kind) if kind == self => Word::BadLink,
            Some(Self::Invitation) => Word::IsInvitation,
            Some(Self::Request) => Word::IsRequestLink,
            Some(Self::Share) => Word::IsShareLink,
            Some(Self::Arrival) => Word::IsArrival,
            None => Word::BadLink,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_of_another_kind_is_named() {
        let code = |kind: LinkKind, url: &str| kind.missing_in(url).code().to_owned();
        assert_eq!(code(LinkKind::Share, "https://a.example/u/12#x"), "is_request_link");
        assert_eq!(code(LinkKind::Invitation, "https://a.example/s/12#x"), "is_share_link");
        assert_eq!(code(LinkKind::Request, "https://a.example:1/i/12#x"), "is_invitation");
        assert_eq!(code(LinkKind::Request, "https://a.example/in/TOKEN"), "is_arrival");
        for cut in ["https://a.example/u/12", "https://a.example/u/12#x", "nonsense", ""] {
            assert_eq!(code(LinkKind::Request, cut), "bad_link", "{cut}");
        }
    }
}
