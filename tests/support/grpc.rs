//! A service of gRPC behind the gate and its callers in front of it, both of a library. What its generator of
//! code would make of this stands here by hand:
//!
//! ```proto
//! package tests;
//! message Number { uint64 value = 1; bytes ballast = 2; }
//! service Numbers {
//!     rpc Double(Number) returns (Number);
//!     rpc Sum(stream Number) returns (Number);
//!     rpc Count(Number) returns (stream Number);
//!     rpc DoubleEach(stream Number) returns (stream Number);
//! }
//! ```

mod client;
mod server;

use prost::Message;
use tonic_prost::ProstCodec;

pub(crate) use client::Numbers;
pub(crate) use server::NumberServer;

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Number {
    #[prost(uint64, tag = "1")]
    pub(crate) value: u64,
    /// Makes a message long.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) ballast: Vec<u8>,
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self { value, ballast: Vec::new() }
    }
}

/// The path of the service.
pub(crate) const NUMBERS: &str = "/tests.Numbers";

const DOUBLE: &str = "/tests.Numbers/Double";
const SUM: &str = "/tests.Numbers/Sum";
const COUNT: &str = "/tests.Numbers/Count";
const DOUBLE_EACH: &str = "/tests.Numbers/DoubleEach";

fn codec() -> ProstCodec<Number, Number> {
    ProstCodec::default()
}
