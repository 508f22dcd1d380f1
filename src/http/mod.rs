//! HTTP: routes, their policies and descriptions, problems, and the server underneath.
//!
//! A domain brings its routes as a [`Routes`] value, `app` joins them with [`routes()`] and
//! turns all into one router with [`assemble`]. Invariant: nothing reaches a handler except
//! through its declared policy and the front door in `middleware`.

pub mod arrival;
pub mod custody;
pub mod documents;
pub mod extract;
mod failures;
pub mod firm;
pub mod health;
pub mod identity;
pub mod links;
pub mod log;
pub mod logs;
pub mod metrics;
mod middleware;
mod named;
mod openapi;
mod operation;
pub mod pages;
pub mod partners;
pub mod policy;
pub mod problem;
pub mod range;
mod read_on;
pub mod request_id;
mod routes;
pub mod server;
pub mod shares;
pub mod tus;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, FromRef};
use axum::{Extension, Router};

pub use extract::{Json, Path, Query};
pub use health::{Readiness, SecurityContact};
pub use middleware::Hosts;
pub use named::Named;
pub use operation::{Operation, operation};
pub use policy::{Authenticator, Caller, Policy, Relation};
pub use problem::Problem;
pub use routes::{Endpoint, Routes, Verb};
pub use server::Leash;

use metrics::Metrics;

/// The longest body that extractors gather in memory, in bytes; streams are not bound by it.
const GATHERED_BODY_BYTES: usize = 256 * 1024;

/// The routes that belong to no domain: health, readiness, contact, OpenAPI.
pub fn routes<S>() -> Routes<S>
where
    S: Clone + Send + Sync + 'static,
    Readiness: FromRef<S>,
    SecurityContact: FromRef<S>,
{
    health::routes()
}

/// The OpenAPI document of `routes`, as `/api/openapi.json` serves it.
pub fn openapi<S: Clone + Send + Sync + 'static>(routes: &Routes<S>) -> String {
    openapi::document(&routes.endpoints())
}

/// One router of `routes` over `state`: answers for the names `hosts`, proves sessions with
/// `authenticator`, counts into `metrics`.
pub fn assemble<S: Clone + Send + Sync + 'static>(
    routes: Routes<S>,
    state: S,
    hosts: Hosts,
    authenticator: Arc<dyn Authenticator>,
    metrics: Arc<Metrics>,
) -> Router {
    let document = health::Document(openapi(&routes).into());
    let templates = Arc::new(routes.endpoints().iter().map(|endpoint| endpoint.path).collect());
    let front = middleware::Front { hosts, authenticator, metrics, templates };
    routes
        .into_router()
        .layer(Extension(document))
        .layer(DefaultBodyLimit::max(GATHERED_BODY_BYTES))
        .layer(axum::middleware::from_fn_with_state(front, middleware::front))
        .with_state(state)
}
