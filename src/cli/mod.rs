//! A person's commands.

mod age_file;
mod failure;
mod new_file;
pub mod open;
pub mod seal;

pub use failure::Failure;
