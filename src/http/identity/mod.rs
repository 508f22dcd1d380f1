//! Routes of identity: joining, logging in, sessions, keyring, passphrase.

mod authenticator;
mod change_passphrase;
mod end_session;
mod finish_login;
mod join;
mod kit_login;
mod list_sessions;
mod log_out;
mod me;
mod put_header;
mod refresh;
mod rotate;
mod start_join;
mod start_login;
mod start_passphrase;
mod start_rotation;

use std::net::IpAddr;

use axum::Extension;
use axum::extract::FromRef;
use http::StatusCode;

use crate::api;
use crate::clock::Clock;
use crate::identity::Identity;
use crate::store::Store;

use super::policy::PEOPLE;
use super::server::Peer;
use super::{Operation, Policy, Relation, Routes, operation};

pub use authenticator::Sessions;

/// Where a request comes from; none where no server stands in front of the router.
type From = Option<Extension<Peer>>;

fn address(from: From) -> Option<IpAddr> {
    from.map(|Extension(Peer(address))| address)
}

/// The routes.
pub fn routes<S>() -> Routes<S>
where
    S: Clone + Send + Sync + 'static,
    Store: FromRef<S>,
    Clock: FromRef<S>,
    Identity: FromRef<S>,
{
    entrances().and(own())
}

/// An operation that answers with an open session.
fn opens(operation: Operation) -> Operation {
    operation.answers_json::<api::SessionOpened>(StatusCode::CREATED, "A session is open.")
}

fn entrances<S>() -> Routes<S>
where
    S: Clone + Send + Sync + 'static,
    Store: FromRef<S>,
    Clock: FromRef<S>,
    Identity: FromRef<S>,
{
    let ok = StatusCode::OK;
    Routes::new()
        .post(
            "/api/v1/invitations/{invitation}/join/start",
            Policy::Token,
            operation("invitations.join_start", "Begins the registration of a passphrase.")
                .path_param("invitation", "The invitation's id.")
                .takes::<api::JoinStart>()
                .answers_json::<api::JoinStarted>(ok, "The registration response."),
            start_join::start_join,
        )
        .post(
            "/api/v1/invitations/{invitation}/join",
            Policy::Token,
            opens(
                operation("invitations.join", "Joins with an invitation.")
                    .path_param("invitation", "The invitation's id.")
                    .takes::<api::Join>(),
            ),
            join::join,
        )
        .post(
            "/api/v1/login/start",
            Policy::Token,
            operation("login.start", "Begins a login by passphrase.")
                .takes::<api::LoginStart>()
                .answers_json::<api::LoginStarted>(ok, "The credential response."),
            start_login::start_login,
        )
        .post(
            "/api/v1/login/finish",
            Policy::Token,
            opens(
                operation("login.finish", "Ends a login by passphrase.")
                    .takes::<api::LoginFinish>(),
            ),
            finish_login::finish_login,
        )
        .post(
            "/api/v1/login/kit",
            Policy::Token,
            opens(
                operation("login.kit", "Logs in with the recovery kit.").takes::<api::KitLogin>(),
            ),
            kit_login::kit_login,
        )
        .post(
            "/api/v1/session/refresh",
            Policy::Token,
            operation("session.refresh", "Replaces a refresh token by its successor.")
                .takes::<api::Refresh>()
                .answers_json::<api::Tokens>(ok, "The next tokens."),
            refresh::refresh,
        )
}

fn own<S>() -> Routes<S>
where
    S: Clone + Send + Sync + 'static,
    Store: FromRef<S>,
    Clock: FromRef<S>,
    Identity: FromRef<S>,
{
    let (ok, done) = (StatusCode::OK, StatusCode::NO_CONTENT);
    let own = Policy::session(PEOPLE, Relation::Own);
    Routes::new()
        .post(
            "/api/v1/session/end",
            own,
            operation("session.end", "Ends the session that asks.").answers(done, "It has ended."),
            log_out::log_out,
        )
        .get(
            "/api/v1/sessions",
            own,
            operation("sessions.list", "The caller's open sessions.")
                .answers_json::<Vec<api::SessionInfo>>(ok, "Sessions, newest first."),
            list_sessions::list_sessions,
        )
        .delete(
            "/api/v1/sessions/{session}",
            own,
            operation("sessions.end", "Ends one of the caller's sessions.")
                .path_param("session", "The session's id.")
                .answers(done, "It has ended."),
            end_session::end_session,
        )
        .get(
            "/api/v1/me",
            own,
            operation("me.show", "Who the caller is.").answers_json::<api::Me>(ok, "The caller."),
            me::me,
        )
        .put(
            "/api/v1/keyring/headers",
            own,
            operation("keyring.put_header", "Keeps the header of the caller's device.")
                .takes::<api::KeyringHeader>()
                .answers(done, "It is kept until the session ends."),
            put_header::put_header,
        )
        .post(
            "/api/v1/keyring/rotation/start",
            own,
            operation("keyring.rotation_start", "Begins a rotation of the caller's keys.")
                .takes::<api::RotationStart>()
                .answers_json::<api::RotationStarted>(ok, "What the next card follows."),
            start_rotation::start_rotation,
        )
        .post(
            "/api/v1/keyring/rotation",
            own,
            operation(
                "keyring.rotate",
                "Puts the caller's next keys in place of the present ones.",
            )
            .takes::<api::Rotation>()
            .answers(done, "They are in force; every other session has ended."),
            rotate::rotate,
        )
        .post(
            "/api/v1/passphrase/start",
            own,
            operation("passphrase.start", "Begins the registration of a new passphrase.")
                .takes::<api::PassphraseStart>()
                .answers_json::<api::PassphraseStarted>(ok, "The registration response."),
            start_passphrase::start_passphrase,
        )
        .post(
            "/api/v1/passphrase",
            own,
            operation("passphrase.change", "Replaces the caller's passphrase.")
                .takes::<api::PassphraseChange>()
                .answers(done, "It is replaced."),
            change_passphrase::change_passphrase,
        )
}
