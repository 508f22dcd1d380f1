//! `[gateway]`: the names and sockets of one gateway.
//!
//! Refuses a public URL that is not a bare `https://host[:port]`. Invariant: the public
//! origin is the only name that links, certificates and `Host` checks are made from.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Refusal;

/// Where the gateway listens and what it is called from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gateway {
    /// The origin people type, e.g. `https://files.example.cn`.
    pub public_url: String,
    /// Further `Host` values to answer to, as `host` or `host:port`.
    pub also_hosts: Vec<String>,
    /// The TLS socket; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The plain-HTTP socket of `/metrics`; keep it on loopback or a private network.
    pub metrics_listen: SocketAddr,
    /// The gateway's own keys (mode 0600): sessions, receipts, OPAQUE. `init` makes it.
    pub secrets: PathBuf,
    /// Where to report a weakness; shown in `/.well-known/security.txt`.
    pub security_contact: String,
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            public_url: "https://127.0.0.1:8443".into(),
            also_hosts: Vec::new(),
            listen: SocketAddr::from(([127, 0, 0, 1], 8443)),
            metrics_listen: SocketAddr::from(([127, 0, 0, 1], 9464)),
            secrets: "secrets.json".into(),
            security_contact: String::new(),
        }
    }
}

impl Gateway {
    /// `host[:port]` of the public URL, lower case, without the default port.
    pub fn authority(&self) -> String {
        let rest = self.public_url.strip_prefix("https://").unwrap_or(&self.public_url);
        let rest = rest.trim_end_matches('/').to_ascii_lowercase();
        rest.strip_suffix(":443").map(str::to_owned).unwrap_or(rest)
    }

    /// The host alone, without port and without the brackets of an IPv6 address.
    pub fn host(&self) -> String {
        let authority = self.authority();
        if let Some(rest) = authority.strip_prefix('[') {
            return rest.split(']').next().unwrap_or_default().to_owned();
        }
        authority.split(':').next().unwrap_or_default().to_owned()
    }

    pub(super) fn validate(&self) -> Result<(), Refusal> {
        let key = "gateway.public_url";
        let Some(rest) = self.public_url.strip_prefix("https://") else {
            return Err(Refusal::new(
                key,
                "must begin with https://, e.g. https://files.example.cn",
            ));
        };
        let rest = rest.trim_end_matches('/');
        let parsed: Option<http::uri::Authority> = rest.parse().ok();
        if rest.contains(['/', '?', '#', '@'])
            || parsed.is_none_or(|a| a.host().is_empty() || a.as_str() != rest)
        {
            return Err(Refusal::new(
                key,
                "must be an origin alone: https://host or https://host:port, no path",
            ));
        }
        for host in &self.also_hosts {
            let bad = host.parse::<http::uri::Authority>().map_or(true, |a| a.as_str() != host);
            if bad || host.contains(['/', '@']) {
                return Err(Refusal::new(
                    "gateway.also_hosts",
                    "each entry must be host or host:port, e.g. \"files.example.cn\"",
                ));
            }
        }
        let contact = &self.security_contact;
        let known = ["https://", "mailto:", "tel:"].iter().any(|p| contact.starts_with(p));
        if !contact.is_empty() && (!known || contact.contains(char::is_control)) {
            return Err(Refusal::new(
                "gateway.security_contact",
                "must begin with https://, mailto: or tel:, or be empty",
            ));
        }
        Ok(())
    }
}
