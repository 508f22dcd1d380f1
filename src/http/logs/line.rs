//! One event as one line: JSON, or readable.
//!
//! Invariant: exactly one line feed, at the end; every control and direction-changing
//! character of a value is escaped before it gets here or on the way out.

use std::fmt::Write;

use crate::clock::Timestamp;

/// A field's value, redacted.
#[derive(Clone)]
pub(super) enum Value {
    /// Text, free of control characters.
    Text(String),
    /// A number or truth value as JSON writes it.
    Plain(String),
}

/// What every line begins with.
pub(super) struct Head<'e> {
    pub(super) time: Timestamp,
    pub(super) level: &'static str,
    pub(super) target: &'e str,
}

/// `{"time":…,"level":…,"target":…,…}`.
pub(super) fn json(head: &Head<'_>, fields: &[(&str, Value)]) -> String {
    let mut out = format!(
        r#"{{"time":"{}","level":"{}","target":{}"#,
        head.time,
        head.level,
        quoted(head.target)
    );
    for (name, value) in fields {
        let _ = match value {
            Value::Text(text) => write!(out, ",{}:{}", quoted(name), quoted(text)),
            Value::Plain(text) => write!(out, ",{}:{text}", quoted(name)),
        };
    }
    out.push_str("}\n");
    out
}

/// `TIME LEVEL message name=value …`.
pub(super) fn human(head: &Head<'_>, fields: &[(&str, Value)]) -> String {
    let mut out = format!("{} {:5}", head.time, head.level.to_uppercase());
    let text = |value: &Value| match value {
        Value::Text(text) | Value::Plain(text) => text.clone(),
    };
    if let Some((_, message)) = fields.iter().find(|(name, _)| *name == "message") {
        let _ = write!(out, " {}", text(message));
    }
    for (name, value) in fields.iter().filter(|(name, _)| *name != "message") {
        let value = text(value);
        let _ = match value.contains([' ', '"', '=']) {
            true => write!(out, " {name}={}", quoted(&value)),
            false => write!(out, " {name}={value}"),
        };
    }
    out.push('\n');
    out
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
