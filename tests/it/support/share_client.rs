//! A partner at the level of HTTP: the proofs of a share link, and requests under a lease.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::json;
use strongroom::ids::{LeaseId, ShareId};
use strongroom::trust::fragment::Fragment;
use strongroom::trust::share::ShareSecrets;

use super::demo::Demo;
use super::tls::{Answer, Client};

/// What link and code prove.
#[derive(Clone)]
pub(crate) struct Proven {
    pub(crate) id: String,
    pub(crate) find: String,
    pub(crate) open: String,
    pub(crate) open_bytes: [u8; 32],
}

/// By which version of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    H1,
    H2,
}

/// A client that trusts the demo's CA.
pub(crate) fn client(demo: &Demo) -> Client {
    let ca = demo.record["ca"].as_str().expect("a CA");
    Client::trusting(ca.as_ref(), demo.address())
}

impl Proven {
    /// What the link `url` and `code` prove.
    pub(crate) fn new(url: &str, code: &str) -> Self {
        let (address, fragment) = url.split_once('#').expect("a fragment");
        let (_, id) = address.rsplit_once('/').expect("an id");
        let share: ShareId = id.parse().expect("an id");
        let fragment = Fragment::decode(fragment).expect("a fragment");
        let code = (!code.is_empty()).then(|| code.parse().expect("a code"));
        let secrets = ShareSecrets::derive(&fragment, share, code.as_ref());
        Self {
            id: id.to_owned(),
            find: secrets.find.to_base64url().to_string(),
            open: secrets.open.to_base64url().to_string(),
            open_bytes: *secrets.open.expose(),
        }
    }

    /// The body that opens the share for `lease`.
    pub(crate) fn body(&self, lease: LeaseId) -> String {
        json!({ "find": self.find, "open": self.open, "lease": lease }).to_string()
    }

    /// What proves `lease`.
    pub(crate) fn proof(&self, lease: LeaseId) -> String {
        URL_SAFE_NO_PAD.encode([&lease.as_bytes()[..], &self.open_bytes].concat())
    }

    /// `POST …/{what}` for `lease`.
    pub(crate) async fn post(
        &self,
        client: &Client,
        version: Version,
        what: &str,
        lease: LeaseId,
    ) -> Answer {
        let path = format!("/api/v1/shares/{}/{what}", self.id);
        let body = Full::new(Bytes::from(self.body(lease)));
        let json = ("content-type", "application/json");
        send(client, version, "POST", &path, &[json], body).await
    }

    /// A request for a document under `lease`.
    pub(crate) async fn fetch(
        &self,
        client: &Client,
        version: Version,
        (method, document, range): (&str, &str, Option<&str>),
        lease: LeaseId,
    ) -> Answer {
        let path = format!("/api/v1/shares/{}/{document}/age", self.id);
        let proof = self.proof(lease);
        let mut headers = vec![("strongroom-lease", proof.as_str())];
        headers.extend(range.map(|range| ("range", range)));
        send(client, version, method, &path, &headers, Full::default()).await
    }
}

/// One request on a connection of its own.
pub(crate) async fn send(
    client: &Client,
    version: Version,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Full<Bytes>,
) -> Answer {
    let mut request: http::request::Builder = match version {
        Version::H1 => client.request(method, path),
        Version::H2 => client.request_h2(method, path),
    };
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request: Request<Full<Bytes>> = request.body(body).expect("a request");
    match version {
        Version::H1 => client.h1(request).await,
        Version::H2 => client.h2(request).await,
    }
}
