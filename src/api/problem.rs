//! Errors on the wire: problem details (RFC 9457).

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ids::RequestId;

/// The body of every refusal, `application/problem+json`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProblemBody {
    /// `about:blank`, as RFC 9457 section 4.2.1 has it: the code says more.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened and what to do, in English; clients translate by `code`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
    /// A stable word for programs.
    pub code: String,
    /// Names this request in the gateway's log.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request_id: Option<RequestId>,
    /// With `too_early`: the earliest time that the statement can bear.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub not_before: Option<Timestamp>,
}
