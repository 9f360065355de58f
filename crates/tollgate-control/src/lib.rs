//! The control plane of Tollgate.
//!
//! What an operator writes becomes objects here: [`document`] reads TOML and knows the place of
//! everything in it, [`model`] says what the objects are and what they mean, [`file`](mod@file) is
//! the source that makes the one out of the other, and [`watch`] tells when it has changed.
//! [`life_cycle`] says what can happen to a key, and [`migration`] reads keys of other gateways. The [`Publisher`] compiles objects into what the
//! core decides from and publishes the difference.

mod compile;
mod date;
pub mod directory;
mod publisher;
mod publishing;
mod routing;
mod source;

pub mod admin;
mod counters;
pub mod document;
pub mod feed;
pub mod file;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod last_use;
pub mod life_cycle;
pub mod migration;
pub mod model;
pub mod operations;
pub mod people;
pub mod plane;
mod preview;
pub mod proxies;
pub mod restore;
pub mod rotation;
pub mod scheduler;
pub mod seal;
pub mod secret;
pub mod store;
pub mod watch;
pub mod webhooks;

pub use compile::{GivenNumbers, Upstreams};
pub use counters::{Counters, KeptMeters, MeterNames, NotRestored, OpenElsewhere, restore_quotas};
pub use publisher::{PublishError, Published, Publisher, PublisherMetrics};
pub use publishing::{OtherFile, Publishing, PublishingError, Reload};
pub use source::Conflict;
