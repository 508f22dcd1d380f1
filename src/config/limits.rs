//! `[limits]`: what one connection, one body and one address may take.
//!
//! Refuses zero and values that would switch a protection off. Units are in the names.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Refusal;

/// Deadlines, rates and caps of the gateway's accept loop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// A TLS handshake ends within this many seconds of accept.
    pub handshake_seconds: u64,
    /// The first request's headers are complete within this many seconds of accept, and a
    /// later request's within as many of its first byte.
    pub header_seconds: u64,
    /// A connection without a request in progress is closed after this many seconds.
    pub idle_seconds: u64,
    /// A body that moves slower than this is ended; counted over `body_window_seconds` of
    /// waiting for the peer.
    pub min_body_bytes_per_second: u64,
    /// The window of `min_body_bytes_per_second`.
    pub body_window_seconds: u64,
    /// Open connections in all.
    pub max_connections: usize,
    /// Open connections of one IPv4 address or one IPv6 /64 network.
    pub max_connections_per_address: usize,
    /// Requests in progress on one HTTP/2 connection.
    pub max_concurrent_streams: u32,
    /// The headers of one request, in bytes.
    pub max_header_bytes: u32,
    /// After SIGTERM, requests in progress have this many seconds to finish.
    pub drain_seconds: u64,
    /// The largest document, in bytes of its payload.
    pub max_document_bytes: u64,
    /// Reverse proxies whose `X-Forwarded-For` is believed, for throttling by address alone.
    pub trusted_proxies: Vec<IpAddr>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake_seconds: 10,
            header_seconds: 10,
            idle_seconds: 60,
            min_body_bytes_per_second: 1024,
            body_window_seconds: 30,
            max_connections: 8192,
            max_connections_per_address: 1024,
            max_concurrent_streams: 100,
            max_header_bytes: 16 * 1024,
            drain_seconds: 30,
            max_document_bytes: 16 << 30,
            trusted_proxies: Vec::new(),
        }
    }
}

impl Limits {
    /// `handshake_seconds` as a duration.
    pub fn handshake(&self) -> Duration {
        Duration::from_secs(self.handshake_seconds)
    }

    /// `header_seconds` as a duration.
    pub fn header(&self) -> Duration {
        Duration::from_secs(self.header_seconds)
    }

    /// `idle_seconds` as a duration.
    pub fn idle(&self) -> Duration {
        Duration::from_secs(self.idle_seconds)
    }

    /// `body_window_seconds` as a duration.
    pub fn body_window(&self) -> Duration {
        Duration::from_secs(self.body_window_seconds)
    }

    /// `drain_seconds` as a duration.
    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }

    pub(super) fn validate(&self) -> Result<(), Refusal> {
        let ranges = [
            ("limits.handshake_seconds", self.handshake_seconds, 1, 60),
            ("limits.header_seconds", self.header_seconds, 1, 60),
            ("limits.idle_seconds", self.idle_seconds, 1, 3600),
            ("limits.min_body_bytes_per_second", self.min_body_bytes_per_second, 1, 1 << 20),
            ("limits.body_window_seconds", self.body_window_seconds, 1, 600),
            ("limits.max_connections", self.max_connections as u64, 1, 1 << 20),
            (
                "limits.max_connections_per_address",
                self.max_connections_per_address as u64,
                1,
                1 << 20,
            ),
            ("limits.max_concurrent_streams", u64::from(self.max_concurrent_streams), 1, 100),
            ("limits.max_header_bytes", u64::from(self.max_header_bytes), 8192, 16 * 1024),
            ("limits.drain_seconds", self.drain_seconds, 1, 3600),
            ("limits.max_document_bytes", self.max_document_bytes, 1 << 20, 1 << 40),
        ];
        for (key, value, least, most) in ranges {
            if !(least..=most).contains(&value) {
                return Err(Refusal::new(key, format!("must be from {least} to {most}")));
            }
        }
        Ok(())
    }
}
