//! Routes of documents: uploads (tus 1.0), whole documents, lists, downloads, re-wraps.

mod add_header;
mod adopt;
mod age;
pub(in crate::http) mod append;
mod chains;
pub(in crate::http) mod complete;
pub(in crate::http) mod create;
mod firm;
mod info;
mod list;
mod manifest_head;
mod options;
mod periods;
mod pieces;
pub(in crate::http) mod progress;
mod prove_recovery;
mod pulled;
mod recall;
mod rewraps;
pub(in crate::http) mod terminate;
pub(in crate::http) mod whole;

use axum::body::Body;
use axum::extract::{FromRef, FromRequestParts};
use futures_util::StreamExt;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::{BodyExt, Limited};

use crate::api;
use crate::api::uploads;
use crate::documents::{Asker, Broken, Documents, Incoming, Progress, Sender};
use crate::ids::DocumentId;

use super::policy::{BOOKKEEPERS, PEOPLE, SENDERS};
use super::tus::{TUS_RESUMABLE, UPLOAD_EXPIRES, UPLOAD_LENGTH, UPLOAD_OFFSET};
use super::{Caller, Policy, Problem, Relation, Routes, Verb, operation};

impl From<Caller> for Asker {
    fn from(caller: Caller) -> Self {
        Self { member: caller.member, role: caller.role }
    }
}

/// Who sends: the caller that the route's policy proved or, on the routes of links, the holder
/// of the link whose token stands in `Authorization`.
pub(in crate::http) struct Sending(pub(in crate::http) Sender);

impl<S> FromRequestParts<S> for Sending
where
    S: Sync,
    Documents: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if let Some(caller) = parts.extensions.get::<Caller>() {
            return Ok(Self(Sender::Member((*caller).into())));
        }
        let holder = super::links::holder(&Documents::from_ref(state), &parts.headers).await?;
        Ok(Self(Sender::Link(holder)))
    }
}

/// Where an upload of `sender` is found again.
fn location(sender: Sender, document: DocumentId) -> String {
    match sender {
        Sender::Member(_) => format!("/api/v1/uploads/{document}"),
        Sender::Link(_) => format!("/api/v1/link/uploads/{document}"),
    }
}

/// The bytes of a request as documents take them.
pub(in crate::http) fn incoming(body: Body) -> Incoming {
    Box::pin(body.into_data_stream().map(|part| part.map_err(|_| Broken)))
}

/// The longest body that comes with a checksum, in bytes: it is held until the sum agrees.
const MAX_CHECKED_BYTES: usize = 16 * 1024 * 1024;

/// The body, whose checksum has been compared where the request names one (tus 1.0,
/// "Checksum").
async fn body_with_checksum(headers: &HeaderMap, body: Body) -> Result<Incoming, Problem> {
    let Some(expected) = super::tus::upload_checksum(headers)? else { return Ok(incoming(body)) };
    let whole = Limited::new(body, MAX_CHECKED_BYTES)
        .collect()
        .await
        .map_err(|error| Problem::from_body(error.as_ref()))?
        .to_bytes();
    if !expected.agrees(&whole) {
        return Err(crate::documents::Error::Checksum.into());
    }
    Ok(Box::pin(futures_util::stream::once(async move { Ok(whole) })))
}

/// What tus says of an upload's standing.
fn standing(progress: &Progress) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(TUS_RESUMABLE, HeaderValue::from_static(uploads::VERSION));
    headers.insert(UPLOAD_OFFSET, HeaderValue::from(progress.offset));
    headers.insert(UPLOAD_LENGTH, HeaderValue::from(progress.length));
    if let Ok(date) = HeaderValue::try_from(http_date(progress.expires_at)) {
        headers.insert(UPLOAD_EXPIRES, date);
    }
    headers
}

/// RFC 9110, section 5.6.7.
fn http_date(at: crate::clock::Timestamp) -> String {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let t = at.to_utc();
    format!(
        "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
        DAYS[usize::from(t.weekday().number_days_from_monday())],
        t.day(),
        MONTHS[usize::from(u8::from(t.month()) - 1)],
        t.year(),
        t.hour(),
        t.minute(),
        t.second()
    )
}

/// The routes.
pub fn routes<S>() -> Routes<S>
where
    S: Clone + Send + Sync + 'static,
    Documents: FromRef<S>,
{
    let (ok, none, created) = (StatusCode::OK, StatusCode::NO_CONTENT, StatusCode::CREATED);
    let own = |roles| Policy::session(roles, Relation::Client);
    let document =
        |id, summary| operation(id, summary).path_param("document", "The document's id.");
    let octets = uploads::CONTENT_TYPE;
    Routes::new()
        .get(
            "/api/v1/documents",
            own(PEOPLE),
            operation("documents.list", "Documents that the caller may see, newest first.")
                .query::<list::Query>()
                .answers_json::<api::DocumentPage>(ok, "A page."),
            list::list,
        )
        .post(
            "/api/v1/documents",
            own(SENDERS),
            operation("documents.send", "Takes a whole document of up to 1 MiB.")
                .takes_bytes(api::frames::CONTENT_TYPE, "Manifest, sealed part, header, payload.")
                .answers_json::<api::Completed>(created, "It is complete and durable."),
            whole::whole,
        )
        .get(
            "/api/v1/documents/{document}",
            own(PEOPLE),
            document("documents.info", "One document.")
                .answers_json::<api::DocumentInfo>(ok, "It."),
            info::info,
        )
        .post(
            "/api/v1/documents/{document}/recall",
            own(SENDERS),
            document("documents.recall", "Takes back what nobody has opened.")
                .takes::<api::Submit>()
                .answers_json::<api::DocumentInfo>(ok, "It is taken back."),
            recall::recall,
        )
        .get(
            "/api/v1/documents/{document}/age",
            own(SENDERS),
            document("documents.open", "Header and payload as one age file; single ranges.")
                .header("Range", "One range of bytes.", false)
                .answers_bytes(ok, age::MEDIA_TYPE, "The age file.")
                .answers_bytes(StatusCode::PARTIAL_CONTENT, age::MEDIA_TYPE, "A part of it."),
            age::open,
        )
        .route(
            Verb::Head,
            "/api/v1/documents/{document}/age",
            own(SENDERS),
            document("documents.measure", "Length and ETag of the age file; opens nothing.")
                .answers(ok, "Length and ETag."),
            age::measure,
        )
        .get(
            "/api/v1/documents/{document}/pieces",
            own(SENDERS),
            document("documents.pieces", "The hashes of the pieces, 32 bytes each.").answers_bytes(
                ok,
                "application/octet-stream",
                "The hashes.",
            ),
            pieces::pieces,
        )
        .post(
            "/api/v1/documents/{document}/pulled",
            own(SENDERS),
            document("documents.pulled", "The document has arrived whole on the caller's device.")
                .answers(none, "Noted."),
            pulled::pulled,
        )
        .post(
            "/api/v1/documents/{document}/reason",
            own(BOOKKEEPERS),
            document("documents.reason", "Why a document of a closed period is opened.")
                .takes::<api::GiveReason>()
                .answers(none, "It may be opened for a day."),
            periods::give_reason,
        )
        .get(
            "/api/v1/clients/{client}/periods",
            own(PEOPLE),
            operation("periods.list", "The closed accounting periods of a client.")
                .path_param("client", "The client's id.")
                .answers_json::<Vec<api::ClosedPeriod>>(ok, "They, newest first."),
            periods::list,
        )
        .post(
            "/api/v1/clients/{client}/periods",
            own(BOOKKEEPERS),
            operation("periods.set", "Closes an accounting period, or opens it again.")
                .path_param("client", "The client's id.")
                .takes::<api::SetPeriod>()
                .answers_json::<Vec<api::ClosedPeriod>>(ok, "The closed periods now."),
            periods::set,
        )
        .post(
            "/api/v1/documents/{document}/headers",
            own(BOOKKEEPERS),
            document("documents.rewrap", "Adds a re-wrapped header for other readers.")
                .takes::<api::AddHeader>()
                .answers_json::<api::DocumentInfo>(ok, "It is granted."),
            add_header::add_header,
        )
        .post(
            "/api/v1/documents/{document}/adoption",
            own(BOOKKEEPERS),
            document("documents.adopt", "Adopts a raw age file.")
                .takes::<api::Adopt>()
                .answers_json::<api::DocumentInfo>(ok, "It is adopted."),
            adopt::adopt,
        )
        .get(
            "/api/v1/rewraps",
            own(BOOKKEEPERS),
            operation("documents.rewraps", "Documents that somebody who should cannot open.")
                .query::<rewraps::Query>()
                .answers_json::<api::Rewraps>(ok, "Documents with the caller's headers."),
            rewraps::rewraps,
        )
        .post(
            "/api/v1/recovery-headers",
            own(BOOKKEEPERS),
            operation("documents.prove_recovery", "Makes documents recoverable beyond doubt.")
                .takes::<api::RecoveryHeaders>()
                .answers_json::<api::RecoveryProven>(ok, "They can be recovered."),
            prove_recovery::prove_recovery,
        )
        .get(
            "/api/v1/clients/{client}/manifest-head",
            own(SENDERS),
            operation("documents.manifest_head", "The newest manifest of the caller's chain.")
                .path_param("client", "The client's id.")
                .query::<manifest_head::Query>()
                .answers_json::<api::ManifestHead>(ok, "The head."),
            manifest_head::manifest_head,
        )
        .get(
            "/api/v1/clients/{client}/manifests",
            own(PEOPLE),
            operation("documents.chains", "The chains of manifests of a client, oldest first.")
                .path_param("client", "The client's id.")
                .query::<chains::Query>()
                .answers_json::<api::Chains>(ok, "A page."),
            chains::chains,
        )
        .get(
            "/api/v1/clients/{client}/gone",
            own(PEOPLE),
            operation("documents.gone", "Documents that were taken back; their manifests stay.")
                .path_param("client", "The client's id.")
                .query::<chains::Query>()
                .answers_json::<api::Gone>(ok, "A page of what their senders signed."),
            chains::gone,
        )
        .route(
            Verb::Options,
            "/api/v1/uploads",
            Policy::Public,
            operation("uploads.options", "What of tus this gateway offers.")
                .answers(none, "Headers."),
            options::options,
        )
        .post(
            "/api/v1/uploads",
            own(SENDERS),
            operation("uploads.create", "Begins a resumable upload (tus creation-with-upload).")
                .header("Tus-Resumable", "1.0.0.", true)
                .header("Upload-Length", "Bytes of header and payload.", true)
                .header("Upload-Metadata", "document, client, direction, period, category.", true)
                .takes_bytes(octets, "The whole header, and payload bytes.")
                .answers(created, "Where it stands."),
            create::create,
        )
        .route(
            Verb::Head,
            "/api/v1/uploads/{document}",
            own(SENDERS),
            document("uploads.progress", "Where an upload stands.").answers(ok, "Headers."),
            progress::progress,
        )
        .patch(
            "/api/v1/uploads/{document}",
            own(SENDERS),
            document("uploads.append", "Continues an upload.")
                .header("Upload-Offset", "Where it stands.", true)
                .header("Upload-Checksum", "Of the body, which is then at most 16 MiB.", false)
                .takes_bytes(octets, "The next bytes.")
                .answers(none, "Where it stands."),
            append::append,
        )
        .delete(
            "/api/v1/uploads/{document}",
            own(SENDERS),
            document("uploads.terminate", "Gives an upload up.").answers(none, "It is gone."),
            terminate::terminate,
        )
        .post(
            "/api/v1/uploads/{document}/complete",
            own(SENDERS),
            document("uploads.complete", "Completes an upload with its signed manifest.")
                .takes::<api::Complete>()
                .answers_json::<api::Completed>(ok, "It is complete and durable."),
            complete::complete,
        )
}
