//! Routes of the firm: clients, members, invitations, assignments, policies, links, recovery.

mod add_client;
mod assign;
mod confirm_key;
mod directory;
mod hand_over;
mod invite;
mod list_clients;
mod list_links;
mod list_members;
mod look;
mod open_link;
mod open_request_link;
mod rehearse;
mod revoke;
mod set_policy;
mod summary;

use axum::extract::FromRef;
use http::StatusCode;

use crate::api;
use crate::clock::Clock;
use crate::firm::{Actor, Directories};
use crate::store::Store;

use super::policy::{BOOKKEEPERS, LEADS, OVERSEERS, PEOPLE, POLICY_MAKERS};
use super::{Caller, Policy, Relation, Routes, operation};

impl From<Caller> for Actor {
    fn from(caller: Caller) -> Self {
        Self { member: caller.member, role: caller.role }
    }
}

/// The routes.
pub fn routes<S>() -> Routes<S>
where
    S: Clone + Send + Sync + 'static,
    Store: FromRef<S>,
    Clock: FromRef<S>,
    Directories: FromRef<S>,
{
    let ok = StatusCode::OK;
    Routes::new()
        .get(
            "/api/v1/firm",
            Policy::session(PEOPLE, Relation::Firm),
            operation("firm.summary", "The firm, and the canary for a rehearsal.")
                .answers_json::<api::FirmDetails>(ok, "The firm."),
            summary::summary,
        )
        .get(
            "/api/v1/directory",
            Policy::session(PEOPLE, Relation::Client),
            operation("firm.directory", "Signed statements about one client, or about the firm.")
                .query::<directory::Query>()
                .answers_json::<api::Statements>(ok, "Statements, oldest first."),
            directory::directory,
        )
        .get(
            "/api/v1/clients",
            Policy::session(PEOPLE, Relation::Client),
            operation("clients.list", "The clients that the caller sees.")
                .answers_json::<Vec<api::ClientSummary>>(ok, "Clients by name."),
            list_clients::list_clients,
        )
        .post(
            "/api/v1/clients",
            Policy::session(LEADS, Relation::Firm),
            operation("clients.add", "Adds a client.")
                .takes::<api::AddClient>()
                .answers_json::<api::ClientSummary>(StatusCode::CREATED, "The client."),
            add_client::add_client,
        )
        .get(
            "/api/v1/members",
            Policy::session(OVERSEERS, Relation::Firm),
            operation("members.list", "The members of the firm and of its clients.")
                .answers_json::<Vec<api::MemberSummary>>(ok, "Members."),
            list_members::list_members,
        )
        .post(
            "/api/v1/invitations",
            Policy::session(LEADS, Relation::Firm),
            operation("invitations.open", "Opens a signed invitation.")
                .takes::<api::Offer>()
                .answers_json::<api::Offered>(StatusCode::CREATED, "It is open."),
            invite::invite,
        )
        .post(
            "/api/v1/invitations/{invitation}/look",
            Policy::Token,
            operation("invitations.look", "What the holder of an invitation sees.")
                .path_param("invitation", "The invitation's id.")
                .takes::<api::InvitationLook>()
                .answers_json::<api::InvitationSeen>(ok, "The invitation."),
            look::look,
        )
        .post(
            "/api/v1/key-confirmations",
            Policy::session(PEOPLE, Relation::Client),
            operation("keys.confirm", "Records that somebody compared a member's key with them.")
                .takes::<api::ConfirmKey>()
                .answers_json::<api::Confirmed>(StatusCode::CREATED, "It is in the log."),
            confirm_key::confirm_key,
        )
        .post(
            "/api/v1/assignments",
            Policy::session(LEADS, Relation::Client),
            operation("assignments.set", "Puts a signed assignment into force.")
                .takes::<api::Submit>()
                .answers_json::<api::Assigned>(ok, "It is in force."),
            assign::assign,
        )
        .post(
            "/api/v1/handovers",
            Policy::session(LEADS, Relation::Firm),
            operation("handovers.complete", "Ends a leaver's places once three people signed.")
                .takes::<api::HandOver>()
                .answers_json::<api::HandedOver>(ok, "They have ended."),
            hand_over::hand_over,
        )
        .post(
            "/api/v1/policies",
            Policy::session(POLICY_MAKERS, Relation::Client),
            operation("policies.set", "Puts a signed policy into force.")
                .takes::<api::Submit>()
                .answers_json::<api::Assigned>(ok, "It is in force."),
            set_policy::set_policy,
        )
        .post(
            "/api/v1/links",
            Policy::session(BOOKKEEPERS, Relation::Client),
            operation("links.open", "Opens a signed address for sealing on arrival.")
                .takes::<api::Offer>()
                .answers_json::<api::Offered>(StatusCode::CREATED, "It is open."),
            open_link::open_link,
        )
        .post(
            "/api/v1/request-links",
            Policy::session(BOOKKEEPERS, Relation::Client),
            operation("links.request", "Opens a signed request link.")
                .takes::<api::Offer>()
                .answers_json::<api::Offered>(StatusCode::CREATED, "It is open."),
            open_request_link::open_request_link,
        )
        .get(
            "/api/v1/request-links",
            Policy::session(BOOKKEEPERS, Relation::Client),
            operation("links.list", "The links of every kind into one client's space.")
                .query::<list_links::Query>()
                .answers_json::<Vec<api::LinkInfo>>(ok, "Links, newest first."),
            list_links::list_links,
        )
        .post(
            "/api/v1/revocations",
            Policy::session(BOOKKEEPERS, Relation::Firm),
            operation("revocations.submit", "Ends a member, an invitation or a link.")
                .takes::<api::Submit>()
                .answers(StatusCode::NO_CONTENT, "It has ended."),
            revoke::revoke,
        )
        .post(
            "/api/v1/recovery/rehearsal",
            Policy::session(LEADS, Relation::Firm),
            operation("recovery.rehearse", "Proves that two recovery shares open the canary.")
                .takes::<api::Rehearsal>()
                .answers(StatusCode::NO_CONTENT, "Documents are served from now on."),
            rehearse::rehearse,
        )
}
