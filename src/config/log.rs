//! `[log]`: how much the gateway says on standard error, and in which form.
//!
//! There is no setting that switches redaction off or raises the level of libraries.

use serde::{Deserialize, Serialize};

/// Level and form of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// The least important events shown.
    pub level: Level,
    /// One JSON object per line, or one readable line.
    pub format: Format,
}

/// How important an event is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Something was lost or refused that should not have been.
    Error,
    /// Something somebody should look at.
    Warn,
    /// A line per request and per change of state.
    #[default]
    Info,
    /// For whoever looks for a fault.
    Debug,
    /// Everything the gateway itself has to say.
    Trace,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One JSON object per line.
    #[default]
    Json,
    /// One line for people.
    Human,
}
