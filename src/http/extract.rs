//! What handlers take from a request: a JSON body, a query, the values of a path. Each
//! refuses with a problem what it does not understand.
//!
//! Refuses bodies that are not declared JSON (415), too long (413), hold a key twice at any
//! depth, or a field that the type does not know (400): two readers of one body must never
//! see two different things. A path value that cannot be an id names nothing (404).

use std::collections::HashSet;
use std::fmt;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde::de::{DeserializeOwned, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::api::codes;

use super::problem::Problem;

/// A JSON body of at most `MAX` bytes, and a JSON answer. `T` must deny unknown fields; a
/// test over OpenAPI sees to it.
#[derive(Debug, Clone)]
pub struct Json<T, const MAX: usize = { 64 * 1024 }>(pub T);

impl<S, T, const MAX: usize> FromRequest<S> for Json<T, MAX>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::unsupported_media_type("Send application/json."));
        }
        if declared(request.headers()).is_some_and(|bytes| bytes > MAX as u64) {
            return Err(Problem::too_large(MAX as u64));
        }
        let body = Limited::new(request.into_body(), MAX).collect().await.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                Problem::too_large(MAX as u64)
            } else {
                Problem::from_body(error.as_ref())
            }
        })?;
        parse(&body.to_bytes()).map(Self)
    }
}

impl<T: Serialize, const MAX: usize> IntoResponse for Json<T, MAX> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// Reads one JSON value of the type `T`, without a key twice anywhere.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice::<Unambiguous>(bytes).map_err(|e| misread(&e))?;
    serde_json::from_slice(bytes).map_err(|e| misread(&e))
}

/// Names the place alone: what stood there stays with its sender.
fn misread(error: &serde_json::Error) -> Problem {
    let detail = if error.is_data() {
        "The JSON does not fit: a field is missing, unknown, there twice or of another type."
    } else {
        "The body is not JSON."
    };
    Problem::bad_request(detail).with("line", error.line()).with("column", error.column())
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Ok(value) = value.to_str() else { return false };
    let (media, parameters) = value.split_once(';').unwrap_or((value, ""));
    let charset = parameters.trim();
    media.trim().eq_ignore_ascii_case("application/json")
        && (charset.is_empty() || charset.eq_ignore_ascii_case("charset=utf-8"))
}

fn declared(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Any JSON in which every object has each key once.
struct Unambiguous;

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Walk)
    }
}

struct Walk;

impl<'de> Visitor<'de> for Walk {
    type Value = Unambiguous;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_str<E>(self, _: &str) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_unit<E>(self) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Unambiguous, A::Error> {
        while seq.next_element::<Unambiguous>()?.is_some() {}
        Ok(Unambiguous)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Unambiguous, A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if !seen.insert(key) {
                return Err(A::Error::custom("a key twice"));
            }
            map.next_value::<Unambiguous>()?;
        }
        Ok(Unambiguous)
    }
}

/// The query as `T`, each key once; `T` must deny unknown fields.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        axum::extract::Query::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|_| {
                Problem::bad_request(
                    "The query has a field that is missing, unknown, there twice or misspelt.",
                )
            })
    }
}

/// The values of the path's template as `T`.
#[derive(Debug, Clone)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        axum::extract::Path::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(value)| Self(value))
            .map_err(|_| Problem::not_found())
    }
}

/// A request whose media type must be exactly `media_type`, without parameters.
pub fn require_media_type(headers: &HeaderMap, media_type: &'static str) -> Result<(), Problem> {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    match (values.next(), values.next()) {
        (Some(value), None) if value.as_bytes().eq_ignore_ascii_case(media_type.as_bytes()) => {
            Ok(())
        }
        _ => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            codes::UNSUPPORTED_MEDIA_TYPE,
            format!("Send {media_type}."),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Thing {
        a: u32,
        #[serde(default)]
        b: Vec<serde_json::Value>,
    }

    async fn read(content_type: &str, body: &'static str) -> Result<Thing, u16> {
        let request = Request::builder()
            .header(CONTENT_TYPE, content_type)
            .body(Body::from(body))
            .expect("a request");
        let json: Result<Json<Thing, 64>, _> = Json::from_request(request, &()).await;
        json.map(|Json(thing)| thing).map_err(|problem| problem.status().as_u16())
    }

    #[tokio::test]
    async fn a_body_is_read_in_one_way_or_not_at_all() {
        let json = "application/json";
        assert_eq!(read(json, r#"{"a":1}"#).await, Ok(Thing { a: 1, b: vec![] }));
        assert!(read("Application/JSON; charset=UTF-8", r#"{"a":1}"#).await.is_ok());
        for body in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"a":1,"b":[{"x":1,"x":2}]}"#,
            r#"{"a":1,"c":2}"#,
            r#"{"a":1} x"#,
            r#"{"a":1}{"a":2}"#,
            r#"{"a":"1"}"#,
            "{}",
            "",
            "\u{feff}{\"a\":1}",
        ] {
            assert_eq!(read(json, body).await, Err(400), "{body}");
        }
        for wrong in ["text/plain", "application/jsonx", "application/json; charset=gbk", ""] {
            assert_eq!(read(wrong, r#"{"a":1}"#).await, Err(415), "{wrong}");
        }
        let long = r#"{"a":1,"b":["xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"]}"#;
        assert_eq!(read(json, long).await, Err(413));
    }

    #[test]
    fn depth_is_bounded() {
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(parse::<serde_json::Value>(deep.as_bytes()).is_err());
    }
}
