//! The v3 engine, opened to fuzzers.

pub use super::v3::fuzzing::v3_query;
