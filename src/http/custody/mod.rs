//! Routes of custody: recovery of a client's documents with two recovery shares.

mod add_recovered;
mod open_recovery;
mod recoverables;

use axum::extract::FromRef;
use http::StatusCode;

use crate::api;
use crate::documents::Documents;

use super::policy::LEADS;
use super::{Policy, Relation, Routes, operation};

/// The routes.
pub fn routes<S>() -> Routes<S>
where
    S: Clone + Send + Sync + 'static,
    Documents: FromRef<S>,
{
    let ok = StatusCode::OK;
    let leads = Policy::session(LEADS, Relation::Firm);
    Routes::new()
        .post(
            "/api/v1/recoveries",
            leads,
            operation("recoveries.open", "Opens a ceremony that two recovery shares signed.")
                .takes::<api::OpenRecovery>()
                .answers_json::<api::RecoveryOpened>(StatusCode::CREATED, "It is open."),
            open_recovery::open_recovery,
        )
        .get(
            "/api/v1/recoveries/{recovery}/documents",
            leads,
            operation("recoveries.documents", "Documents of the client that lack a header.")
                .path_param("recovery", "The ceremony's id.")
                .query::<recoverables::Query>()
                .answers_json::<api::Recoverables>(ok, "A page, newest first."),
            recoverables::recoverables,
        )
        .post(
            "/api/v1/recoveries/{recovery}/headers",
            leads,
            operation("recoveries.rewrap", "Adds headers that the recovery key gave.")
                .path_param("recovery", "The ceremony's id.")
                .takes::<api::NewHeaders>()
                .answers_json::<api::HeadersAdded>(ok, "They are granted."),
            add_recovered::add_recovered,
        )
}
