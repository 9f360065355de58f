//! Spans as a collector of OpenTelemetry gets them, of a binary built with the feature `otlp`:
//!     cargo test --workspace --features otlp --test otlp
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_types,
    reason = "a test fails by panicking, and is on nobody's road"
)]

#[path = "otlp/collecting.rs"]
mod collecting;
#[path = "otlp/collector.rs"]
mod collector;
#[path = "otlp/dependencies.rs"]
mod dependencies;
#[path = "secrets/house.rs"]
mod house;
#[path = "otlp/protobuf.rs"]
mod protobuf;
#[path = "otlp/secrets.rs"]
mod secrets;
#[path = "secrets/sinks.rs"]
mod sinks;
#[path = "otlp/spans.rs"]
mod spans;
#[expect(dead_code, unused_imports, reason = "other tests use the rest")]
mod support;
