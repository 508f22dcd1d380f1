//! Who may change which part of a policy.
//!
//! A lead decides what the gateway may do for a client, and never opens payroll to the
//! client's clerks. A client's principal decides what their own clerks read, and may
//! otherwise only narrow: no more sealing on arrival, no weaker keys. Judged against the policy
//! before in the chain, so that a statement stays valid whatever comes after it.

use crate::envelope::statement::{Category, Policy, YesNo};

/// What stands where no policy was ever signed.
struct Before<'a> {
    on_arrival: YesNo,
    post_quantum: YesNo,
    reader_categories: &'a [Category],
}

/// `before` as what the next is judged against; nothing is open where there was none.
fn before<'a>(policy: Option<&'a Policy>, default: &'a [Category]) -> Before<'a> {
    policy.map_or(
        Before { on_arrival: YesNo::No, post_quantum: YesNo::No, reader_categories: default },
        |policy| Before {
            on_arrival: policy.on_arrival,
            post_quantum: policy.post_quantum,
            reader_categories: &policy.reader_categories,
        },
    )
}

/// Whether a lead alone may sign `next` after `previous`: clerks get payroll only by their
/// principal.
pub fn lead_may_sign(previous: Option<&Policy>, next: &Policy) -> bool {
    let default = Category::clerk_default();
    let opens = |categories: &[Category]| categories.contains(&Category::Payroll);
    opens(before(previous, &default).reader_categories) || !opens(&next.reader_categories)
}

/// Whether a client's principal alone may sign `next` after `previous`.
pub fn principal_may_sign(previous: Option<&Policy>, next: &Policy) -> bool {
    let default = Category::clerk_default();
    let before = before(previous, &default);
    let opens_arrival = before.on_arrival == YesNo::No && next.on_arrival == YesNo::Yes;
    let weakens_keys = before.post_quantum == YesNo::Yes && next.post_quantum == YesNo::No;
    !opens_arrival && !weakens_keys
}
