//! A running gateway, put together from its settings: the only place that names every part.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRef;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::dev_ca;
use super::error::Error;
use crate::audit::Sequencer;
use crate::clock::Clock;
use crate::config::Config;
use crate::documents::{self, Documents};
use crate::firm::Directories;
use crate::http::metrics::{Listener, Metrics};
use crate::http::server::{Certificates, Ended, Server, Shutdown};
use crate::http::{self, Hosts, Readiness, Routes, SecurityContact};
use crate::identity::{GatewaySecrets, Identity};
use crate::notices::{CheckpointMail, Outbox};
use crate::objects::Objects;
use crate::shares;
use crate::store::{self, Store};
use crate::witness::Asker;
use crate::worker::{self, sequencer};

/// What handlers take their parts from.
#[derive(Clone)]
pub struct State {
    store: Store,
    clock: Clock,
    directories: Directories,
    identity: Identity,
    documents: Documents,
    shares: shares::Settings,
    readiness: Readiness,
    contact: SecurityContact,
}

macro_rules! part {
    ($($part:ty => $field:ident,)*) => {$(
        impl FromRef<State> for $part {
            fn from_ref(state: &State) -> Self {
                state.$field.clone()
            }
        }
    )*};
}

part!(
    Store => store,
    Clock => clock,
    Directories => directories,
    Identity => identity,
    Documents => documents,
    shares::Settings => shares,
    Readiness => readiness,
    SecurityContact => contact,
);

/// Every route of a gateway.
pub fn routes() -> Routes<State> {
    http::routes()
        .and(http::identity::routes())
        .and(http::firm::routes())
        .and(http::documents::routes())
        .and(http::arrival::routes())
        .and(http::partners::routes())
        .and(http::shares::routes())
        .and(http::links::routes())
        .and(http::log::routes())
        .and(http::custody::routes())
}

/// A gateway that serves.
pub struct Gateway {
    local: SocketAddr,
    metrics_addr: SocketAddr,
    store: Store,
    shutdown: Shutdown,
    served: JoinHandle<Ended>,
    helpers: Vec<JoinHandle<()>>,
    /// The sequencer ends last: what the last requests did is in the log's tree when the
    /// gateway has stopped.
    sequencer: (oneshot::Sender<()>, JoinHandle<()>),
}

impl Gateway {
    /// Opens what `config` names, whose paths are resolved, and begins to serve.
    pub async fn start(config: &Config, clock: Clock) -> Result<Self, Error> {
        let metrics = Arc::new(Metrics::default());
        let (certificate, key) = certificate(config, &clock)?;
        let reload = Duration::from_secs(config.tls.reload_seconds);
        let certificates = Certificates::load(&certificate, &key, reload)
            .map_err(|e| failed("tls", ("证书无法使用", "the certificate cannot be used"), &e))?;
        let secrets = GatewaySecrets::load(&config.gateway.secrets).map_err(|e| {
            failed("secrets", ("网关密钥无法使用", "the gateway's secrets cannot be used"), &e)
        })?;
        let store = Store::open(&config.database.path).await.map_err(|e| {
            failed("database", ("数据库无法使用", "the database cannot be used"), &e)
        })?;
        let noted = async { store.read().await?.passed_time().await };
        let noted = noted.await.map_err(|e| {
            failed("database", ("数据库无法使用", "the database cannot be used"), &e)
        })?;
        let clock = clock.steady(noted);
        let outbox = Outbox::open(&config.notices, store.clone(), clock.clone()).map_err(|e| {
            failed("notices", ("通知渠道无法使用", "a channel of notices cannot be used"), &e)
        })?;
        let state = assemble(config, &clock, &secrets, store.clone()).await?;

        let listening = |setting: &'static str, what: SocketAddr| {
            move |e: std::io::Error| {
                failed(
                    "address_in_use",
                    (
                        &format!("无法监听 {what}（设置项 gateway.{setting}）"),
                        &format!("cannot listen on {what} (setting gateway.{setting})"),
                    ),
                    &e,
                )
            }
        };
        let server = Server::bind(
            config.gateway.listen,
            certificates,
            config.limits.clone(),
            metrics.clone(),
        )
        .map_err(listening("listen", config.gateway.listen))?;
        let listener = Listener::bind(config.gateway.metrics_listen)
            .map_err(listening("metrics_listen", config.gateway.metrics_listen))?;
        let (local, metrics_addr) = (server.local_addr(), listener.local_addr());

        let authenticator = Arc::new(http::identity::Sessions {
            identity: state.identity.clone(),
            store: store.clone(),
            clock: clock.clone(),
        });
        let documents = state.documents.clone();
        let router =
            http::assemble(routes(), state, hosts(config, local), authenticator, metrics.clone());
        let shutdown = Shutdown::new();
        let drained = shutdown.clone();
        let askers = askers(config)?;
        let (cosigned, every) =
            (drained.clone(), Duration::from_secs(config.audit.witness_seconds));
        let (asked_store, asked_clock) = (store.clone(), clock.clone());
        let helpers = vec![
            tokio::spawn(async move {
                tokio::select! {
                    () = cosigned.draining() => {}
                    () = worker::witnesses::run(asked_store, asked_clock, askers, every) => {}
                }
            }),
            tokio::spawn(listener.serve(metrics, shutdown.clone())),
            tokio::spawn(worker::run(
                documents,
                outbox,
                (store.clone(), clock.clone()),
                async move { drained.draining().await },
            )),
        ];
        let sequencer = sequence(config, &clock, &secrets, store.clone())?;
        let served = tokio::spawn(server.serve(router, shutdown.clone()));
        Ok(Self { local, metrics_addr, store, shutdown, served, helpers, sequencer })
    }

    /// The TLS socket.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The metrics socket.
    pub fn metrics_addr(&self) -> SocketAddr {
        self.metrics_addr
    }

    /// Whether documents are served.
    pub async fn is_rehearsed(&self) -> bool {
        let Ok(mut tx) = self.store.read().await else { return false };
        crate::firm::is_rehearsed(&mut tx).await.unwrap_or(false)
    }

    /// Serves until `told` says otherwise, then drains.
    pub async fn serve_until(mut self, told: Shutdown) -> Ended {
        let shutdown = self.shutdown.clone();
        let ended = tokio::select! {
            ended = &mut self.served => ended,
            () = told.draining() => {
                shutdown.drain();
                tokio::select! {
                    ended = &mut self.served => ended,
                    () = told.stopping() => {
                        shutdown.stop();
                        (&mut self.served).await
                    }
                }
            }
        };
        self.close().await;
        ended.unwrap_or(Ended::Cut { connections: 0 })
    }

    /// Stops it: requests in progress are finished first.
    pub async fn stop(mut self) {
        self.shutdown.drain();
        let _ = (&mut self.served).await;
        self.close().await;
    }

    async fn close(self) {
        self.shutdown.drain();
        for helper in self.helpers {
            helper.abort();
            let _ = helper.await;
        }
        let (stop, sequencer) = self.sequencer;
        drop(stop);
        let _ = sequencer.await;
        self.store.close().await;
    }
}

/// The witnesses that are to cosign checkpoints.
fn askers(config: &Config) -> Result<Vec<Asker>, Error> {
    let open = |witness| {
        Asker::open(witness)
            .map_err(|e| failed("witnesses", ("见证方无法使用", "a witness cannot be used"), &e))
    };
    config.audit.witnesses.iter().map(open).collect()
}

/// Begins to sequence the audit log. It ends when the sender is dropped.
fn sequence(
    config: &Config,
    clock: &Clock,
    secrets: &GatewaySecrets,
    store: Store,
) -> Result<(oneshot::Sender<()>, JoinHandle<()>), Error> {
    let objects = config.audit.object_store.then(|| Objects::open(&config.storage.folder));
    let objects = objects.transpose().map_err(|e| {
        failed("storage", ("存储目录无法使用", "the storage folder cannot be used"), &e)
    })?;
    let copies = sequencer::Copies {
        folder: config.audit.folder.clone(),
        every_seconds: config.audit.folder_seconds,
        objects,
        mail: CheckpointMail::open(&config.notices, &config.audit.mail_to).map_err(|e| {
            failed("notices", ("通知渠道无法使用", "a channel of notices cannot be used"), &e)
        })?,
        mail_seconds: config.audit.mail_seconds,
    };
    let turns = Sequencer::new(store, clock.clone(), secrets.log_key());
    let (stop, stopped) = oneshot::channel();
    let stopped = async move {
        // An error says that the sender was dropped, which is how it is told.
        let _: Result<(), _> = stopped.await;
    };
    Ok((stop, tokio::spawn(sequencer::run(turns, clock.clone(), copies, stopped))))
}

async fn assemble(
    config: &Config,
    clock: &Clock,
    secrets: &GatewaySecrets,
    store: Store,
) -> Result<State, Error> {
    let objects = Objects::open_to_serve(&config.storage.folder).map_err(|e| {
        failed("storage", ("存储目录无法使用", "the storage folder cannot be used"), &e)
    })?;
    let founded = async { store.read().await?.firm().await };
    let root = founded.await.map_err(|e| match e {
        store::Error::NotFound => Error::new(
            "not_founded",
            "数据库里还没有机构；请先运行 strongroom init",
            "the database holds no firm; run strongroom init first",
        ),
        e => failed("database", ("数据库无法使用", "the database cannot be used"), &e),
    })?;
    let directories = Directories::default();
    let settings = documents::Settings {
        max_document_bytes: config.limits.max_document_bytes,
        jurisdiction: config.shares.jurisdiction.clone(),
        ..documents::Settings::default()
    };
    let keys = documents::Keys {
        root: root.root.key_id(),
        receipt: secrets.receipt_key(),
        arrival: secrets.arrival_key(),
    };
    let firm = Arc::new(directories.clone());
    let documents =
        Documents::new(store.clone(), objects.clone(), clock.clone(), settings, keys, firm);
    let (checked_store, checked_objects) = (store.clone(), objects);
    let readiness = Readiness::new()
        .with("database", move || {
            let store = checked_store.clone();
            async move { store.ping().await.is_ok() }
        })
        .with("storage", move || {
            let objects = checked_objects.clone();
            async move { objects.probe().await.is_ok() }
        });
    Ok(State {
        store,
        clock: clock.clone(),
        directories,
        identity: Identity::new(secrets),
        documents,
        shares: shares::Settings {
            jurisdiction: config.shares.jurisdiction.clone(),
            min_seconds: config.shares.min_hours * 3600,
            max_seconds: config.shares.max_hours * 3600,
            lease_seconds: config.shares.lease_hours * 3600,
        },
        readiness,
        contact: SecurityContact {
            contact: config.gateway.security_contact.clone(),
            origin: config.gateway.public_url.clone(),
            clock: clock.clone(),
        },
    })
}

/// The certificate to show: the firm's own, or one of a development CA.
fn certificate(
    config: &Config,
    clock: &Clock,
) -> Result<(std::path::PathBuf, std::path::PathBuf), Error> {
    if let (Some(certificate), Some(key)) = (&config.tls.certificate, &config.tls.key) {
        return Ok((certificate.clone(), key.clone()));
    }
    let folder = config.tls.development_ca.clone().unwrap_or_else(|| "certs".into());
    let files = dev_ca::ensure(&folder, &[config.gateway.host()], clock).map_err(|e| {
        failed("tls", ("无法建立开发证书", "no development certificate can be made"), &e)
    })?;
    Ok((files.certificate, files.key))
}

/// The names it answers to: the public one, the listed ones, and on loopback the address.
fn hosts(config: &Config, local: SocketAddr) -> Hosts {
    let mut names = vec![config.gateway.authority()];
    names.extend(config.gateway.also_hosts.iter().cloned());
    if local.ip().is_loopback() {
        names.push(local.to_string());
        names.push(format!("localhost:{}", local.port()));
    }
    Hosts::new(names)
}

fn failed(code: &'static str, what: (&str, &str), why: &dyn std::error::Error) -> Error {
    Error::because(code, what, why)
}
