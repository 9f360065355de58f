//! Webhooks: others are told what happens to keys.
//!
//! An event is written down in the transaction that makes it happen, once for each webhook that
//! listens, and is sent from there until it has arrived or is given up. So none is told of what did
//! not happen, and none is lost; one can arrive twice, with the same id, and later than the next.
//! What is sent is signed as [Standard Webhooks](https://www.standardwebhooks.com) say, and never
//! holds a key or a secret.

mod address;
mod event;
mod hook;
mod meters;
mod metrics;
mod outbox;
mod reminders;
mod secret;
mod sender;

pub(crate) use address::without_query;
pub use address::{AddressRules, Target, is_public};
pub use event::EventKind;
pub use hook::Webhook;
pub use meters::MeterEvents;
pub use metrics::WebhookMetrics;
pub use outbox::test_delivery;
pub use reminders::Reminders;
pub use secret::SigningSecret;
pub use sender::{Answer, Letter, NotSent, Post, Posted, Sender};
