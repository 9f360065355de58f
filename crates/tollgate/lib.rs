//! The glue of Tollgate: arguments, the whole file's configuration, starting and ending a process,
//! and what an operator sees of it. It has no logic of its own; `boot.rs` shows what a process is
//! made of.

mod boot;
mod certificates;
mod client;
mod clock;
mod control;
mod explain;
mod ops;
mod output;
mod post;
mod reload;
mod telemetry;
mod trust;

pub mod cli;
pub mod commands;
pub mod config;
