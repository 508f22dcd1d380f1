//! What the holder of a request link can do: see whom to seal to, and send. Nothing else takes
//! a link's token, and these routes take nothing else: the holder lists and reads nothing.
//!
//! The token travels in `Authorization: Strongroom-Link TOKEN`, never in an address. Unknown,
//! expired, ended, used-up and malformed are one answer.

mod look;
mod page;

use axum::extract::FromRef;
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};

use crate::api;
use crate::api::uploads;
use crate::documents::{Documents, LinkHolder};
use crate::secrets::Secret;
use crate::trust::fragment::token_hash;

use super::documents::{append, complete, create, progress, terminate, whole};
use super::{Operation, Policy, Problem, Routes, Verb, operation};

/// The scheme of a link's token.
const SCHEME: &str = "Strongroom-Link";

/// The holder of the link whose token stands in `headers`.
pub(super) async fn holder(
    documents: &Documents,
    headers: &HeaderMap,
) -> Result<LinkHolder, Problem> {
    let token = token(headers).ok_or_else(Problem::not_found)?;
    Ok(documents.link_holder(token_hash(&token)).await?)
}

/// The one token of a request; two `Authorization` headers are none.
fn token(headers: &HeaderMap) -> Option<Secret<32>> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return None;
    }
    Secret::from_base64url(token)
}

/// The routes.
pub fn routes<S>() -> Routes<S>
where
    S: Clone + Send + Sync + 'static,
    Documents: FromRef<S>,
{
    let (ok, none, created) = (StatusCode::OK, StatusCode::NO_CONTENT, StatusCode::CREATED);
    let describe = |id: &'static str, summary: &'static str| -> Operation {
        operation(id, summary).header("Authorization", "Strongroom-Link and the token.", true)
    };
    let upload = |id, summary| describe(id, summary).path_param("document", "The document's id.");
    let octets = uploads::CONTENT_TYPE;
    Routes::new()
        .get(
            "/u/{link}",
            Policy::Public,
            operation("links.page", "What a request link is, for whoever tapped it.")
                .path_param("link", "Any text: the page is the same for all.")
                .answers_bytes(ok, "text/html; charset=utf-8", "The page."),
            page::page,
        )
        .get(
            "/api/v1/link",
            Policy::Token,
            describe("link.look", "Whom the holder of a request link seals to.")
                .answers_json::<api::LinkSeen>(ok, "Statements to verify."),
            look::look,
        )
        .post(
            "/api/v1/link/documents",
            Policy::Token,
            describe("link.send", "Takes a whole document of up to 1 MiB.")
                .takes_bytes(api::frames::CONTENT_TYPE, "Manifest, sealed part, header, payload.")
                .answers_json::<api::Completed>(created, "It is complete and durable."),
            whole::whole,
        )
        .post(
            "/api/v1/link/uploads",
            Policy::Token,
            describe("link.create", "Begins a resumable upload (tus creation-with-upload).")
                .header("Tus-Resumable", "1.0.0.", true)
                .header("Upload-Length", "Bytes of header and payload.", true)
                .header("Upload-Metadata", "document, client, direction, period, category.", true)
                .takes_bytes(octets, "The whole header, and payload bytes.")
                .answers(created, "Where it stands."),
            create::create,
        )
        .route(
            Verb::Head,
            "/api/v1/link/uploads/{document}",
            Policy::Token,
            upload("link.progress", "Where an upload of the link stands.").answers(ok, "Headers."),
            progress::progress,
        )
        .patch(
            "/api/v1/link/uploads/{document}",
            Policy::Token,
            upload("link.append", "Continues an upload of the link.")
                .header("Upload-Offset", "Where it stands.", true)
                .header("Upload-Checksum", "Of the body, which is then at most 16 MiB.", false)
                .takes_bytes(octets, "The next bytes.")
                .answers(none, "Where it stands."),
            append::append,
        )
        .delete(
            "/api/v1/link/uploads/{document}",
            Policy::Token,
            upload("link.terminate", "Gives an upload of the link up.")
                .answers(none, "It is gone."),
            terminate::terminate,
        )
        .post(
            "/api/v1/link/uploads/{document}/complete",
            Policy::Token,
            upload("link.complete", "Completes an upload with the manifest that the link signed.")
                .takes::<api::Complete>()
                .answers_json::<api::Completed>(ok, "It is complete and durable."),
            complete::complete,
        )
}
