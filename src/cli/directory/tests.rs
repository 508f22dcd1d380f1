//! Chains that a gateway shortens, forks or hides, and keys that it swaps.
