//! Closed accounting periods.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::envelope::statement::Period;
use crate::ids::MemberId;

/// A period whose books are closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ClosedPeriod {
    /// The period.
    pub period: Period,
    /// Who closed it.
    pub closed_by: MemberId,
    /// When.
    pub closed_at: Timestamp,
}

/// `POST /clients/{id}/periods`: closes a period, or opens it again.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetPeriod {
    /// Which.
    pub period: Period,
    /// Whether it is to be closed.
    pub closed: bool,
    /// Why it is opened again: one line, up to 500 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `POST /documents/{id}/reason`: why a document of a closed period is opened.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GiveReason {
    /// One line, up to 500 bytes; the client reads it.
    pub reason: String,
}
