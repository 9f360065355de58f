//! Drives the real binary from outside, and holds the sources to the plan.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_types,
    reason = "a test fails by panicking, and is on nobody's road"
)]

mod access_log;
mod admin;
mod cli;
mod clients;
mod corpus;
mod credentials;
mod entitlement;
mod explain;
mod feed;
mod generated_keys;
mod identity;
mod key_states;
mod lifecycle;
mod limits;
mod mashery;
mod matrix;
mod memory;
mod packaging;
mod peers;
mod proofs;
mod refusals;
mod secrets;
mod shadow;
mod sources;
mod strangers;
mod streams;
mod support;
mod swap;
mod switches;
mod tls;
mod traceability;
mod traces;
mod upstreams;
mod walls;
mod wire;
