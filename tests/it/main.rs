//! The one integration-test binary: behaviour seen from outside, a file per resource.

mod architecture;
mod bodies;
mod cli;
mod cli_main_job;
mod cli_resume;
mod envelope_cli;
mod envelope_fuzz;
mod envelope_large;
mod envelope_two_documents;
mod envelope_vectors;
mod firm;
mod identity;
mod identity_sessions;
mod logs;
mod matrix;
mod people;
mod routes;
mod signals;
mod support;
mod tls;
mod transport;
mod transport_h2;
mod transport_limits;
mod transport_metrics;
mod transport_smuggling;
