//! `witness`: cosigns the checkpoints of other machines' audit logs (C2SP tlog-witness).
//!
//! One route, `POST /add-checkpoint`, behind the gateway's own TLS stack and limits. Whoever may
//! ask needs no account: a checkpoint that its log did not sign is refused before anything else
//! is looked at.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::StatusCode;
use http::header::CONTENT_TYPE;

use super::dev_ca;
use super::error::Error;
use super::serve::heed_signals;
use crate::cli::{Context, Exit};
use crate::clock::Clock;
use crate::config::{Limits, Log, WitnessSettings};
use crate::http::logs;
use crate::http::metrics::Metrics;
use crate::http::server::{Certificates, Server};
use crate::merkle::VerifierKey;
use crate::witness::{Keeper, Refusal};

/// The settings' file in a data folder.
const SETTINGS: &str = "witness.toml";
/// More bytes than a request has.
const MAX_REQUEST_BYTES: usize = 80 * 1024;
/// The media type of a log's size (tlog-witness, "add-checkpoint").
const SIZE: &str = "text/x.tlog.size";

/// Cosign other machines' audit logs · 见证审计日志
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom witness --data /srv/witness --listen 0.0.0.0:8445 \\
    --name witness.example.com/strongroom --log '3f07…+5d1e…+AQ…'
  strongroom witness --config /srv/witness/witness.toml

Run it on another machine than the gateway. It prints its key, which belongs into the gateway's
[[audit.witnesses]] and into what people require (audit verify --witness, require-witness).
请运行在网关以外的机器上；其公钥填入网关的 [[audit.witnesses]]，并由使用者要求。")]
pub struct WitnessArgs {
    /// The settings' file; config/witness.toml explains each
    #[arg(long, value_name = "FILE", required_unless_present = "data")]
    config: Option<PathBuf>,
    /// Its folder: key and what it has seen (with witness.toml, where that is there)
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where to listen
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// What it is called in its signatures
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The verifier key of a log to cosign; may be repeated
    #[arg(long = "log", value_name = "KEY")]
    logs: Vec<String>,
}

#[derive(serde::Serialize)]
struct Ready {
    ready: bool,
    url: String,
    listen: String,
    key: String,
    ca: Option<PathBuf>,
}

fn settings(args: &WitnessArgs) -> Result<WitnessSettings, Error> {
    let in_folder = args.data.as_ref().map(|data| data.join(SETTINGS)).filter(|p| p.exists());
    let mut settings = match args.config.as_ref().or(in_folder.as_ref()) {
        Some(path) => WitnessSettings::load(path).map_err(|e| {
            Error::because("bad_settings", ("设置无法使用", "the settings cannot be used"), &e)
                .exiting(Exit::Usage)
        })?,
        None => WitnessSettings::default(),
    };
    if let Some(data) = &args.data {
        settings.data.clone_from(data);
    }
    if let Some(listen) = args.listen {
        settings.listen = listen;
    }
    if let Some(name) = &args.name {
        settings.name.clone_from(name);
    }
    settings.logs.extend(args.logs.iter().cloned());
    Ok(settings)
}

fn log_keys(settings: &WitnessSettings) -> Result<Vec<VerifierKey>, Error> {
    let bad = |zh: String, en: String| Err(Error::new("bad_settings", zh, en).exiting(Exit::Usage));
    match settings.log_keys() {
        Ok(keys) if keys.is_empty() => bad(
            "没有要见证的日志；请用 --log 或 logs 指明（见 strongroom audit checkpoint）".into(),
            "there is no log to cosign: name one with --log or logs (strongroom audit checkpoint \
             says it)"
                .into(),
        ),
        Ok(keys) => Ok(keys),
        Err(text) => {
            bad(format!("{text} 不是日志公钥"), format!("{text} is no verifier key of a log"))
        }
    }
}

fn failed(code: &'static str, what: (&str, &str), why: &dyn std::error::Error) -> Error {
    Error::because(code, what, why)
}

/// Runs the command until it is told to stop.
pub(super) async fn run(context: &Context, args: &WitnessArgs) -> Result<(), Error> {
    let settings = settings(args)?;
    let keys = log_keys(&settings)?;
    let clock = Clock::System.steady(None);
    logs::init(&Log::default(), clock.clone())
        .map_err(|e| failed("internal", ("无法设置日志", "logging cannot be set up"), &e))?;
    let keeper = Keeper::open(&settings.data, &settings.name, &keys, clock.clone())
        .map_err(|e| failed("witness", ("见证无法启动", "the witness cannot start"), &e))?;
    let key = keeper.key().to_string();
    let (certificates, ca) = certificates(&settings, &clock)?;
    let told = heed_signals()?;
    let server = Server::bind(
        settings.listen,
        certificates,
        Limits::default(),
        Arc::new(Metrics::default()),
    )
    .map_err(|e| {
        let listen = settings.listen;
        let what = (format!("无法监听 {listen}"), format!("cannot listen on {listen}"));
        failed("address_in_use", (&what.0, &what.1), &e)
    })?;
    let local = server.local_addr();
    let ready =
        Ready { ready: true, url: format!("https://{local}"), listen: local.to_string(), key, ca };
    let terminal = context.terminal;
    terminal
        .result(&ready, || {
            terminal
                .pick(
                    &format!("Cosigning on {local}\nkey {}", ready.key),
                    &format!("见证已启动：{local}\n公钥 {}", ready.key),
                )
                .to_owned()
        })
        .map_err(|e| Error::from_person(&e))?;
    server.serve(router(keeper), told).await;
    Ok(())
}

/// The one route.
fn router(keeper: Keeper) -> Router {
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES))
        .with_state(Arc::new(keeper))
}

async fn add_checkpoint(State(keeper): State<Arc<Keeper>>, body: String) -> Response {
    let done = tokio::task::spawn_blocking(move || keeper.add(&body)).await;
    let plain = |status: StatusCode, text: String| {
        (status, [(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
    };
    match done {
        Ok(Ok(line)) => plain(StatusCode::OK, line),
        Ok(Err(Refusal::Seen(size))) => {
            let answer = (StatusCode::CONFLICT, [(CONTENT_TYPE, SIZE)], format!("{size}\n"));
            answer.into_response()
        }
        Ok(Err(refusal)) => {
            let status = match &refusal {
                Refusal::Malformed => StatusCode::BAD_REQUEST,
                Refusal::UnknownLog => StatusCode::NOT_FOUND,
                Refusal::NotSigned => StatusCode::FORBIDDEN,
                Refusal::BadProof => {
                    // It may be proof that a log misbehaves.
                    tracing::error!("a log showed a checkpoint that it did not grow into");
                    StatusCode::UNPROCESSABLE_ENTITY
                }
                Refusal::Seen(_) | Refusal::File(_) => {
                    tracing::error!(error = %refusal, "what was seen was not written");
                    StatusCode::INTERNAL_SERVER_ERROR
                }
            };
            plain(status, format!("{refusal}\n"))
        }
        Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, String::new()),
    }
}

/// The certificate it shows, and the CA to trust where that is a development one.
fn certificates(
    settings: &WitnessSettings,
    clock: &Clock,
) -> Result<(Certificates, Option<PathBuf>), Error> {
    let unusable = |e: &dyn std::error::Error| {
        failed("tls", ("证书无法使用", "the certificate cannot be used"), e)
    };
    let (certificate, key, ca) = match (&settings.certificate, &settings.key) {
        (Some(certificate), Some(key)) => (certificate.clone(), key.clone(), None),
        _ => {
            let host = settings.listen.ip().to_string();
            let files = dev_ca::ensure(&settings.data.join("certs"), &[host], clock)
                .map_err(|e| unusable(&e))?;
            let ca = std::fs::canonicalize(&files.ca).unwrap_or(files.ca);
            (files.certificate, files.key, Some(ca))
        }
    };
    let reload = Duration::from_secs(3600);
    Ok((Certificates::load(&certificate, &key, reload).map_err(|e| unusable(&e))?, ca))
}
