//! Routes of shares: for the firm and the client's principal with a session, for the partner
//! with link and code.
//!
//! A `GET`, `HEAD` or `OPTIONS` never takes a slot: that is a `POST` with proofs which only
//! the holder of link and code can make, so scanners of mail and chat use nothing up. What is
//! refused to a partner is refused in the same words and in the same time.

mod age;
mod authorise;
mod even;
mod list;
mod open;
mod page;
mod pieces;
mod propose;
mod release;
mod revoke;
mod second;
mod unlock;

use axum::extract::FromRef;
use http::StatusCode;

use crate::api;
use crate::clock::Clock;
use crate::documents::Documents;
use crate::shares::{Person, Settings};
use crate::store::Store;

use super::policy::{BOOKKEEPERS, PRINCIPALS, SHARE_ENDERS, SHARE_VIEWERS};
use super::{Caller, Policy, Relation, Routes, Verb, operation};

impl From<Caller> for Person {
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
    Settings: FromRef<S>,
    Documents: FromRef<S>,
{
    let (ok, octets) = (StatusCode::OK, "application/octet-stream");
    let share = |id, summary| operation(id, summary).path_param("share", "The share's id.");
    let leased = |id, summary| {
        share(id, summary).path_param("item", "A document's id.").header(
            api::LEASE_HEADER,
            "The lease and `open`, in base64url.",
            true,
        )
    };
    Routes::new()
        .get(
            "/s/{share}",
            Policy::Public,
            operation("shares.page", "What a share link is, for whoever tapped it.")
                .path_param("share", "Any text: the page is the same for all.")
                .answers_bytes(ok, "text/html; charset=utf-8", "The page."),
            page::page,
        )
        .get(
            "/api/v1/shares",
            Policy::session(SHARE_VIEWERS, Relation::Client),
            operation("shares.list", "Shares that the caller may see, newest first.")
                .answers_json::<Vec<api::ShareInfo>>(ok, "Shares."),
            list::list,
        )
        .post(
            "/api/v1/shares",
            Policy::session(BOOKKEEPERS, Relation::Client),
            operation("shares.propose", "Shares documents with a partner.")
                .takes::<api::ProposeShare>()
                .answers_json::<api::ShareInfo>(StatusCode::CREATED, "It waits for the client."),
            propose::propose,
        )
        .post(
            "/api/v1/shares/{share}/authorisation",
            Policy::session(PRINCIPALS, Relation::Client),
            share("shares.authorise", "Authorises, refuses or withdraws a share.")
                .takes::<api::Submit>()
                .answers_json::<api::ShareInfo>(ok, "It is decided."),
            authorise::authorise,
        )
        .post(
            "/api/v1/shares/{share}/seconding",
            Policy::session(BOOKKEEPERS, Relation::Client),
            share("shares.second", "Agrees to a sensitive share as a second person.")
                .takes::<api::Submit>()
                .answers_json::<api::ShareInfo>(ok, "It is noted."),
            second::second,
        )
        .post(
            "/api/v1/shares/{share}/revocation",
            Policy::session(SHARE_ENDERS, Relation::Client),
            share("shares.revoke", "Ends a share.")
                .takes::<api::Submit>()
                .answers_json::<api::ShareInfo>(ok, "It has ended."),
            revoke::revoke,
        )
        .post(
            "/api/v1/shares/{share}/unlock",
            Policy::session(BOOKKEEPERS, Relation::Client),
            share("shares.unlock", "Unlocks a share after wrong codes.")
                .answers_json::<api::ShareInfo>(ok, "It is unlocked."),
            unlock::unlock,
        )
        .post(
            "/api/v1/shares/{share}/open",
            Policy::Token,
            share("shares.open", "Takes a slot for a lease, once.")
                .takes::<api::OpenShare>()
                .answers_json::<api::OpenedShare>(ok, "What to verify."),
            open::open,
        )
        .post(
            "/api/v1/shares/{share}/release",
            Policy::Token,
            share("shares.release", "Gives a slot back under which nothing was fetched.")
                .takes::<api::OpenShare>()
                .answers(StatusCode::NO_CONTENT, "It is given back."),
            release::release,
        )
        .get(
            "/api/v1/shares/{share}/{item}/age",
            Policy::Token,
            leased("shares.fetch", "Header and payload of a document; single ranges.")
                .header("Range", "One range of bytes.", false)
                .answers_bytes(ok, octets, "The age file.")
                .answers_bytes(StatusCode::PARTIAL_CONTENT, octets, "A part of it."),
            age::fetch,
        )
        .route(
            Verb::Head,
            "/api/v1/shares/{share}/{item}/age",
            Policy::Token,
            leased("shares.measure", "Length and ETag of the age file; fetches nothing.")
                .answers(ok, "Length and ETag."),
            age::measure,
        )
        .get(
            "/api/v1/shares/{share}/{item}/pieces",
            Policy::Token,
            leased("shares.pieces", "The hashes of the pieces, 32 bytes each.").answers_bytes(
                ok,
                octets,
                "The hashes.",
            ),
            pieces::pieces,
        )
}
