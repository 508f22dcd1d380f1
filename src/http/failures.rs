//! What domain errors become as problems: the one place where errors turn into statuses.

use http::StatusCode;

use crate::access::Reason;
use crate::api::{PartnerBar, codes};
use crate::trust::DemandError;
use crate::{documents, firm, identity, partners, shares, store};

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
            store::Error::Corrupt(_) | store::Error::NewerSchema | store::Error::OlderSchema => {
                Self::internal(&error)
            }
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
            firm::Error::WrongProof => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                codes::WRONG_PROOF,
                "This is not what the canary holds.",
            ),
            firm::Error::ChainMoved => Self::conflict(
                codes::CHAIN_MOVED,
                "The statement does not continue the newest of its chain; fetch it and sign again.",
            ),
            firm::Error::TooEarly(not_before) => Self::conflict(
                codes::TOO_EARLY,
                "What ends has signed something later; sign with a time from not_before on.",
            )
            .with("not_before", not_before.to_string()),
            firm::Error::Taken => {
                Self::conflict(codes::WRONG_STATE, "There is something else with this id.")
            }
            firm::Error::NotAssigned => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                codes::NOT_ASSIGNED,
                "The successor is not assigned to this client; assign them first.",
            ),
            firm::Error::HandoverPending => Self::conflict(
                codes::HANDOVER_PENDING,
                "Documents that are handed over lack a header; re-wrap them first.",
            ),
            firm::Error::HandoverUnsigned => Self::conflict(
                codes::HANDOVER_UNSIGNED,
                "Leaver, successor and a lead who is neither must all sign, with keys in force.",
            ),
            firm::Error::HandoverChanged => Self::conflict(
                codes::HANDOVER_CHANGED,
                "The list that was signed does not match what is here; draw it up anew.",
            ),
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

impl From<partners::Error> for Problem {
    fn from(error: partners::Error) -> Self {
        match error {
            partners::Error::NotAllowed => Self::not_allowed(),
            partners::Error::Unacceptable(detail) => Self::bad_request(detail),
            partners::Error::Store(error) => error.into(),
        }
    }
}

impl From<shares::Error> for Problem {
    fn from(error: shares::Error) -> Self {
        use shares::Error;
        match error {
            Error::NotFound => Self::not_found(),
            Error::NotAllowed => Self::not_allowed(),
            Error::StatementRefused => firm::Error::StatementRefused.into(),
            Error::Taken => firm::Error::Taken.into(),
            Error::WrongState => Self::conflict(
                codes::WRONG_STATE,
                "The share has ended, or needs no second person.",
            ),
            Error::Documents => Self::bad_request(
                "The documents must be complete, of one client, adopted where they were raw age \
                 files, and each be given a header once.",
            ),
            Error::Header => {
                Self::unsupported_media_type("A header is none, or weaker than its document's.")
            }
            Error::Limits => Self::bad_request(
                "A share is open for an hour to ninety days and released 1 to 1000 times.",
            ),
            Error::Partner(bar) => match bar {
                PartnerBar::Suspended => {
                    Self::conflict(codes::PARTNER_SUSPENDED, "The partner is suspended.")
                }
                PartnerBar::NdaExpired => Self::conflict(
                    codes::PARTNER_NDA_EXPIRED,
                    "The partner has no confidentiality agreement that is valid now.",
                ),
                PartnerBar::ExportBlocked => Self::conflict(
                    codes::PARTNER_EXPORT_BLOCKED,
                    "The partner is in another jurisdiction; record route, assessment number and \
                     authorisation first.",
                ),
            },
            Error::NotRehearsed => documents::Error::NotRehearsed.into(),
            Error::Directory(_) => Self::internal(&error),
            Error::Store(error) => error.into(),
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
            identity::Error::ChainMoved => Self::conflict(
                codes::CHAIN_MOVED,
                "Another device has rotated the keys; log in again on this one.",
            ),
            identity::Error::Unacceptable(detail) => Self::bad_request(detail),
            identity::Error::Directory(_) => Self::internal(&error),
            identity::Error::Store(error) => error.into(),
        }
    }
}

impl From<documents::Error> for Problem {
    fn from(error: documents::Error) -> Self {
        use documents::Error;
        let unprocessable =
            |code, detail: String| Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail);
        match error {
            Error::NotFound | Error::NotOnArrival | Error::Denied(Reason::Relation) => {
                Self::not_found()
            }
            Error::Denied(Reason::Role) => Self::not_allowed(),
            Error::Denied(Reason::State) | Error::WrongState => Self::conflict(
                codes::WRONG_STATE,
                "The document is not in a state that allows this, e.g. it has been opened.",
            ),
            Error::Exists => Self::conflict(
                codes::DOCUMENT_EXISTS,
                "A document with this id was begun before; ask where it stands, or take a new id.",
            ),
            Error::OffsetMismatch(offset) => Self::conflict(
                codes::OFFSET_MISMATCH,
                "The upload stands elsewhere; continue there.",
            )
            .with("offset", offset)
            .with_header(super::tus::UPLOAD_OFFSET, http::HeaderValue::from(offset)),
            Error::Locked => Self::new(
                StatusCode::LOCKED,
                codes::LOCKED,
                "Another request is writing this upload; wait for it.",
            )
            .with_header(http::header::RETRY_AFTER, http::HeaderValue::from(1_u64)),
            Error::ChainMoved(head) => {
                let problem = Self::conflict(
                    codes::CHAIN_MOVED,
                    "The manifest does not continue your newest one for this client; sign again.",
                );
                match head {
                    Some(head) => {
                        problem.with("seq", head.seq).with("manifest", head.note.to_string())
                    }
                    None => problem.with("seq", 0),
                }
            }
            Error::Recipients => unprocessable(
                codes::RECIPIENTS_MISSING,
                "The recipients are not those that the assignment demands; fetch it and seal again."
                    .into(),
            ),
            Error::Mismatch(key) => unprocessable(
                codes::MANIFEST_MISMATCH,
                format!("The document is not what its manifest says: {key}."),
            )
            .with("key", key),
            Error::Statement(_) => firm::Error::StatementRefused.into(),
            Error::NotAssigned => firm::Error::NotAssigned.into(),
            Error::ReasonRequired => unprocessable(
                codes::REASON_REQUIRED,
                "The period is closed: say in one line why you open this; the client reads it."
                    .into(),
            ),
            Error::NotSealed(reason) => Self::unsupported_media_type(format!("{reason}.")),
            Error::ImpossibleLength => Self::bad_request("No age file has this length."),
            Error::Malformed(what) => Self::bad_request(what),
            Error::Checksum => Self::new(
                // tus 1.0, "Checksum".
                StatusCode::from_u16(460).expect("three digits are a status"),
                codes::CHECKSUM_MISMATCH,
                "The body does not have its checksum; nothing of it was kept. Send it again.",
            ),
            Error::TooLarge(most) => Self::too_large(most),
            Error::TooManyUploads => Self::too_many_requests(60),
            Error::NoReaders(demand) => {
                let code = match demand {
                    DemandError::NoAccountant | DemandError::NoCard(_) => codes::NO_ACCOUNTANT,
                    DemandError::NoRecovery => codes::NO_RECOVERY_KEY,
                    DemandError::NoReadingKey
                    | DemandError::NoPostQuantumKey
                    | DemandError::KeyChanged(_) => codes::NO_READING_KEY,
                };
                unprocessable(code, format!("{demand}."))
            }
            Error::NotRehearsed => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                codes::NOT_REHEARSED,
                "The recovery shares have not been rehearsed yet; ask the firm's lead.",
            ),
            Error::Broken => Self::new(
                StatusCode::BAD_REQUEST,
                codes::BODY_BROKEN,
                "The body broke off; what was whole of a resumable upload is kept.",
            ),
            Error::Full => Self::insufficient_storage(),
            Error::Objects(error) => {
                tracing::error!(%error, "the object store failed");
                Self::unavailable()
            }
            Error::Envelope(_) => Self::internal(&error),
            Error::Store(error) => error.into(),
        }
    }
}
