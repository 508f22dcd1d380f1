//! Strongroom: a secure client file-exchange gateway for accounting firms.
//!
//! Modules stand in ranks and import downwards only; siblings of one rank do not
//! import each other. `tests/it/architecture.rs` reads every `use crate::` path and
//! fails on an edge against this table.
//!
//! | rank | modules | may use |
//! |---|---|---|
//! | 0 | `clock` `faults` `ids` `secrets` | nothing of ours |
//! | 1 | `model` `envelope` `merkle` `opaque` `outbound` | 0 |
//! | 2 | `access` `api` `config` `trust` | 0–1 |
//! | 3 | `store` `objects` | 0–2 |
//! | 4 | `audit` `jobs` `notices` | 0–3 |
//! | 5 | `identity` `documents` `firm` `partners` `shares` `witness` | 0–4 |
//! | 6 | `http` `worker` | 0–5 |
//! | 6 | `cli` | 0–2 |
//! | 7 | `app` and `main` | all |

pub mod access;
pub mod api;
pub mod app;
pub mod audit;
pub mod cli;
pub mod clock;
pub mod config;
pub mod documents;
pub mod envelope;
pub mod faults;
pub mod firm;
pub mod http;
pub mod identity;
pub mod ids;
pub mod merkle;
pub mod notices;
pub mod objects;
pub mod opaque;
pub mod outbound;
pub mod partners;
pub mod secrets;
pub mod shares;
pub mod store;
pub mod trust;
pub mod witness;
pub mod worker;
