//! The glue of Tollgate: arguments, the whole file's configuration, starting and ending a process,
//! and what an operator sees of it. It has no logic of its own; `boot.rs` shows what a process is
//! made of.

mod boot;
mod certificates;
mod changes;
mod client;
mod clock;
mod control;
mod explain;
mod feed;
mod freed;
mod ops;
#[cfg(feature = "otlp")]
mod otlp;
mod output;
mod post;
mod private_socket;
mod quotas;
mod refused;
mod reload;
mod signals;
mod signing;
mod sockets;
mod systemd;
mod takeover;
mod telemetry;
mod trust;

pub mod cli;
pub mod commands;
pub mod config;
