//! `/healthz`, `/readyz`, `/.well-known/security.txt` and `/api/openapi.json`: what anybody
//! may ask.
//!
//! Invariant: they tell nothing of people or documents; readiness names which part is not
//! ready, never why (the log has that).

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRef, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::Clock;

use super::operation::operation;
use super::policy::Policy;
use super::problem::Problem;
use super::routes::Routes;

/// How long a readiness check may take before it counts as failed.
const CHECK_DEADLINE: Duration = Duration::from_secs(5);

/// How long a `security.txt` is good for (RFC 9116 §2.5.5 wants less than a year).
const CONTACT_SECONDS: i64 = 180 * 24 * 3600;

type Check = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = bool> + Send>> + Send + Sync>;

/// The named things a gateway needs before it can serve.
#[derive(Clone, Default)]
pub struct Readiness {
    checks: Arc<Vec<(&'static str, Check)>>,
}

impl Readiness {
    /// Nothing to wait for.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the check `name` (e.g. `database`), which answers whether that part is ready.
    #[must_use]
    pub fn with<F, Fut>(self, name: &'static str, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = bool> + Send + 'static,
    {
        let mut checks: Vec<_> = self.checks.iter().cloned().collect();
        checks.push((name, Arc::new(move || Box::pin(check()))));
        Self { checks: Arc::new(checks) }
    }

    /// Runs every check, each within five seconds: the names of those that are not ready.
    pub async fn failing(&self) -> Vec<&'static str> {
        let mut failing = Vec::new();
        for (name, check) in self.checks.iter() {
            if !tokio::time::timeout(CHECK_DEADLINE, check()).await.unwrap_or(false) {
                failing.push(*name);
            }
        }
        failing
    }
}

/// What `security.txt` says; without a contact, the origin itself.
#[derive(Debug, Clone)]
pub struct SecurityContact {
    /// `https:`, `mailto:` or `tel:` address.
    pub contact: String,
    /// The gateway's public origin.
    pub origin: String,
    /// For the date of expiry.
    pub clock: Clock,
}

/// The OpenAPI document, made once when the router is put together.
#[derive(Debug, Clone, Default)]
pub(super) struct Document(pub(super) Arc<str>);

#[derive(Serialize, ToSchema)]
struct Health {
    /// `ok`, or `not_ready`.
    status: &'static str,
    /// Names of the parts that are not ready.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    waiting_for: Vec<&'static str>,
}

/// The routes that anybody may ask.
pub fn routes<S>() -> Routes<S>
where
    S: Clone + Send + Sync + 'static,
    Readiness: FromRef<S>,
    SecurityContact: FromRef<S>,
{
    Routes::new()
        .get(
            "/healthz",
            Policy::Public,
            operation("health.live", "Whether the process runs.")
                .answers_json::<Health>(StatusCode::OK, "It runs."),
            live,
        )
        .get(
            "/readyz",
            Policy::Public,
            operation("health.ready", "Whether everything it needs is there.")
                .answers_json::<Health>(StatusCode::OK, "It serves.")
                .answers_json::<Health>(StatusCode::SERVICE_UNAVAILABLE, "Parts are missing."),
            ready,
        )
        .get(
            "/.well-known/security.txt",
            Policy::Public,
            operation("health.contact", "Where to report a weakness (RFC 9116).").answers_bytes(
                StatusCode::OK,
                "text/plain; charset=utf-8",
                "The contact.",
            ),
            contact,
        )
        .get(
            "/api/openapi.json",
            Policy::Public,
            operation("health.openapi", "This document.").answers_bytes(
                StatusCode::OK,
                "application/json",
                "OpenAPI.",
            ),
            openapi,
        )
}

async fn live() -> Response {
    axum::Json(Health { status: "ok", waiting_for: Vec::new() }).into_response()
}

async fn ready(State(readiness): State<Readiness>) -> Response {
    let waiting_for = readiness.failing().await;
    if waiting_for.is_empty() {
        return live().await;
    }
    let body = Health { status: "not_ready", waiting_for };
    (StatusCode::SERVICE_UNAVAILABLE, axum::Json(body)).into_response()
}

async fn contact(State(security): State<SecurityContact>) -> Response {
    // Where nobody was named, whoever runs this address is the one to ask.
    let origin = security.origin.trim_end_matches('/');
    let contact = if security.contact.is_empty() { origin } else { &security.contact };
    let expires = security.clock.now().plus_secs(CONTACT_SECONDS);
    let text = format!(
        "Contact: {contact}\nExpires: {expires}\nPreferred-Languages: zh, en\n\
         Canonical: {origin}/.well-known/security.txt\n",
    );
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

async fn openapi(document: Option<axum::Extension<Document>>) -> Result<Response, Problem> {
    let axum::Extension(document) = document.ok_or_else(Problem::not_found)?;
    Ok(([(CONTENT_TYPE, "application/json")], document.0.to_string()).into_response())
}
