//! `[notices]`: through which channels notices are told. None by default.
//!
//! Refuses half a channel, plain HTTP, and mail without STARTTLS: there is no setting for it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Refusal;

/// The channels of notices: a file, a signed webhook, mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Notices {
    /// How often the outbox is looked at, in seconds.
    pub poll_seconds: u64,
    /// The pause after a failed delivery, in seconds; doubled each time, up to six hours.
    pub retry_seconds: u64,
    /// A file that notices are appended to, one JSON object a line (mode 0600).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// An `https://` address that notices are posted to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_url: Option<String>,
    /// The file with the secret that signs them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_secret: Option<PathBuf>,
    /// A CA (PEM) to trust for the webhook instead of the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_ca: Option<PathBuf>,
    /// The mail server. STARTTLS is required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp_host: Option<String>,
    /// Its port.
    pub smtp_port: u16,
    /// The sender's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp_from: Option<String>,
    /// The firm's mailboxes.
    pub smtp_to: Vec<String>,
    /// The name to log in with, where the server asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp_user: Option<String>,
    /// The file with the password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp_password: Option<PathBuf>,
    /// A CA (PEM) to trust for the mail server instead of the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp_ca: Option<PathBuf>,
}

impl Default for Notices {
    fn default() -> Self {
        Self {
            poll_seconds: 5,
            retry_seconds: 10,
            file: None,
            webhook_url: None,
            webhook_secret: None,
            webhook_ca: None,
            smtp_host: None,
            smtp_port: 587,
            smtp_from: None,
            smtp_to: Vec::new(),
            smtp_user: None,
            smtp_password: None,
            smtp_ca: None,
        }
    }
}

impl Notices {
    /// Every path in it.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [
            self.file.as_mut(),
            self.webhook_secret.as_mut(),
            self.webhook_ca.as_mut(),
            self.smtp_password.as_mut(),
            self.smtp_ca.as_mut(),
        ]
        .into_iter()
        .flatten()
    }

    pub(super) fn validate(&self) -> Result<(), Refusal> {
        for (key, value) in [
            ("notices.poll_seconds", self.poll_seconds),
            ("notices.retry_seconds", self.retry_seconds),
        ] {
            if !(1..=3600).contains(&value) {
                return Err(Refusal::new(key, "must be from 1 to 3600"));
            }
        }
        if let Some(url) = &self.webhook_url {
            let uri: Option<http::Uri> = url.parse().ok();
            let good = uri.is_some_and(|uri| {
                uri.scheme_str() == Some("https")
                    && uri.authority().is_some_and(|a| !a.as_str().contains('@'))
            });
            if !good {
                return Err(Refusal::new(
                    "notices.webhook_url",
                    "must be an address such as https://hooks.example.cn/strongroom",
                ));
            }
        }
        if self.webhook_url.is_some() != self.webhook_secret.is_some() {
            let key = if self.webhook_url.is_some() {
                "notices.webhook_url"
            } else {
                "notices.webhook_secret"
            };
            return Err(Refusal::new(key, "set both webhook_url and webhook_secret, or neither"));
        }
        if self.smtp_host.is_some() && (self.smtp_from.is_none() || self.smtp_to.is_empty()) {
            return Err(Refusal::new("notices.smtp_host", "set smtp_from and smtp_to too"));
        }
        if self.smtp_user.is_some() != self.smtp_password.is_some() {
            let key = if self.smtp_user.is_some() {
                "notices.smtp_user"
            } else {
                "notices.smtp_password"
            };
            return Err(Refusal::new(key, "set both smtp_user and smtp_password, or neither"));
        }
        Ok(())
    }
}
