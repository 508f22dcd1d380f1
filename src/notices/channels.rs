//! The channels: a file, a signed webhook, mail over STARTTLS.
//!
//! Refuses plain connections and certificates that do not verify. Says why a delivery failed
//! in fixed words: what a server answers may hold addresses, and is never logged.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{Method, Request};
use http_body_util::Full;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::config;
use crate::outbound;

use super::text::Message;

/// How long one delivery may take.
const DEADLINE: Duration = Duration::from_secs(30);
/// The shortest secret of a webhook, in bytes.
const MIN_SECRET_BYTES: usize = 32;

/// Why a channel cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("{setting}: {reason}")]
pub struct Error {
    setting: &'static str,
    reason: String,
}

/// Why a delivery failed, in words that name nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failed(&'static str);

/// Somewhere notices are told.
#[async_trait]
pub(super) trait Channel: Send + Sync {
    /// Its stable name.
    fn name(&self) -> &'static str;
    /// Tells `message`.
    async fn deliver(&self, message: &Message) -> Result<(), Failed>;
}

fn refused(setting: &'static str, reason: impl std::fmt::Display) -> Error {
    Error { setting, reason: reason.to_string() }
}

fn read(setting: &'static str, path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    std::fs::read(path).map(Zeroizing::new).map_err(|e| refused(setting, e))
}

fn secret(setting: &'static str, path: &Path) -> Result<Zeroizing<String>, Error> {
    let bytes = read(setting, path)?;
    let text = std::str::from_utf8(&bytes).map_err(|e| refused(setting, e))?;
    Ok(Zeroizing::new(text.trim().to_owned()))
}

/// The channels that `settings` name.
pub(super) fn open(
    settings: &config::Notices,
    clock: &Clock,
) -> Result<Vec<Arc<dyn Channel>>, Error> {
    let mut channels: Vec<Arc<dyn Channel>> = Vec::new();
    if let Some(path) = &settings.file {
        channels.push(Arc::new(FileSink::open(path)?));
    }
    if let (Some(url), Some(secret)) = (&settings.webhook_url, &settings.webhook_secret) {
        let ca = settings.webhook_ca.as_deref();
        channels.push(Arc::new(Webhook::open(url, secret, ca, clock.clone())?));
    }
    if let Some(host) = &settings.smtp_host {
        let to = ("notices.smtp_to", settings.smtp_to.as_slice());
        channels.push(Arc::new(Mail::open(host, settings, to)?));
    }
    Ok(channels)
}

/// Names the channels that `settings` set, if all of them can be used; tells nothing.
pub fn check(settings: &config::Notices, clock: &Clock) -> Result<String, Error> {
    let channels = open(settings, clock)?;
    Ok(channels.iter().map(|channel| channel.name()).collect::<Vec<_>>().join(", "))
}

/// Appends one JSON object a line.
struct FileSink {
    path: PathBuf,
}

impl FileSink {
    fn open(path: &Path) -> Result<Self, Error> {
        append_to(path).map_err(|e| refused("notices.file", e))?;
        Ok(Self { path: path.to_owned() })
    }
}

fn append_to(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

#[async_trait]
impl Channel for FileSink {
    fn name(&self) -> &'static str {
        "file"
    }

    async fn deliver(&self, message: &Message) -> Result<(), Failed> {
        let mut line = serde_json::to_vec(message).map_err(|_| Failed("not JSON"))?;
        line.push(b'\n');
        let path = self.path.clone();
        let written = tokio::task::spawn_blocking(move || {
            // Opened each time, so that the file may be moved away.
            let mut file = append_to(&path)?;
            file.write_all(&line)?;
            file.sync_data()
        });
        match written.await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Failed("the file cannot be written")),
        }
    }
}

/// Posts JSON with an HMAC-SHA-256 over time and body.
struct Webhook {
    client: outbound::Client,
    url: http::Uri,
    secret: Zeroizing<String>,
    clock: Clock,
}

impl Webhook {
    fn open(url: &str, key: &Path, ca: Option<&Path>, clock: Clock) -> Result<Self, Error> {
        let secret = secret("notices.webhook_secret", key)?;
        if secret.len() < MIN_SECRET_BYTES {
            return Err(refused("notices.webhook_secret", "shorter than 32 characters"));
        }
        let url = url.parse().map_err(|e| refused("notices.webhook_url", e))?;
        let client = outbound::client(ca).map_err(|e| {
            let setting = if ca.is_some() { "notices.webhook_ca" } else { "notices.webhook_url" };
            refused(setting, e)
        })?;
        Ok(Self { client, url, secret, clock })
    }
}

/// `v1=` and HMAC-SHA-256, in hex, of `time.body`; `time` in seconds since the epoch.
///
/// # Panics
/// Never: HMAC takes keys of every length.
pub fn signature(secret: &str, time: i64, body: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of every length");
    mac.update(time.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    format!("v1={}", hex::encode(mac.finalize().into_bytes()))
}

#[async_trait]
impl Channel for Webhook {
    fn name(&self) -> &'static str {
        "webhook"
    }

    async fn deliver(&self, message: &Message) -> Result<(), Failed> {
        let body = serde_json::to_vec(message).map_err(|_| Failed("not JSON"))?;
        let time = self.clock.now().as_secs();
        let request = Request::builder()
            .method(Method::POST)
            .uri(self.url.clone())
            .header(http::header::CONTENT_TYPE, "application/json")
            .header(http::header::USER_AGENT, concat!("strongroom/", env!("CARGO_PKG_VERSION")))
            .header("strongroom-notice", &message.id)
            .header("strongroom-timestamp", time)
            .header("strongroom-signature", signature(&self.secret, time, &body))
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| Failed("not a request"))?;
        match tokio::time::timeout(DEADLINE, self.client.request(request)).await {
            // Redirects are not followed: they are failures like every other answer.
            Ok(Ok(response)) if response.status().is_success() => Ok(()),
            Ok(Ok(_)) => Err(Failed("the webhook answered with a failure")),
            Ok(Err(_)) => Err(Failed("the webhook cannot be reached")),
            Err(_) => Err(Failed("the webhook did not answer in time")),
        }
    }
}

/// Mails to the firm's own mailboxes.
pub(super) struct Mail {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: lettre::message::Mailbox,
    to: Vec<lettre::message::Mailbox>,
}

impl Mail {
    /// Over the mail server of `settings`, to the mailboxes that the setting `to` names.
    pub(super) fn open(
        host: &str,
        settings: &config::Notices,
        (setting, to): (&'static str, &[String]),
    ) -> Result<Self, Error> {
        let mailbox = |setting, text: &str| -> Result<lettre::message::Mailbox, Error> {
            text.parse().map_err(|e| refused(setting, e))
        };
        let mut tls = TlsParameters::builder(host.to_owned());
        if let Some(path) = &settings.smtp_ca {
            let pem = read("notices.smtp_ca", path)?;
            let ca = Certificate::from_pem(&pem).map_err(|e| refused("notices.smtp_ca", e))?;
            tls = tls.certificate_store(CertificateStore::None).add_root_certificate(ca);
        }
        let tls = tls.build_rustls().map_err(|e| refused("notices.smtp_host", e))?;
        // Plain text is never spoken beyond the greeting: without STARTTLS nothing is sent.
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(settings.smtp_port)
            .tls(Tls::Required(tls))
            .timeout(Some(DEADLINE));
        if let (Some(user), Some(path)) = (&settings.smtp_user, &settings.smtp_password) {
            let password = secret("notices.smtp_password", path)?;
            builder = builder.credentials(Credentials::new(user.clone(), password.to_string()));
        }
        Ok(Self {
            transport: builder.build(),
            from: mailbox("notices.smtp_from", settings.smtp_from.as_deref().unwrap_or_default())?,
            to: to.iter().map(|to| mailbox(setting, to)).collect::<Result<_, _>>()?,
        })
    }
}

impl Mail {
    /// Sends one mail. `id` is the same at every try: mailboxes drop repeats.
    pub(super) async fn send(&self, id: &str, subject: String, text: String) -> Result<(), Failed> {
        let domain = self.from.email.domain();
        let mut mail = lettre::Message::builder()
            .message_id(Some(format!("<{id}@{domain}>")))
            .from(self.from.clone())
            .subject(subject)
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            mail = mail.to(to.clone());
        }
        let mail = mail.body(text).map_err(|_| Failed("not a mail"))?;
        match tokio::time::timeout(DEADLINE, self.transport.send(mail)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if error.is_permanent() => Err(Failed("the mail server refused it")),
            Ok(Err(error)) if error.is_transient() => Err(Failed("the mail server put it off")),
            Ok(Err(_)) => Err(Failed("the mail server cannot be reached over STARTTLS")),
            Err(_) => Err(Failed("the mail server did not answer in time")),
        }
    }
}

#[async_trait]
impl Channel for Mail {
    fn name(&self) -> &'static str {
        "mail"
    }

    async fn deliver(&self, message: &Message) -> Result<(), Failed> {
        self.send(&message.id, message.subject.clone(), message.text.clone()).await
    }
}
