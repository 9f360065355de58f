//! How the binary begins and ends, and its commands that end by themselves.

mod checkpoint;
mod commands;
mod drain;
mod ops;
mod start;
mod systemd;
mod takeover;
