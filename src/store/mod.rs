//! The database: all SQL lives below this folder. Repositories are methods of [`Tx`], a file
//! per noun; they take and return ids and plain records and never a pool.
//!
//! Invariant: a change and its audit entry are committed in one transaction, durably
//! (`synchronous=FULL`), before anybody is told of it.

mod clients;
mod engine;
mod entries;
mod firm;
mod invitations;
mod keyrings;
mod links;
mod members;
mod policies;
mod sessions;
mod staff;
mod statements;
mod throttles;

pub use clients::ClientRow;
pub use engine::{Error, Store, Tx};
pub use entries::StoredEntry;
pub use firm::FirmRow;
pub use invitations::InvitationRow;
pub use links::{LinkKind, LinkRow};
pub use members::MemberRow;
pub use sessions::SessionRow;
pub use statements::Standing;
pub use throttles::{LoginAttempt, ThrottleRow};
