//! The contract of a store, held by both engines: SQLite in a temporary folder, PostgreSQL on a
//! server of its own.

#![expect(clippy::unwrap_used, clippy::panic, reason = "all of it is tests")]

mod answers;
mod audit;
mod chains;
mod changes;
mod documents;
mod engines;
mod opening;
mod operations;
mod peers;
mod proxies;
mod publishing;
mod reading;
mod restoring;
mod rotating;
mod scheduling;
mod search;
mod server;
mod tallies;
mod uses;
mod webhooks;
mod wordings;
