//! What domain errors become as problems: the one place where errors turn into statuses.

use http::StatusCode;

use crate::api::codes;
use crate::{firm, identity, store};

use super::Problem;

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NotFound => Self::not_found(),
            store::Error::Conflict => {
                Self::conflict(codes::WRONG_STATE, "Somebody was faster; look again.")
            }
            store::Error::Full => Self::insufficient_storage(),
            store::Error::Unavailable(_) => {
                tracing::error!(%error, "the database is unavailable");
                Self::unavailable()
            }
            store::Error::Corrupt(_) | store::Error::NewerSchema => Self::internal(&error),
        }
    }
}

impl From<firm::Error> for Problem {
    fn from(error: firm::Error) -> Self {
        match error {
            firm::Error::NotFound => Self::not_found(),
            firm::Error::NotAllowed => Self::not_allowed(),
            firm::Error::StatementRefused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                codes::STATEMENT_REFUSED,
                "The signed statement does not verify, or its signer may not say that.",
            ),
            firm::Error::ChainMoved => Self::conflict(
                codes::CHAIN_MOVED,
                "The statement does not continue the newest of its chain; fetch it and sign again.",
            ),
            firm::Error::Taken => {
                Self::conflict(codes::WRONG_STATE, "There is something else with this id.")
            }
            firm::Error::LastOne => Self::conflict(
                codes::WRONG_STATE,
                "The last one of this role cannot be ended; give the role to somebody else first.",
            ),
            firm::Error::Unacceptable => Self::bad_request("A value is empty or too long."),
            firm::Error::Directory(_) => Self::internal(&error),
            firm::Error::Store(error) => error.into(),
        }
    }
}

impl From<identity::Error> for Problem {
    fn from(error: identity::Error) -> Self {
        match error {
            identity::Error::NotFound => Self::not_found(),
            identity::Error::Unauthorized => Self::unauthorized(),
            identity::Error::TooMany { retry_after_secs } => {
                Self::too_many_requests(retry_after_secs)
            }
            identity::Error::LoginTaken => Self::conflict(
                codes::LOGIN_TAKEN,
                "Somebody else has this login name; choose another.",
            ),
            identity::Error::MemberExists => {
                Self::conflict(codes::WRONG_STATE, "There is a member with this id or key.")
            }
            identity::Error::CardRefused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                codes::STATEMENT_REFUSED,
                "The card does not say what the invitation lets it say, or is not signed so.",
            ),
            identity::Error::Unacceptable(detail) => Self::bad_request(detail),
            identity::Error::Directory(_) => Self::internal(&error),
            identity::Error::Store(error) => error.into(),
        }
    }
}
