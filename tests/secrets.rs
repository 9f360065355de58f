//! No key, no secret of a key and no pepper is ever said: not in an answer, a log, a metric, a message or towards an
//! upstream, in no spelling.

mod commands;
mod house;
mod panics;
mod private_keys;
mod refusals;
mod sinks;
mod upstream;
mod webhooks;

pub(crate) use house::{KEYS, form};
pub(crate) use sinks::encoded;
