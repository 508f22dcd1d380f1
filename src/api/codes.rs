//! The stable codes of refusals (`code` of problem details). Clients translate by them; a code
//! never changes once it is published.

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        $($(#[$doc])* pub const $name: &str = $code;)*

        /// Every code, for tests that clients have words for all of them.
        pub const ALL: &[&str] = &[$($name,)*];
    };
}

codes!(
    /// 400: the request cannot be understood.
    BAD_REQUEST = "bad_request",
    /// 401: no session, or one that has ended; also a login or kit that does not agree.
    UNAUTHORIZED = "unauthorized",
    /// 403: the role never may.
    NOT_ALLOWED = "not_allowed",
    /// 403: the caller's key was revoked; they make another first.
    KEY_REVOKED = "key_revoked",
    /// 404: unknown, not yours, expired, used or revoked.
    NOT_FOUND = "not_found",
    /// 400: the body broke off before its end.
    BODY_BROKEN = "body_broken",
    /// 405: this address does not answer that method.
    METHOD_NOT_ALLOWED = "method_not_allowed",
    /// 408: the body came too slowly; resume.
    TOO_SLOW = "too_slow",
    /// 409: somebody else has this login name.
    LOGIN_TAKEN = "login_taken",
    /// 409: a statement does not continue the newest of its chain; fetch it and sign again.
    CHAIN_MOVED = "chain_moved",
    /// 409: the end of something is dated before something that it signed; sign again with a time
    /// from `not_before` on.
    TOO_EARLY = "too_early",
    /// 409: a document with this id has been begun or is there already.
    DOCUMENT_EXISTS = "document_exists",
    /// 409: `Upload-Offset` is not where the upload stands.
    OFFSET_MISMATCH = "offset_mismatch",
    /// 409: the document is not in a state that allows this, e.g. it was opened before its recall.
    WRONG_STATE = "wrong_state",
    /// 409: the partner has no confidentiality agreement that is valid now.
    PARTNER_NDA_EXPIRED = "partner_nda_expired",
    /// 409: the partner is suspended.
    PARTNER_SUSPENDED = "partner_suspended",
    /// 409: the partner is in another jurisdiction, and route, assessment and authorisation are
    /// not recorded.
    PARTNER_EXPORT_BLOCKED = "partner_export_blocked",
    /// 409: documents that are handed over still lack a header for somebody assigned.
    HANDOVER_PENDING = "handover_pending",
    /// 409: leaver, successor and a lead who is neither have not all signed the hand-over.
    HANDOVER_UNSIGNED = "handover_unsigned",
    /// 409: the list that was signed is not the one that the gateway draws up; draw it up anew.
    HANDOVER_CHANGED = "handover_changed",
    /// 412: another version of tus than ours.
    TUS_VERSION = "tus_version",
    /// 413: longer than is taken here.
    TOO_LARGE = "too_large",
    /// 460: the body does not have the checksum that was sent with it; nothing of it was kept.
    CHECKSUM_MISMATCH = "checksum_mismatch",
    /// 415: not an age header, or a payload that begins like a known file.
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type",
    /// 416: not one range inside the document.
    RANGE_NOT_SATISFIABLE = "range_not_satisfiable",
    /// 421: the gateway is not known by that name.
    MISDIRECTED = "misdirected",
    /// 422: a signed statement that does not verify, or whose signer may not say that.
    STATEMENT_REFUSED = "statement_refused",
    /// 422: the accounting period is closed; say why, and ask again.
    REASON_REQUIRED = "reason_required",
    /// 422: this is not what the canary holds.
    WRONG_PROOF = "wrong_proof",
    /// 422: the document is not what its manifest says.
    MANIFEST_MISMATCH = "manifest_mismatch",
    /// 422: the manifest does not name everybody that the assignment demands.
    RECIPIENTS_MISSING = "recipients_missing",
    /// 422: the successor is not assigned to the client.
    NOT_ASSIGNED = "not_assigned",
    /// 422: no accountant is assigned to the client.
    NO_ACCOUNTANT = "no_accountant",
    /// 422: the firm has no recovery key.
    NO_RECOVERY_KEY = "no_recovery_key",
    /// 422: nobody on the client's side can read.
    NO_READING_KEY = "no_reading_key",
    /// 423: somebody else is writing this upload just now.
    LOCKED = "locked",
    /// 429: too many tries; wait.
    TOO_MANY_REQUESTS = "too_many_requests",
    /// 500: the gateway failed; its log has the reason under the request's id.
    INTERNAL = "internal",
    /// 503: the gateway cannot do this now.
    UNAVAILABLE = "unavailable",
    /// 503: the recovery shares have not been rehearsed yet.
    NOT_REHEARSED = "not_rehearsed",
    /// 507: no room.
    INSUFFICIENT_STORAGE = "insufficient_storage",
);
