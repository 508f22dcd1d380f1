//! What the gateway counts, and `/metrics` in the Prometheus text format on a plain-HTTP
//! listener of its own.
//!
//! Refuses labels with unbounded values: routes are templates, methods and statuses a fixed
//! few. Invariant: nothing about a person, document or address is ever a label.

mod listener;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub use listener::Listener;

/// Upper bounds of the latency histogram, in seconds.
const BUCKETS: [f64; 12] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];

/// The gateway's counters. Shared behind an `Arc`.
#[derive(Debug, Default)]
pub struct Metrics {
    requests: Mutex<BTreeMap<(&'static str, &'static str, u16), u64>>,
    latency: Mutex<BTreeMap<&'static str, Histogram>>,
    in_flight: AtomicI64,
    connections: AtomicI64,
    opened: AtomicU64,
    refused: AtomicU64,
    cut: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    panics: AtomicU64,
}

#[derive(Debug, Default)]
struct Histogram {
    buckets: [u64; BUCKETS.len()],
    count: u64,
    sum_seconds: f64,
}

/// One answered request, as the metrics and the request log see it.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Observation {
    /// Path template, or `unmatched`.
    pub(in crate::http) route: &'static str,
    /// One of the registered methods, or `OTHER`.
    pub(in crate::http) method: &'static str,
    /// The status.
    pub(in crate::http) status: u16,
    /// From headers to the last byte of the answer.
    pub(in crate::http) duration: Duration,
    /// Of the request's body.
    pub(in crate::http) bytes_in: u64,
    /// Of the answer's body.
    pub(in crate::http) bytes_out: u64,
}

impl Metrics {
    pub(in crate::http) fn connection_opened(&self) {
        self.opened.fetch_add(1, Ordering::Relaxed);
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(in crate::http) fn connection_closed(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    pub(in crate::http) fn connection_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(in crate::http) fn connection_cut(&self) {
        self.cut.fetch_add(1, Ordering::Relaxed);
    }

    pub(in crate::http) fn panicked(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    pub(in crate::http) fn request_began(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    pub(in crate::http) fn request_ended(&self, seen: &Observation) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.bytes_in.fetch_add(seen.bytes_in, Ordering::Relaxed);
        self.bytes_out.fetch_add(seen.bytes_out, Ordering::Relaxed);
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry((seen.route, seen.method, seen.status)).or_default() += 1;
        drop(requests);
        let seconds = seen.duration.as_secs_f64();
        let mut latency = self.latency.lock().unwrap_or_else(PoisonError::into_inner);
        let histogram = latency.entry(seen.route).or_default();
        for (bucket, bound) in histogram.buckets.iter_mut().zip(BUCKETS) {
            *bucket += u64::from(seconds <= bound);
        }
        histogram.count += 1;
        histogram.sum_seconds += seconds;
    }

    /// Connections open now.
    pub fn open_connections(&self) -> i64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Everything in the Prometheus text format, version 0.0.4.
    pub fn render(&self) -> String {
        let mut out = String::with_capacity(4096);
        head(&mut out, "strongroom_http_requests_total", "counter", "Requests answered.");
        for ((route, method, status), count) in
            self.requests.lock().unwrap_or_else(PoisonError::into_inner).iter()
        {
            let _ = writeln!(
                out,
                "strongroom_http_requests_total{{route=\"{route}\",method=\"{method}\",status=\"{status}\"}} {count}"
            );
        }
        let name = "strongroom_http_request_duration_seconds";
        head(&mut out, name, "histogram", "From headers to the last byte of the answer.");
        for (route, h) in self.latency.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            for (count, bound) in h.buckets.iter().zip(BUCKETS) {
                let _ = writeln!(out, "{name}_bucket{{route=\"{route}\",le=\"{bound}\"}} {count}");
            }
            let _ = writeln!(out, "{name}_bucket{{route=\"{route}\",le=\"+Inf\"}} {}", h.count);
            let _ = writeln!(out, "{name}_sum{{route=\"{route}\"}} {}", h.sum_seconds);
            let _ = writeln!(out, "{name}_count{{route=\"{route}\"}} {}", h.count);
        }
        let gauges = [
            ("strongroom_http_requests_in_flight", "Requests in progress.", &self.in_flight),
            ("strongroom_connections", "Open connections.", &self.connections),
        ];
        for (name, help, value) in gauges {
            single(&mut out, name, "gauge", help, value.load(Ordering::Relaxed));
        }
        let counters = [
            ("strongroom_connections_opened_total", "Connections accepted.", &self.opened),
            ("strongroom_connections_refused_total", "Connections over a cap.", &self.refused),
            ("strongroom_connections_cut_total", "Connections past a deadline.", &self.cut),
            ("strongroom_http_received_bytes_total", "Request bodies.", &self.bytes_in),
            ("strongroom_http_sent_bytes_total", "Response bodies.", &self.bytes_out),
            ("strongroom_panics_total", "Handlers that panicked.", &self.panics),
        ];
        for (name, help, value) in counters {
            single(&mut out, name, "counter", help, value.load(Ordering::Relaxed));
        }
        if let Some(bytes) = resident_bytes() {
            single(&mut out, "process_resident_memory_bytes", "gauge", "Resident memory.", bytes);
        }
        out
    }
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn single(out: &mut String, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
    head(out, name, kind, help);
    let _ = writeln!(out, "{name} {value}");
}

/// Resident memory of this process in bytes, where the kernel tells.
fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}
