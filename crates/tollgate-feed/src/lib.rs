//! The key feed: what a control plane tells the proxies that it feeds, and what they answer.
//!
//! [`wire`] has the messages and their binary form; [`encode`] makes them of what a publisher publishes,
//! [`receive`] publishes what was sent. [`file`] has snapshots as files, [`folder`] what a proxy keeps,
//! and [`subscribe`] is who follows the feed. [`sign`] tells
//! who has made what is sent, where that is asked.

pub mod encode;
pub mod file;
pub mod folder;
pub mod receive;
pub mod sign;
pub mod subscribe;
pub mod synthetic;
pub mod wire;
