//! Drives the real binary from outside, and holds the sources to the plan.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod sources;
mod walls;
