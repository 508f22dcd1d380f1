//! The one binary: argument parsing, then `cli` (a person's commands) or `app` (a firm's).

fn main() {}
