//! Remote proxies: what they subscribe to the key feed with.

mod access_key;

pub use access_key::{AccessKey, Capability, MOST_OF_REGION};
