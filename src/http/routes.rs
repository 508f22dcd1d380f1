//! The registry of routes: method, path template, policy, description and handler together.
//!
//! Refuses a route without a policy: there is no way to write one down. Invariant: the list
//! of [`Endpoint`]s is exactly what the router answers, so tests compare it with the reviewed
//! file of unauthenticated routes and OpenAPI is generated from it.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use http::{Method, StatusCode};

use super::named::Named;
use super::operation::Operation;
use super::policy::{self, Authenticator, Caller, Policy};
use super::problem::Problem;

/// A method that a route may answer. `HEAD` is answered wherever `GET` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// `GET`, and `HEAD` with it.
    Get,
    /// `HEAD` where there is no `GET` (tus).
    Head,
    /// `POST`.
    Post,
    /// `PUT`.
    Put,
    /// `PATCH`.
    Patch,
    /// `DELETE`.
    Delete,
    /// `OPTIONS` (tus).
    Options,
}

impl Verb {
    /// The method as `http` knows it.
    pub fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Head => Method::HEAD,
            Self::Post => Method::POST,
            Self::Put => Method::PUT,
            Self::Patch => Method::PATCH,
            Self::Delete => Method::DELETE,
            Self::Options => Method::OPTIONS,
        }
    }

    fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Head => MethodFilter::HEAD,
            Self::Post => MethodFilter::POST,
            Self::Put => MethodFilter::PUT,
            Self::Patch => MethodFilter::PATCH,
            Self::Delete => MethodFilter::DELETE,
            Self::Options => MethodFilter::OPTIONS,
        }
    }
}

/// One route as declared, without its handler.
#[derive(Clone)]
pub struct Endpoint {
    /// The method.
    pub verb: Verb,
    /// The path template, e.g. `/api/v1/documents/{document}`.
    pub path: &'static str,
    /// Who may.
    pub policy: Policy,
    /// What it takes and answers.
    pub operation: Operation,
}

/// Routes of one domain, or of all, over the state `S` from which handlers take what they
/// use through `FromRef`.
pub struct Routes<S> {
    entries: Vec<(Endpoint, MethodRouter<S>)>,
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// No routes.
    pub fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// Adds one route.
    #[must_use]
    pub fn route<H, T>(
        mut self,
        verb: Verb,
        path: &'static str,
        policy: Policy,
        operation: Operation,
        handler: H,
    ) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        // `route_layer` leaves the 405 answer alone: an unknown method needs no session.
        let name: Arc<str> = operation.inner.operation_id.as_deref().unwrap_or(path).into();
        let guarded = on(verb.filter(), handler).route_layer(middleware::from_fn(
            move |request: Request, next: Next| {
                let name = name.clone();
                async move { guard(policy, path, &name, request, next).await }
            },
        ));
        self.entries.push((Endpoint { verb, path, policy, operation }, guarded));
        self
    }

    /// Adds a `GET` (and `HEAD`) route.
    #[must_use]
    pub fn get<H, T>(self, path: &'static str, policy: Policy, op: Operation, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.route(Verb::Get, path, policy, op, handler)
    }

    /// Adds a `POST` route.
    #[must_use]
    pub fn post<H, T>(self, path: &'static str, policy: Policy, op: Operation, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.route(Verb::Post, path, policy, op, handler)
    }

    /// Adds a `PUT` route.
    #[must_use]
    pub fn put<H, T>(self, path: &'static str, policy: Policy, op: Operation, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.route(Verb::Put, path, policy, op, handler)
    }

    /// Adds a `PATCH` route.
    #[must_use]
    pub fn patch<H, T>(self, path: &'static str, policy: Policy, op: Operation, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.route(Verb::Patch, path, policy, op, handler)
    }

    /// Adds a `DELETE` route.
    #[must_use]
    pub fn delete<H, T>(self, path: &'static str, policy: Policy, op: Operation, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.route(Verb::Delete, path, policy, op, handler)
    }

    /// These routes and `other`'s.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.entries.extend(other.entries);
        self
    }

    /// Every route as declared, in order of path and method.
    pub fn endpoints(&self) -> Vec<&Endpoint> {
        let mut all: Vec<_> = self.entries.iter().map(|(endpoint, _)| endpoint).collect();
        all.sort_by_key(|e| (e.path, e.verb));
        all
    }

    /// The routes that need no session, one `METHOD PATH` a line as the reviewed file
    /// `src/http/unauthenticated.txt` has them.
    pub fn unauthenticated(&self) -> String {
        let mut text = String::new();
        for endpoint in self.endpoints() {
            if endpoint.policy.is_unauthenticated() {
                let kind = if endpoint.policy == Policy::Public { "public" } else { "token" };
                text.push_str(&format!("{kind} {} {}\n", endpoint.verb.method(), endpoint.path));
            }
        }
        text
    }

    /// The router: unknown paths 404, unknown methods 405, both as problems.
    pub(super) fn into_router(self) -> Router<S> {
        self.entries
            .into_iter()
            .fold(Router::new(), |router, (endpoint, route)| router.route(endpoint.path, route))
            .fallback(async || Problem::not_found())
            .method_not_allowed_fallback(async || Problem::method_not_allowed())
    }
}

async fn guard(
    policy: Policy,
    template: &str,
    name: &str,
    request: Request,
    next: Next,
) -> Response {
    let (mut head, body) = request.into_parts();
    let authenticator = head.extensions.get::<Arc<dyn Authenticator>>().cloned();
    let admitted = policy::admit(policy, authenticator.as_ref(), &mut head).await;
    let caller = head.extensions.get::<Caller>().copied();
    let mut named = Named::in_request(template, &head);
    let response = match admitted {
        Ok(()) => next.run(Request::from_parts(head, body)).await,
        Err(problem) => problem.into_response(),
    };
    let (Some(authenticator), Some(caller)) = (authenticator, caller) else { return response };
    if !matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::FORBIDDEN) {
        return response;
    }
    named.in_answer(&response);
    // Not told before it is recorded: what cannot be recorded does not happen.
    match authenticator.refused(caller, name, named).await {
        Ok(()) => response,
        Err(problem) => problem.into_response(),
    }
}
