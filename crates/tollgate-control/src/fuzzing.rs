//! What reads the words of strangers, opened to fuzzers and to nobody else.

pub use crate::admin::fuzzing::v3_query;
