//! The sealed document: age v1 files with detached headers, and the statements about them.
//! Pure: bytes in, bytes out; no async, no database.

pub mod statement;
