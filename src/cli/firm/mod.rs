//! A firm's daily commands, for leads: clients, invitations, assignments, policies, members,
//! links for senders without an account. Each signs a statement on this device; the gateway only
//! keeps and shows it.

mod assign;
mod clients;
mod invite;
mod members;
mod period;
mod policy;
mod request;
mod root;

use crate::clock::Timestamp;

use super::error::Error;
use super::words::Word;

pub use assign::{
    AssignArgs, MAX_RACES, assign_to, is_confirmed, next_assignment, run_assign, run_unassign,
    sign_assignment,
};
pub use clients::{ClientArgs, run as run_client};
pub use invite::{InviteArgs, run as run_invite};
pub use members::{MemberArgs, run as run_member};
pub use period::{PeriodArgs, run as run_period};
pub use policy::{PolicyArgs, run as run_policy};
pub use request::{RequestArgs, run as run_request};
pub(super) use root::root_key;
pub use root::{RootArgs, run as run_root, seal_root};

/// A length of time such as `90m`, `12h` or `7d`, in milliseconds.
///
/// # Errors
/// [`Word::BadDuration`].
pub(in crate::cli) fn duration_ms(text: &str) -> Result<i64, Error> {
    let bad = || Error::new(Word::BadDuration).about(text);
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(bad)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(bad()),
    };
    let number: i64 = number.parse().map_err(|_| bad())?;
    if number <= 0 || number > 3650 * 86_400 {
        return Err(bad());
    }
    Ok(number.saturating_mul(seconds).saturating_mul(1000))
}

/// When something that lasts `text` from `now` on ends.
///
/// # Errors
/// [`Word::BadDuration`].
pub fn ends_at(now: Timestamp, text: &str) -> Result<Timestamp, Error> {
    Ok(now.plus_ms(duration_ms(text)?))
}

/// As [`ends_at`], and no later than `most` days from `now`.
///
/// # Errors
/// [`Word::BadDuration`], [`Word::TooLong`].
pub(in crate::cli) fn ends_within(
    now: Timestamp,
    text: &str,
    most: i64,
) -> Result<Timestamp, Error> {
    let ends = ends_at(now, text)?;
    if ends > now.plus_secs(most * 86_400) {
        return Err(Error::new(Word::TooLong).about(text).about(most));
    }
    Ok(ends)
}

/// Says where the ids of clients are, where the gateway knows none of that id.
pub(in crate::cli) fn unknown_client(error: Error) -> Error {
    error.advise(
        Word::NotFound,
        "strongroom client list shows the clients that you see",
        "strongroom client list 会列出您可见的客户",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_beyond_the_limit_names_it() {
        let now = Timestamp::EPOCH;
        assert!(ends_within(now, "31d", 31).is_ok());
        let error = ends_within(now, "32d", 31).expect_err("too long");
        assert_eq!((error.code(), error.exit()), ("too_long", crate::cli::Exit::Usage));
        assert!(error.message(crate::cli::Lang::Zh).contains("31 天"));
    }

    #[test]
    fn lengths_of_time_are_read() {
        for (text, ms) in
            [("7d", 604_800_000), ("12h", 43_200_000), ("90m", 5_400_000), ("1s", 1000)]
        {
            assert_eq!(duration_ms(text).map_err(|e| e.code().to_owned()), Ok(ms));
        }
        for bad in ["", "d", "7", "0d", "-1d", "7 d", "7w", "99999999999d", "七d", "1e3d"] {
            assert_eq!(duration_ms(bad).expect_err(bad).code(), "bad_duration");
        }
    }
}
