//! The gateway's log: one line an event on standard error, redacted by construction.
//!
//! Refuses library chatter above `warn` whatever the level (at `trace`, HTTP, TLS and SQL
//! libraries print headers, keys and values), `RUST_LOG`, and the text of a panic, which may
//! hold anything. Invariant: one event is one line, every value in it has passed
//! [`redact::value`], and its control characters are escaped.

mod line;
mod redact;

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

use crate::clock::Clock;
use crate::config::{self, Format, Log};

pub use redact::value as redacted;

/// The target of our own events begins so; all others are libraries.
const OURS: &str = env!("CARGO_CRATE_NAME");

/// Another logger was installed before.
#[derive(Debug, thiserror::Error)]
#[error("logging was set up twice")]
pub struct AlreadySet;

/// Logs to standard error as `settings` say, and logs where a panic happened instead of what
/// it said.
pub fn init(settings: &Log, clock: Clock) -> Result<(), AlreadySet> {
    let lines = Lines::new(settings, clock, io::stderr());
    Registry::default().with(lines).try_init().map_err(|_| AlreadySet)?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|at| format!("{}:{}", at.file(), at.line()));
        tracing::error!(place, "a panic; what it said is not logged");
    }));
    Ok(())
}

/// Writes one redacted line an event.
pub struct Lines<W> {
    level: LevelFilter,
    format: Format,
    clock: Clock,
    out: Mutex<W>,
}

impl<W: Write> Lines<W> {
    /// As `settings` say, into `out`.
    pub fn new(settings: &Log, clock: Clock, out: W) -> Self {
        let level = match settings.level {
            config::Level::Error => LevelFilter::ERROR,
            config::Level::Warn => LevelFilter::WARN,
            config::Level::Info => LevelFilter::INFO,
            config::Level::Debug => LevelFilter::DEBUG,
            config::Level::Trace => LevelFilter::TRACE,
        };
        Self { level, format: settings.format, clock, out: Mutex::new(out) }
    }

    fn shows(&self, metadata: &Metadata<'_>) -> bool {
        let ours = metadata
            .target()
            .strip_prefix(OURS)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
        let most = if ours { self.level } else { self.level.min(LevelFilter::WARN) };
        *metadata.level() <= most
    }
}

/// The fields of a span or event, redacted as they are read.
#[derive(Default)]
struct Fields(Vec<(&'static str, line::Value)>);

impl Fields {
    fn text(&mut self, field: &Field, text: &str) {
        let value = line::Value::Text(redact::field(field.name(), text));
        self.set(field.name(), value);
    }

    fn set(&mut self, name: &'static str, value: line::Value) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let mut text = String::new();
        // A `Debug` that fails leaves what it wrote so far.
        let _ = write!(text, "{value:?}");
        self.text(field, &text);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.text(field, &value.to_string());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field.name(), line::Value::Plain(value.to_string()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field.name(), line::Value::Plain(value.to_string()));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.set(field.name(), line::Value::Plain(value.to_string()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field.name(), line::Value::Plain(value.to_string()));
    }
}

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Write + 'static,
{
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.shows(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        if let Some(scope) = context.event_scope(event) {
            for span in scope.from_root() {
                if let Some(of_span) = span.extensions().get::<Fields>() {
                    for (name, value) in &of_span.0 {
                        fields.set(name, value.clone());
                    }
                }
            }
        }
        event.record(&mut fields);
        let level = match *event.metadata().level() {
            Level::ERROR => "error",
            Level::WARN => "warn",
            Level::INFO => "info",
            Level::DEBUG => "debug",
            Level::TRACE => "trace",
        };
        let head = line::Head { time: self.clock.now(), level, target: event.metadata().target() };
        let line = match self.format {
            Format::Json => line::json(&head, &fields.0),
            Format::Human => line::human(&head, &fields.0),
        };
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // Nothing can be done about a log that cannot be written; the gateway goes on.
        let _ = out.write_all(line.as_bytes());
    }
}

#[cfg(test)]
mod tests;
