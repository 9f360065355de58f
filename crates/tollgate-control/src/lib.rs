//! The control plane of Tollgate.
//!
//! What an operator writes becomes objects here: [`document`] reads TOML and knows the place of
//! everything in it.

pub mod document;
