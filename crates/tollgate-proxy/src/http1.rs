//! HTTP/1.1 as both sides of a connection speak it (RFC 9112): what is the same in requests and responses.

mod chunks;
mod coming;
mod heads;
mod names;
#[cfg(feature = "fuzzing")]
mod pieces;
mod write;

pub(crate) use coming::{Coming, Piece};
pub(crate) use heads::{Connection, MOST_FIELDS, Malformed, holds_end};
pub(crate) use names::name;
#[cfg(feature = "fuzzing")]
pub(crate) use pieces::Pieces;
pub(crate) use write::{begin_chunk, write_field};
