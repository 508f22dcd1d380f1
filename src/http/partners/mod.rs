//! Routes of the register of partners.

mod list;
mod put;

use axum::extract::FromRef;
use http::StatusCode;

use crate::api;
use crate::clock::Clock;
use crate::shares::Settings;
use crate::store::Store;

use super::policy::{OFFICERS, PARTNER_VIEWERS};
use super::{Policy, Relation, Routes, operation};

/// The routes.
pub fn routes<S>() -> Routes<S>
where
    S: Clone + Send + Sync + 'static,
    Store: FromRef<S>,
    Clock: FromRef<S>,
    Settings: FromRef<S>,
{
    let ok = StatusCode::OK;
    Routes::new()
        .get(
            "/api/v1/partners",
            Policy::session(PARTNER_VIEWERS, Relation::Firm),
            operation("partners.list", "The firm's partners.")
                .answers_json::<Vec<api::Partner>>(ok, "Partners by name."),
            list::list,
        )
        .put(
            "/api/v1/partners/{partner}",
            Policy::session(OFFICERS, Relation::Firm),
            operation("partners.put", "Records a partner, or suspends or resumes it.")
                .path_param("partner", "The partner's id.")
                .takes::<api::PutPartner>()
                .answers_json::<api::Partner>(ok, "It is recorded."),
            put::put,
        )
}
