//! The control plane of Tollgate.
//!
//! What an operator writes becomes objects here: [`document`] reads TOML and knows the place of
//! everything in it, [`model`] says what the objects are and what they mean, and [`file`](mod@file)
//! is the source that makes the one out of the other.

pub mod document;
pub mod file;
pub mod model;
pub mod secret;
