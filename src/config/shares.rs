//! `[shares]`: what is allowed for shares with partners.
//!
//! Refuses bounds that leave no time to be open, and what is no jurisdiction.

use serde::{Deserialize, Serialize};

use super::Refusal;

/// The longest that the bounds may allow, in hours.
const MOST_HOURS: i64 = 90 * 24;

/// Where the firm is, and for how long a share may be open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Shares {
    /// Where the firm is, as ISO 3166-1 alpha-2. Partners elsewhere receive nothing before
    /// route, assessment and authorisation are recorded.
    pub jurisdiction: String,
    /// The shortest time a share may be open, in hours.
    pub min_hours: i64,
    /// The longest, in hours.
    pub max_hours: i64,
    /// For so long a begun fetching goes on in its slot, in hours.
    pub lease_hours: i64,
}

impl Default for Shares {
    fn default() -> Self {
        Self { jurisdiction: "CN".into(), min_hours: 1, max_hours: MOST_HOURS, lease_hours: 24 }
    }
}

impl Shares {
    pub(super) fn validate(&self) -> Result<(), Refusal> {
        let code = self.jurisdiction.as_bytes();
        if code.len() != 2 || !code.iter().all(u8::is_ascii_uppercase) {
            return Err(Refusal::new("shares.jurisdiction", "write two capital letters, e.g. CN"));
        }
        if !(1..=MOST_HOURS).contains(&self.min_hours) {
            return Err(Refusal::new("shares.min_hours", "must be from 1 to 2160"));
        }
        if !(self.min_hours..=MOST_HOURS).contains(&self.max_hours) {
            return Err(Refusal::new("shares.max_hours", "must be from min_hours to 2160"));
        }
        if !(1..=168).contains(&self.lease_hours) {
            return Err(Refusal::new("shares.lease_hours", "must be from 1 to 168"));
        }
        Ok(())
    }
}
