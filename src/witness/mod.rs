//! Witnesses of audit logs (C2SP tlog-witness): one is kept here, others are asked.
//!
//! A witness cosigns a checkpoint only when the log it has seen before grew into it, so a log
//! that was rewritten or cut off gets no cosignature from whoever saw it whole.

mod ask;
mod keep;

pub use ask::{Asked, Asker, Failed};
pub use keep::{Keeper, Refusal, SetupError};
