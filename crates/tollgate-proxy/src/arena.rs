//! Header values without an allocation each.

use bytes::BytesMut;
use http::HeaderValue;

const BLOCK: usize = 4096;

/// Writes header values one behind the other into shared blocks. A block is given back when the
/// last value in it is dropped, so a worker allocates once for many requests.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    block: BytesMut,
}

impl Arena {
    /// A value that holds `text`; `None` if it cannot stand in a header.
    pub(crate) fn value(&mut self, text: &[u8]) -> Option<HeaderValue> {
        self.build(|block| block.extend_from_slice(text))
    }

    /// A value that holds what `write` appends.
    pub(crate) fn build(&mut self, write: impl FnOnce(&mut BytesMut)) -> Option<HeaderValue> {
        if self.block.capacity() < 256 {
            self.block.reserve(BLOCK);
        }
        write(&mut self.block);
        HeaderValue::from_maybe_shared(self.block.split().freeze()).ok()
    }
}
