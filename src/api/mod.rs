//! Wire types of `/api/v1`, shared by `http`, `cli` and the browser client. Plain data:
//! what is true is decided by statements and by `access`, never by these.
//!
//! | route | in | out |
//! |---|---|---|
//! | `POST /login/start` `POST /login/finish` | [`LoginStart`] [`LoginFinish`] | [`LoginStarted`] [`SessionOpened`] |
//! | `POST /login/kit` | [`KitLogin`] | [`SessionOpened`] |
//! | `POST /session/refresh` | [`Refresh`] | [`Tokens`] |
//! | `POST /session/end`, `GET /sessions`, `DELETE /sessions/{id}` | | [`SessionInfo`] list |
//! | `GET /me` | | [`Me`] |
//! | `PUT /keyring/headers` | [`KeyringHeader`] | |
//! | `POST /passphrase/start` `/passphrase` | [`PassphraseStart`] [`PassphraseChange`] | [`PassphraseStarted`] |
//! | `POST /keyring/rotation/start` `/keyring/rotation` | [`RotationStart`] [`Rotation`] | [`RotationStarted`] |
//! | `POST /invitations/{id}/look` `/join/start` `/join` | [`InvitationLook`] [`JoinStart`] [`Join`] | [`InvitationSeen`] [`JoinStarted`] [`SessionOpened`] |
//! | `GET /firm` | | [`FirmDetails`] |
//! | `GET /directory?client=&people=` | | [`Statements`] |
//! | `POST /key-confirmations` | [`ConfirmKey`] | [`Confirmed`] |
//! | `GET /clients`, `POST /clients` | [`AddClient`] | [`ClientSummary`] list |
//! | `GET /members`, `POST /revocations` | [`Submit`] | [`MemberSummary`] list |
//! | `POST /invitations` `/links` `/request-links` | [`Offer`] | [`Offered`] |
//! | `GET /request-links?client=` | | [`LinkInfo`] list |
//! | `GET /link` (a link's token) | | [`LinkSeen`] |
//! | `POST /link/documents` `/link/uploads`, … (a link's token) | as without `/link` | [`Completed`] |
//! | `POST /assignments` `/policies` | [`Submit`] | [`Assigned`] |
//! | `POST /handovers` | [`HandOver`] | [`HandedOver`] |
//! | `GET /documents?client=&period=&state=&after=` | | [`DocumentPage`] |
//! | `POST /documents` (frames, up to 1 MiB) | see [`frames`] | [`Completed`] |
//! | `POST /uploads`, `HEAD PATCH DELETE /uploads/{id}` | tus 1.0, see [`uploads`] | |
//! | `POST /uploads/{id}/complete` | [`Complete`] | [`Completed`] |
//! | `GET /documents/{id}`, `DELETE /documents/{id}` | | [`DocumentInfo`] |
//! | `GET /documents/{id}/age` | | `header ‖ payload` |
//! | `GET /documents/{id}/pieces` | | 32 bytes a piece |
//! | `POST /documents/{id}/pulled` | | |
//! | `POST /documents/{id}/headers` `/adoption` | [`AddHeader`] [`Adopt`] | [`DocumentInfo`] |
//! | `GET /clients/{id}/manifest-head?signer=` | | [`ManifestHead`] |
//! | `GET /clients/{id}/manifests?after=` | | [`Chains`] |
//! | `GET /clients/{id}/gone?after=` | | [`Gone`] |
//! | `GET /rewraps?client=` | | [`Rewraps`] |
//! | `GET POST /clients/{id}/periods` | [`SetPeriod`] | [`ClosedPeriod`] list |
//! | `POST /documents/{id}/reason` | [`GiveReason`] | |
//! | `GET /partners`, `PUT /partners/{id}` | [`PutPartner`] | [`Partner`] list |
//! | `GET /shares`, `POST /shares` | [`ProposeShare`] | [`ShareInfo`] list |
//! | `POST /shares/{id}/authorisation` `/seconding` `/revocation` | [`Submit`] | [`ShareInfo`] |
//! | `POST /shares/{id}/unlock` | | [`ShareInfo`] |
//! | `POST /shares/{id}/open` `/release` | [`OpenShare`] | [`OpenedShare`] |
//! | `GET /shares/{id}/{document}/age` `/pieces` under [`LEASE_HEADER`] | | `header ‖ payload` |
//! | `GET /log/proofs/{leaf}?since=&witness=` `/log/head?since=&witness=` | | [`LogProof`] [`LogHead`] |
//! | `GET /log/checkpoint` `/log/tile/…` | | C2SP tlog-tiles |
//! | `GET /clients/{id}/seen?after=` | | [`SeenPage`] |
//! | `POST /recovery/rehearsal` | [`Rehearsal`] | |
//! | `POST /recoveries` | [`OpenRecovery`] | [`RecoveryOpened`] |
//! | `GET /recoveries/{id}/documents?after=` | | [`Recoverables`] |
//! | `POST /recoveries/{id}/headers` | [`NewHeaders`] | [`HeadersAdded`] |
//!
//! Refusals are problem details with a code of [`codes`]. `GET /documents/{id}/age` answers
//! single ranges and `If-Range`. `POST /documents` and `/complete` are idempotent: the same
//! document id with the same manifest gets the same [`Completed`] again.

pub mod codes;
mod custody;
mod documents;
mod firm;
pub mod frames;
mod identity;
pub mod limits;
mod log;
mod periods;
mod problem;
mod shares;
mod text;
pub mod uploads;

pub use custody::{
    HeadersAdded, NewHeader, NewHeaders, OpenRecovery, Recoverable, Recoverables, RecoveryOpened,
};
pub use documents::{
    AddHeader, Adopt, ChainEntry, Chains, Complete, Completed, DocumentInfo, DocumentPage,
    DocumentState, Gone, ManifestHead, RecoveryHeader, RecoveryHeaders, RecoveryProven, Rewrap,
    Rewraps,
};
pub use firm::{
    AddClient, Assigned, ClientSummary, ConfirmKey, Confirmed, Firm, FirmDetails, HandOver,
    HandedOver, LinkInfo, LinkSeen, LinkState, MemberState, MemberSummary, Offer, Offered,
    Rehearsal, Statements, Submit,
};
pub use identity::{
    InvitationLook, InvitationSeen, Join, JoinStart, JoinStarted, KeyringHeader, KeyringSealed,
    KitLogin, LoginFinish, LoginStart, LoginStarted, Me, PassphraseChange, PassphraseStart,
    PassphraseStarted, Refresh, Rotation, RotationStart, RotationStarted, SessionInfo,
    SessionOpened, Tokens,
};
pub use log::{Cosigned, LogHead, LogProof, Noted, Seen, SeenPage};
pub use periods::{ClosedPeriod, GiveReason, SetPeriod};
pub use problem::ProblemBody;
pub use shares::{
    ExportRoute, Fetched, LEASE_HEADER, OpenShare, OpenedShare, Partner, PartnerBar,
    PartnerDetails, PartnerState, ProposeShare, PutPartner, ShareInfo, ShareState, SharedDocument,
};
pub use text::Base64;
