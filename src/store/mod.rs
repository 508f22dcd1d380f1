//! The database: all SQL lives below this folder. Repositories are methods of [`Tx`], a file
//! per noun; they take and return ids and plain records and never a pool.
//!
//! Invariant: a change and its audit entry are committed in one transaction, durably
//! (`synchronous=FULL`), before anybody is told of it.

mod ceremonies;
mod clients;
mod columns;
mod connections;
mod cosignatures;
mod documents;
mod engine;
mod entries;
mod firm;
mod grants;
mod handovers;
mod headers;
mod invitations;
mod keyrings;
mod links;
mod manifests;
mod members;
mod notices;
mod partners;
mod periods;
mod policies;
mod recovery;
mod request_links;
mod rotations;
mod seen;
mod segments;
mod sessions;
mod share_leases;
mod shares;
mod staff;
mod statements;
mod throttles;
mod time;
mod tree;
mod uploads;

pub use ceremonies::RecoveryRow;
pub use clients::ClientRow;
pub use documents::{Completion, Document};
pub use engine::{Error, Store, Tx};
pub use entries::StoredEntry;
pub use firm::FirmRow;
pub use grants::{GrantReason, Unwrapped, UnwrappedCount};
pub use handovers::{HandoverDocument, HandoverRow};
pub use invitations::InvitationRow;
pub use links::{LinkKind, LinkRow};
pub use manifests::{ChainHead, ChainLink};
pub use members::MemberRow;
pub use notices::{DeliveryEnd, DeliveryRow, NoticeRow};
pub use partners::PartnerRow;
pub use request_links::LinkRecord;
pub use seen::{Search, Seen};
pub use segments::Segment;
pub use sessions::SessionRow;
pub use share_leases::{Lease, Leased, Wanted};
pub use shares::{NewShare, ShareRow};
pub use statements::Standing;
pub use throttles::{LoginAttempt, ThrottleRow};
pub use tree::{LogRow, StoredCheckpoint, StoredTile};
