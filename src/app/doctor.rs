//! `doctor`: one line a check, status 1 when any fails. Changes nothing.

use std::path::PathBuf;

use serde::Serialize;

use super::error::Error;
use super::{payloads, serve};
use crate::cli::Context;
use crate::clock::Clock;
use crate::config::Config;
use crate::envelope::statement::{Note, PublicKey};
use crate::http::server::Certificates;
use crate::identity::GatewaySecrets;
use crate::notices;
use crate::objects::Objects;
use crate::store::Store;
use crate::trust::Directory;

/// Check a gateway's settings and data · 自检
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom doctor --config /srv/strongroom/strongroom.toml
  strongroom doctor --config /restored/strongroom.toml --deep")]
pub struct DoctorArgs {
    /// The settings' file · 设置文件
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Read every payload through and compare its hashes: takes as long as reading them all
    #[arg(long)]
    pub deep: bool,
}

/// One check and how it ended.
#[derive(Debug, Serialize)]
struct Check {
    check: &'static str,
    ok: bool,
    detail: String,
}

/// Runs every check.
pub(super) async fn run(context: &Context, args: &DoctorArgs) -> Result<(), Error> {
    let config = serve::load(&args.config)?;
    let mut checks = vec![Check { check: "settings", ok: true, detail: String::new() }];
    checks.push(check("certificate", certificate(&config)));
    checks.push(check(
        "secrets",
        GatewaySecrets::load(&config.gateway.secrets).map(|_| String::new()),
    ));
    checks.push(check("storage", storage(&config).await));
    checks.extend(database(&config, args.deep).await);
    checks.push(check("channels of notices", notices::check(&config.notices, &Clock::System)));
    let failed = checks.iter().filter(|c| !c.ok).count();
    context
        .terminal
        .result(&checks, || {
            checks
                .iter()
                .map(|c| format!("{} {} {}", if c.ok { "ok  " } else { "FAIL" }, c.check, c.detail))
                .collect::<Vec<_>>()
                .join("\n")
        })
        .map_err(|e| Error::from_person(&e))?;
    if failed == 0 {
        return Ok(());
    }
    Err(Error::new(
        "checks_failed",
        format!("{failed} 项检查未通过"),
        format!("{failed} checks failed"),
    ))
}

fn check<E: std::error::Error>(name: &'static str, outcome: Result<String, E>) -> Check {
    match outcome {
        Ok(detail) => Check { check: name, ok: true, detail },
        Err(error) => Check { check: name, ok: false, detail: error.to_string() },
    }
}

fn certificate(config: &Config) -> Result<String, crate::http::server::TlsError> {
    let folder = config.tls.development_ca.clone().unwrap_or_else(|| "certs".into());
    let (chain, key) = match (&config.tls.certificate, &config.tls.key) {
        (Some(chain), Some(key)) => (chain.clone(), key.clone()),
        _ => (folder.join("server.pem"), folder.join("server.key")),
    };
    Certificates::load(&chain, &key, std::time::Duration::from_secs(3600)).map(|_| String::new())
}

async fn storage(config: &Config) -> Result<String, crate::objects::Error> {
    let objects = Objects::open(&config.storage.folder)?;
    objects.probe().await?;
    Ok(format!("{} MiB free", objects.free_bytes()? >> 20))
}

/// How far each witness has cosigned the log. One that never did cannot be reached, or refuses.
async fn witnesses(config: &Config, store: &Store) -> Vec<Check> {
    let mut checks = Vec::new();
    for witness in &config.audit.witnesses {
        let name = witness.key.split('+').next().unwrap_or_default();
        let seen = async {
            let mut tx = store.read().await?;
            let head = tx.newest_checkpoint().await?.map_or(0, |head| head.size);
            let cosigned = tx.newest_cosigned(name).await?.map_or(0, |(there, _)| there.size);
            Ok::<_, crate::store::Error>((cosigned, head))
        };
        checks.push(match seen.await {
            Ok((cosigned, head)) => Check {
                check: "witness",
                ok: cosigned > 0 || head == 0,
                detail: format!("{name} cosigned {cosigned} of {head} entries"),
            },
            Err(error) => check("witness", Err(error)),
        });
    }
    checks
}

async fn database(config: &Config, deep: bool) -> Vec<Check> {
    if !config.database.path.exists() {
        let detail = "there is none; run strongroom init".to_owned();
        return vec![Check { check: "database", ok: false, detail }];
    }
    let store = match Store::open_to_read(&config.database.path).await {
        Ok(store) => store,
        Err(error) => return vec![check("database", Err(error))],
    };
    let mut checks = vec![check("database", store.ping().await.map(|()| String::new()))];
    let firm = async {
        let mut tx = store.read().await?;
        let firm = tx.firm().await?;
        let statements = tx.directory_statements(None).await?;
        let (unproven, seals) = (tx.unproven_recoveries().await?, tx.seal_counts().await?);
        let dead = tx.dead_deliveries().await?;
        Ok::<_, crate::store::Error>((firm, statements, unproven, seals, dead))
    };
    match firm.await {
        Ok((firm, statements, unproven, seals, dead)) => {
            checks.push(key_chain(&store, firm.root, &statements).await);
            let detail = match firm.rehearsed_at {
                Some(at) => format!("rehearsed {at} ({} days ago)", days_since(at)),
                None => "not rehearsed: no document is served".into(),
            };
            checks.push(Check { check: "recovery", ok: firm.rehearsed_at.is_some(), detail });
            // No failure: what just came in is always among them, until somebody pulls it.
            let detail = match unproven {
                0 => "every document is proven recoverable".into(),
                unproven => format!(
                    "{unproven} documents whose recovery is unproven: pulled by nobody of the firm"
                ),
            };
            checks.push(Check { check: "recovery of documents", ok: true, detail });
            let seals: Vec<_> =
                seals.iter().map(|(seal, count)| format!("{count} {}", seal.as_str())).collect();
            checks.push(Check { check: "seal levels", ok: true, detail: seals.join(", ") });
            let detail = format!("{dead} notices of the last 30 days were given up");
            checks.push(Check { check: "notices", ok: dead == 0, detail });
        }
        Err(error) => checks.push(check("firm", Err(error))),
    }
    checks.extend(witnesses(config, &store).await);
    checks.push(payloads(config, &store, deep).await);
    store.close().await;
    checks
}

/// Whether the statements of the firm, of its people and of every client verify.
async fn key_chain(store: &Store, root: PublicKey, statements: &[Note]) -> Check {
    let name = "key chain";
    if let Err(error) = Directory::verify(root, statements) {
        return check(name, Err(error));
    }
    let broken = async {
        let mut tx = store.read().await?;
        let mut broken = Vec::new();
        if Directory::verify(root, &tx.people_statements().await?).is_err() {
            broken.push("people".to_owned());
        }
        for client in tx.clients().await? {
            let statements = tx.directory_statements(Some(client.id)).await?;
            if Directory::verify(root, &statements).is_err() {
                broken.push(client.id.to_string());
            }
        }
        Ok::<_, crate::store::Error>(broken)
    };
    match broken.await {
        Ok(broken) if broken.is_empty() => {
            Check { check: name, ok: true, detail: root.key_id().to_string() }
        }
        Ok(broken) => {
            let detail = format!("statements that do not verify: {}", broken.join(", "));
            Check { check: name, ok: false, detail }
        }
        Err(error) => check(name, Err(error)),
    }
}

async fn payloads(config: &Config, store: &Store, deep: bool) -> Check {
    let name = "payloads";
    let found = match Objects::open(&config.storage.folder) {
        Ok(objects) => payloads::check(store, &objects, deep).await,
        Err(error) => Err(error.into()),
    };
    let found = match found {
        Ok(found) => found,
        Err(error) => return check(name, Err(error)),
    };
    let payloads::Found { segments, bytes, missing, damaged } = found;
    let how = if deep { "read and compared" } else { "looked at; --deep reads them" };
    let all = format!("{segments} segments, {} MiB, {how}", bytes >> 20);
    let detail = if found.is_whole() {
        all
    } else {
        format!("{missing} missing, {damaged} damaged of {all}: restore the object store's copy")
    };
    Check { check: name, ok: found.is_whole(), detail }
}

fn days_since(at: crate::clock::Timestamp) -> i64 {
    (Clock::System.now().as_secs() - at.as_secs()) / 86_400
}
