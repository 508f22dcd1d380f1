//! Statements of one kind about one subject form a chain by `prev`.

use std::collections::BTreeMap;

use crate::envelope::statement::Hash;

/// One link of a chain: its own hash and the one before.
pub(super) struct Link<T> {
    pub(super) hash: Hash,
    pub(super) prev: Option<Hash>,
    pub(super) value: T,
}

/// Puts `links` into order, oldest first. `None` when they are not one unbroken chain: a
/// gap, a fork, a loop or two beginnings.
pub(super) fn order<T>(links: Vec<Link<T>>) -> Option<Vec<T>> {
    let mut by_prev: BTreeMap<Option<Hash>, Link<T>> = BTreeMap::new();
    for link in links {
        if let Some(same) = by_prev.get(&link.prev) {
            if same.hash != link.hash {
                return None;
            }
            continue;
        }
        by_prev.insert(link.prev, link);
    }
    let mut ordered = Vec::with_capacity(by_prev.len());
    let mut at = None;
    while let Some(link) = by_prev.remove(&at) {
        at = Some(link.hash);
        ordered.push(link.value);
    }
    by_prev.is_empty().then_some(ordered)
}
