//! What the connections of a worker share, so that one that is idle has no buffer.

use std::cell::RefCell;

use bytes::BytesMut;
use http::HeaderMap;

/// What can arrive at once, at most and at least.
const MOST: usize = 32 << 10;
const LEAST: usize = 8 << 10;

/// What a buffer may have grown to that is kept.
const USUAL: usize = 16 << 10;

/// How many maps of fields are kept, and how many fields one of them may have room for.
const MAPS: usize = 256;
const FIELDS: usize = 64;

/// Where the bytes of connections arrive, and with what they are answered. Nobody holds any of it while nothing of
/// a request is here; what has arrived is cut off the room, which is used again once all of it has been let go of.
#[derive(Debug, Default)]
pub(crate) struct Rooms {
    arriving: RefCell<BytesMut>,
    leaving: RefCell<Vec<u8>>,
    fields: RefCell<Vec<HeaderMap>>,
}

impl Rooms {
    /// Has something arrive.
    pub(super) fn receive<T>(&self, receive: impl FnOnce(&mut BytesMut) -> T) -> T {
        let mut room = self.arriving.borrow_mut();
        if room.capacity() < LEAST {
            room.reserve(MOST);
        }
        receive(&mut room)
    }

    /// An empty buffer for what is to be sent.
    pub(super) fn buffer(&self) -> Vec<u8> {
        self.leaving.take()
    }

    /// Takes back a buffer of which everything is sent.
    pub(super) fn put_buffer(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        let mut kept = self.leaving.borrow_mut();
        if (kept.capacity()..=USUAL).contains(&buffer.capacity()) {
            *kept = buffer;
        }
    }

    /// An empty map of fields.
    pub(crate) fn fields(&self) -> HeaderMap {
        self.fields.borrow_mut().pop().unwrap_or_default()
    }

    /// Takes back a map of fields that nobody needs any more.
    pub(crate) fn put_fields(&self, mut map: HeaderMap) {
        map.clear();
        let mut fields = self.fields.borrow_mut();
        if fields.len() < MAPS && (1..=FIELDS).contains(&map.capacity()) {
            fields.push(map);
        }
    }
}
