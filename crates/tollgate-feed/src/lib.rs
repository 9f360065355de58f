//! The key feed: what a control plane tells the proxies that it feeds, and what they answer.
//!
//! [`wire`] has the messages and their binary form; [`encode`] makes them of what a publisher publishes.

pub mod encode;
pub mod wire;
