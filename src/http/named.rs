//! What a request names that may be a client's: the document, share or client of its path, its query,
//! its tus metadata, or what its handler found in the body. Ids alone, and nothing is looked up.

use std::str::FromStr;

use axum::response::Response;
use http::request::Parts;

use crate::ids::{ClientId, DocumentId, ShareId};

use super::tus;

/// The things named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// A document.
    pub document: Option<DocumentId>,
    /// A share.
    pub share: Option<ShareId>,
    /// A client.
    pub client: Option<ClientId>,
}

/// What a handler found in the body, on the response of its problem.
#[derive(Clone, Copy, Debug)]
pub(super) struct Concerning(pub(super) ClientId);

impl Named {
    /// What a request to the path `template` names, its body aside.
    pub(super) fn in_request(template: &str, head: &Parts) -> Self {
        let mut named = Self {
            document: segment(template, head.uri.path(), "{document}"),
            share: segment(template, head.uri.path(), "{share}"),
            client: segment(template, head.uri.path(), "{client}"),
        };
        let query = head.uri.query().unwrap_or_default();
        let asked = query.split('&').find_map(|pair| pair.strip_prefix("client="));
        named.client = named.client.or_else(|| asked.and_then(|client| client.parse().ok()));
        if let Ok(upload) = tus::upload_metadata(&head.headers) {
            named.document = named.document.or(Some(upload.document));
            named.client = named.client.or(Some(upload.client));
        }
        named
    }

    /// And what its handler found in the body.
    pub(super) fn in_answer(&mut self, response: &Response) {
        let found = response.extensions().get::<Concerning>().map(|concerning| concerning.0);
        self.client = self.client.or(found);
    }
}

/// The value of the segment `name` of a path.
fn segment<T: FromStr>(template: &str, path: &str, name: &str) -> Option<T> {
    let mut pairs = template.split('/').zip(path.split('/'));
    pairs.find(|(part, _)| *part == name)?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(template: &str, uri: &str) -> Named {
        let (head, ()) =
            http::Request::builder().uri(uri).body(()).expect("a request").into_parts();
        Named::in_request(template, &head)
    }

    #[test]
    fn paths_and_queries_name_documents_and_clients() {
        let id = "0123456789abcdef0123456789abcdef";
        let document = named("/a/{document}/age", &format!("/a/{id}/age"));
        assert_eq!(document.document, id.parse().ok());
        assert_eq!(document.client, None);
        let client = named("/a", &format!("/a?x=1&client={id}"));
        assert_eq!((client.document, client.client), (None, id.parse().ok()));
        assert_eq!(named("/c/{client}/seen", &format!("/c/{id}/seen")).client, id.parse().ok());
        assert_eq!(named("/a/{document}", "/a/../x"), Named::default());
        assert_eq!(named("/a", "/a?client="), Named::default());
    }
}
