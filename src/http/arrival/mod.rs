//! `/in/TOKEN`, where documents are sealed on arrival, and the page of an invitation.
//!
//! The token in the path is the proof; the file's name may stand behind it. Neither is ever
//! logged: the request log knows route templates alone.

mod disposition;
mod multipart;
mod page;
mod receive;

use axum::extract::FromRef;
use http::StatusCode;

use crate::clock::Clock;
use crate::documents::Documents;

use super::{Policy, Routes, SecurityContact, Verb, operation};

/// The routes.
pub fn routes<S>() -> Routes<S>
where
    S: Clone + Send + Sync + 'static,
    Documents: FromRef<S>,
    Clock: FromRef<S>,
    SecurityContact: FromRef<S>,
{
    let html = "text/html; charset=utf-8";
    let mut routes = Routes::new()
        .get(
            "/in/{token}",
            Policy::Token,
            operation("arrival.page", "What this address is, and how to send to it.")
                .path_param("token", "The address's token.")
                .answers_bytes(StatusCode::OK, html, "The page."),
            page::arrival,
        )
        .get(
            "/in/{token}/",
            Policy::Token,
            operation("arrival.page_slash", "What this address is, and how to send to it.")
                .path_param("token", "The address's token.")
                .answers_bytes(StatusCode::OK, html, "The page."),
            page::arrival,
        )
        .get(
            "/i/{invitation}",
            Policy::Public,
            operation("invitations.page", "What an invitation link is, for whoever tapped it.")
                .path_param("invitation", "Any text: the page is the same for all.")
                .answers_bytes(StatusCode::OK, html, "The page."),
            page::invitation,
        );
    for (verb, id) in [(Verb::Put, "put"), (Verb::Post, "post")] {
        let describe = |id: &'static str| {
            operation(id, "Takes a file (or a form with files) and seals it while it arrives.")
                .path_param("token", "The address's token.")
                .query::<receive::Query>()
                .takes_bytes("application/octet-stream", "The file, or an age file.")
                .answers_json::<receive::Received>(
                    StatusCode::CREATED,
                    "It is durable. For a form with several files an array, in which a file that \
                     was not taken has `error`; the status is then the first such file's.",
                )
        };
        let (bare, slash, named) = match id {
            "put" => ("arrival.put", "arrival.put_slash", "arrival.put_named"),
            _ => ("arrival.post", "arrival.post_slash", "arrival.post_named"),
        };
        routes = routes
            .route(verb, "/in/{token}", Policy::Token, describe(bare), receive::unnamed)
            .route(verb, "/in/{token}/", Policy::Token, describe(slash), receive::unnamed)
            .route(
                verb,
                "/in/{token}/{name}",
                Policy::Token,
                describe(named).path_param("name", "The file's name."),
                receive::named,
            );
    }
    routes
}
