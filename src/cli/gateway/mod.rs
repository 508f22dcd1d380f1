//! The gateway as this device talks to it: HTTPS only (TLS 1.3), one pool of connections,
//! problem details turned into words.
//!
//! Refuses plain HTTP, foreign certificates and answers of other shapes than `api` names. Knows
//! nothing of sessions; see `session`.

mod body;
#[cfg(test)]
pub(in crate::cli) mod fake;
mod line;
mod session;
mod tls;

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::api::ProblemBody;

use super::error::Error;
use super::words::Word;

pub use body::{Body, Sent, StreamedBody};
pub use line::{Line, LinkLine};
pub use session::Session;

/// Where every route of `api` begins.
const API: &str = "/api/v1";

/// The longest JSON answer that is read, in bytes: a page of documents with their headers.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// How long an answer to a short request may take.
const ANSWER_DEADLINE: Duration = Duration::from_secs(90);

const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

/// Waits between tries of a request that can be repeated.
const PAUSES_MS: [u64; 3] = [150, 600, 1500];

/// A gateway's address and the connections to it.
#[derive(Clone, Debug)]
pub struct Gateway {
    client: Client<HttpsConnector<HttpConnector>, Body>,
    origin: String,
}

/// Which request is asked.
#[derive(Clone, Debug)]
pub struct Ask {
    method: Method,
    path: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
}

impl Ask {
    /// A request without a body. `path` follows `/api/v1`.
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), headers: Vec::new(), body: Bytes::new() }
    }

    /// A GET.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// A POST of `value` as JSON.
    pub fn post(path: impl Into<String>, value: &impl Serialize) -> Result<Self, Error> {
        Self::json(Method::POST, path, value)
    }

    /// A request with `value` as JSON.
    pub fn json(
        method: Method,
        path: impl Into<String>,
        value: &impl Serialize,
    ) -> Result<Self, Error> {
        let body = serde_json::to_vec(value)
            .map_err(|e| Error::new(Word::Internal).about("request").because(e))?;
        Ok(Self::new(method, path)
            .with(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .with_body(body.into()))
    }

    /// With one more header.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// With this body.
    #[must_use]
    pub fn with_body(mut self, body: Bytes) -> Self {
        self.body = body;
        self
    }
}

impl Gateway {
    /// A gateway at `url`, trusted by `ca` (PEM) or, without, by the system's certificates.
    /// Connects when the first request is sent.
    ///
    /// # Errors
    /// [`Word::BadUrl`], [`Word::Certificate`] for a CA that cannot be read.
    pub fn at(url: &str, ca: Option<&[u8]>) -> Result<Self, Error> {
        let origin = origin_of(url)?;
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_DEADLINE));
        tcp.set_keepalive(Some(Duration::from_secs(30)));
        // HTTP/1.1 alone: bulk bodies go faster over it, and parallel requests get connections
        // of their own.
        let https = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls::config(ca)?)
            .https_only()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(20))
            .build(https);
        Ok(Self { client, origin })
    }

    /// The address, e.g. `https://files.example:8443`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    fn request(&self, ask: &Ask, token: Option<&str>, body: Body) -> Result<Request<Body>, Error> {
        let mut request = Request::builder()
            .method(ask.method.clone())
            .uri(format!("{}{API}{}", self.origin, ask.path))
            .header(USER_AGENT, concat!("strongroom/", env!("CARGO_PKG_VERSION")))
            .header(ACCEPT, "application/json, */*;q=0.5");
        for (name, value) in &ask.headers {
            request = request.header(name, value);
        }
        if let Some(token) = token {
            let mut value = HeaderValue::try_from(format!("Bearer {token}"))
                .map_err(|e| Error::new(Word::LoggedOut).because(e))?;
            value.set_sensitive(true);
            request = request.header(http::header::AUTHORIZATION, value);
        }
        request.body(body).map_err(|e| Error::new(Word::Internal).about("request").because(e))
    }

    /// Sends once and returns whatever answers, refusals included. `deadline` is for the head of
    /// the answer.
    ///
    /// # Errors
    /// [`Word::Unreachable`], [`Word::Certificate`].
    pub async fn exchange(
        &self,
        ask: &Ask,
        token: Option<&str>,
        body: Body,
        deadline: Duration,
    ) -> Result<Response<Incoming>, Error> {
        let request = self.request(ask, token, body)?;
        match tokio::time::timeout(deadline, self.client.request(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(connection_error(&error)),
            Err(_) => Err(Error::new(Word::Unreachable).because("no answer in time")),
        }
    }

    /// Sends a request that may be sent twice, again when the connection breaks, and returns the
    /// answer when it is a success.
    ///
    /// # Errors
    /// [`Word::Unreachable`], and what the gateway refuses with.
    pub async fn answer(
        &self,
        ask: &Ask,
        token: Option<&str>,
    ) -> Result<Response<Incoming>, Error> {
        let mut pauses = PAUSES_MS.iter();
        loop {
            let body = body::whole(ask.body.clone());
            let tried = match self.exchange(ask, token, body, ANSWER_DEADLINE).await {
                Ok(response) => accept(response).await,
                Err(error) => Err(error),
            };
            match tried {
                Err(error) if matches!(error.word(), Word::Unreachable | Word::Unavailable) => {
                    let Some(pause) = pauses.next() else { return Err(error) };
                    tokio::time::sleep(Duration::from_millis(*pause)).await;
                }
                other => return other,
            }
        }
    }

    /// As [`Gateway::answer`], and reads the answer's JSON.
    ///
    /// # Errors
    /// As [`Gateway::answer`], and [`Word::BadAnswer`].
    pub async fn json<T: DeserializeOwned>(
        &self,
        ask: &Ask,
        token: Option<&str>,
    ) -> Result<T, Error> {
        read_json(self.answer(ask, token).await?).await
    }
}

/// Scheme, host and port of `url`, without anything behind.
///
/// # Errors
/// [`Word::BadUrl`] for anything but an `https` address.
pub fn origin_of(url: &str) -> Result<String, Error> {
    let bad = || Error::new(Word::BadUrl).about(super::terminal::printable(without_secret(url)));
    let uri: http::Uri = without_secret(url).parse().map_err(|_| bad())?;
    let authority = uri.authority().ok_or_else(bad)?;
    if uri.scheme_str() != Some("https") || authority.as_str().contains('@') {
        return Err(bad());
    }
    Ok(format!("https://{authority}"))
}

/// A fragment is a secret and must not turn up in messages.
fn without_secret(url: &str) -> &str {
    url.split_once('#').map_or(url, |(before, _)| before)
}

fn connection_error(error: &hyper_util::client::legacy::Error) -> Error {
    let mut source = std::error::Error::source(error);
    let mut last = error.to_string();
    while let Some(cause) = source {
        if let Some(rustls::Error::InvalidCertificate(why)) = tls_error(cause) {
            return Error::new(Word::Certificate).because(format!("{why:?}"));
        }
        last = cause.to_string();
        source = cause.source();
    }
    Error::new(Word::Unreachable).because(last)
}

/// The TLS error in `error`, through as many I/O errors as are wrapped around it.
fn tls_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return Some(tls);
    }
    let inner = error.downcast_ref::<std::io::Error>()?.get_ref()?;
    tls_error(inner)
}

/// The whole of a short body.
///
/// # Errors
/// [`Word::Unreachable`] when it breaks off, [`Word::BadAnswer`] when it is too long.
pub async fn read_body(response: Response<Incoming>) -> Result<Bytes, Error> {
    let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES);
    match tokio::time::timeout(ANSWER_DEADLINE, body.collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(e)) if e.is::<http_body_util::LengthLimitError>() => {
            Err(Error::new(Word::BadAnswer).because("too long"))
        }
        Ok(Err(e)) => Err(Error::new(Word::Unreachable).because(e)),
        Err(_) => Err(Error::new(Word::Unreachable).because("no answer in time")),
    }
}

/// The JSON of an answer.
///
/// # Errors
/// As [`read_body`], and [`Word::BadAnswer`] for JSON of another shape.
pub async fn read_json<T: DeserializeOwned>(response: Response<Incoming>) -> Result<T, Error> {
    let bytes = read_body(response).await?;
    serde_json::from_slice(&bytes).map_err(|e| Error::new(Word::BadAnswer).because(e))
}

/// The answer when it is a success, else what it refuses with.
///
/// # Errors
/// By the problem's code; by status where there is no problem in the body.
pub async fn accept(response: Response<Incoming>) -> Result<Response<Incoming>, Error> {
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status();
    let problem = read_body(response)
        .await
        .ok()
        .and_then(|bytes| serde_json::from_slice::<ProblemBody>(&bytes).ok());
    Err(refusal(status, problem.as_ref()))
}

fn refusal(status: StatusCode, problem: Option<&ProblemBody>) -> Error {
    if let Some(problem) = problem {
        let detail = super::terminal::printable(problem.detail.as_deref().unwrap_or_default());
        return match problem.code.as_str() {
            "internal" => Error::new(Word::GatewayFailed),
            _ if status.is_server_error() => match Word::from_code(&problem.code) {
                Some(word) => Error::new(word),
                None => Error::new(Word::Unavailable).because(detail),
            },
            code => Error::remote(code, &detail).no_earlier_than(problem.not_before),
        };
    }
    match status {
        StatusCode::UNAUTHORIZED => Error::new(Word::LoggedOut),
        StatusCode::NOT_FOUND => Error::new(Word::NotFound),
        StatusCode::FORBIDDEN => Error::new(Word::NotAllowed),
        StatusCode::PAYLOAD_TOO_LARGE => Error::new(Word::TooLarge),
        StatusCode::TOO_MANY_REQUESTS => Error::new(Word::TooMany),
        StatusCode::REQUEST_TIMEOUT => Error::new(Word::Unreachable).because("too slow"),
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => {
            Error::new(Word::Unavailable)
        }
        _ => Error::new(Word::BadAnswer).because(status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::error::Exit;

    #[test]
    fn an_address_is_cut_down_to_its_origin() {
        let origin = |url: &str| origin_of(url).map_err(|e| e.code().to_owned());
        assert_eq!(
            origin("https://a.example:8443/i/1#secret"),
            Ok("https://a.example:8443".into())
        );
        assert_eq!(origin("https://[::1]:1/"), Ok("https://[::1]:1".into()));
        for bad in ["http://a.example", "a.example", "https://", "https://u:p@a.example", ""] {
            assert_eq!(origin(bad), Err("bad_url".into()), "{bad}");
        }
        let error = origin_of("http://a.example/i/1#secret").expect_err("plain HTTP");
        assert!(!error.message(crate::cli::lang::Lang::En).contains("secret"));
    }

    #[test]
    fn refusals_become_exit_statuses() {
        let problem = |status: u16, code: &str| ProblemBody {
            kind: "about:blank".into(),
            title: String::new(),
            status,
            detail: None,
            code: code.into(),
            request_id: None,
            not_before: None,
        };
        for (status, code, exit, named) in [
            (404, "not_found", Exit::Refused, "not_found"),
            (401, "unauthorized", Exit::Refused, "unauthorized"),
            (422, "no_reading_key", Exit::Refused, "no_reading_key"),
            (409, "something_new", Exit::Refused, "something_new"),
            (503, "unavailable", Exit::Unreachable, "unavailable"),
            (503, "something_new", Exit::Unreachable, "unavailable"),
            (507, "insufficient_storage", Exit::Unreachable, "insufficient_storage"),
            (500, "internal", Exit::Unreachable, "gateway_failed"),
        ] {
            let status_code = StatusCode::from_u16(status).expect("a status");
            let error = refusal(status_code, Some(&problem(status, code)));
            assert_eq!((error.exit(), error.code()), (exit, named), "{status} {code}");
        }
        let bare = |status| refusal(status, None).exit();
        assert_eq!(bare(StatusCode::NOT_FOUND), Exit::Refused);
        assert_eq!(bare(StatusCode::BAD_GATEWAY), Exit::Unreachable);
        assert_eq!(bare(StatusCode::IM_A_TEAPOT), Exit::Unreachable);
    }
}
