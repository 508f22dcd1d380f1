//! `PUT` and `POST /in/{token}`, with or without the file's name behind it.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::multipart::Multipart;
use crate::clock::Clock;
use crate::documents::{Arrived, Documents, Incoming, Wish};
use crate::envelope::statement::{Category, Hash, Note, Period, SealLevel};
use crate::http::documents::incoming;
use crate::http::{Path, Problem, Query as QueryOf, tus};
use crate::ids::DocumentId;
use crate::secrets::Secret;
use crate::trust::fragment::token_hash;

/// What a file without a name is called.
const UNNAMED: &str = "document";
/// The longest name that is taken, in bytes.
const MAX_NAME_BYTES: usize = 1024;

/// What else may be said. Never the name: addresses end up in histories.
#[derive(Clone, Copy, Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    /// Accounting period; last month without one.
    period: Option<Period>,
    /// Category; `other` without one.
    category: Option<Category>,
}

/// A document that has arrived.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Received {
    document: DocumentId,
    /// SHA-256 of what was sent; null for an age file, which is kept as it is.
    sha256: Option<Hash>,
    /// Bytes that were sent; null for an age file.
    size: Option<u64>,
    seal: SealLevel,
    receipt: Note,
}

/// A file of a form with several.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Row {
    Received(Received),
    /// With what would have been the answer to it alone.
    Refused {
        error: serde_json::Value,
    },
}

impl From<Arrived> for Received {
    fn from(arrived: Arrived) -> Self {
        let Arrived { document, sha256, size, seal, receipt } = arrived;
        Self { document, sha256, size, seal, receipt }
    }
}

/// One file's answer as it is; of several an array, under the status of the first that was not
/// taken.
fn answer(mut outcomes: Vec<Result<Received, Problem>>) -> Result<Response, Problem> {
    if outcomes.len() <= 1 {
        let none = || Problem::bad_request("The form holds no file; send it as file=@NAME.");
        let received = outcomes.pop().ok_or_else(none)??;
        return line(StatusCode::CREATED, &received);
    }
    let status = outcomes.iter().find_map(|outcome| outcome.as_ref().err().map(Problem::status));
    let rows: Vec<Row> = outcomes
        .into_iter()
        .map(|outcome| match outcome {
            Ok(received) => Row::Received(received),
            Err(problem) => Row::Refused { error: problem.to_json() },
        })
        .collect();
    line(status.unwrap_or(StatusCode::CREATED), &rows)
}

/// JSON with the end of a line, for whoever sees it in a terminal.
fn line(status: StatusCode, value: &impl Serialize) -> Result<Response, Problem> {
    let mut body = serde_json::to_vec(value).map_err(|e| Problem::internal(&e))?;
    body.push(b'\n');
    Ok((status, [(CONTENT_TYPE, "application/json")], body).into_response())
}

pub(super) async fn unnamed(
    documents: State<Documents>,
    clock: State<Clock>,
    Path(token): Path<String>,
    query: QueryOf<Query>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    receive(documents.0, &clock.0, &token, None, query.0, &headers, incoming(body)).await
}

pub(super) async fn named(
    documents: State<Documents>,
    clock: State<Clock>,
    Path((token, name)): Path<(String, String)>,
    query: QueryOf<Query>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let name = Zeroizing::new(name);
    receive(documents.0, &clock.0, &token, Some(name), query.0, &headers, incoming(body)).await
}

async fn receive(
    documents: Documents,
    clock: &Clock,
    token: &str,
    name: Option<Zeroizing<String>>,
    query: Query,
    headers: &HeaderMap,
    body: Incoming,
) -> Result<Response, Problem> {
    let secret = Secret::<32>::from_base64url(token).ok_or_else(Problem::not_found)?;
    let token = token_hash(&secret);
    let wish = |name: Option<Zeroizing<String>>, media_type: String, declared| {
        let name = name.filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| Zeroizing::new(UNNAMED.to_owned()));
        if name.len() > MAX_NAME_BYTES {
            return Err(Problem::bad_request("The file's name is longer than 1024 bytes."));
        }
        Ok(Wish {
            period: query.period.unwrap_or_else(|| Period::month_before(clock.now())),
            category: query.category.unwrap_or(Category::Other),
            name,
            media_type,
            declared,
        })
    };
    let media_type = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if let Some(boundary) = Multipart::boundary(media_type)? {
        let mut form = Multipart::new(body, &boundary);
        let mut outcomes = Vec::new();
        loop {
            let file = match form.next_file().await {
                Ok(Some(file)) => file,
                Ok(None) => break,
                // What came before it is here and must be told of; a file that broke off has
                // said so itself.
                Err(problem) => {
                    if !matches!(outcomes.last(), Some(Err(_))) {
                        outcomes.push(Err(problem));
                    }
                    break;
                }
            };
            let arrived = match wish(Some(file.name), file.media_type, None) {
                Ok(wish) => {
                    documents.arrive(token, wish, file.content).await.map_err(Problem::from)
                }
                Err(problem) => Err(problem),
            };
            if outcomes.is_empty()
                && let Err(problem) = &arrived
                && problem.status() == StatusCode::NOT_FOUND
            {
                // Nothing is taken at this address: the rest need not be read.
                return Err(problem.clone());
            }
            outcomes.push(arrived.map(Received::from));
        }
        return answer(outcomes);
    }
    // curl says so of every body it posts; it says nothing about the file.
    let guessed = matches!(media_type, "application/x-www-form-urlencoded");
    let media_type = if guessed { "" } else { media_type };
    let wish = wish(name, media_type.chars().take(128).collect(), tus::content_length(headers)?)?;
    let arrived = documents.arrive(token, wish, body).await?;
    line(StatusCode::CREATED, &Received::from(arrived))
}
