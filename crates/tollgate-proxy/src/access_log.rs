//! The access log: one line of JSON for each request, written off the road.
//!
//! A worker puts what it knows of a request that is over into a ring of its own; one thread takes
//! it out of all rings, formats and writes it. A full ring drops what comes: a disk or a reader
//! that is slow costs lines, never requests.

mod entry;
mod line;
mod note;
mod sink;
mod writer;

use std::cell::RefCell;
use std::io;

use rtrb::{Consumer, Producer, RingBuffer};

pub(crate) use entry::Entry;
#[cfg(feature = "otlp")]
pub(crate) use entry::Field;
pub(crate) use note::Note;
use sink::Sink;
pub use sink::SinkPath;
pub(crate) use writer::{Writer, Writing, Written};

/// An access log that is open, and that nobody writes to yet.
#[derive(Debug)]
pub struct AccessLog {
    sink: Sink,
    ring: usize,
}

impl AccessLog {
    /// Opens it. Each worker's ring will hold `ring` requests.
    ///
    /// # Errors
    /// If the file cannot be written to.
    pub fn open(path: SinkPath, ring: usize) -> io::Result<Self> {
        Ok(Self { sink: Sink::open(path)?, ring })
    }

    /// A ring: the worker's end of it, and the writer's.
    pub(crate) fn ring(&self) -> (Ring, Consumer<Box<Entry>>) {
        let (producer, consumer) = RingBuffer::new(self.ring);
        (Ring(RefCell::new(producer)), consumer)
    }

    /// What writes to it.
    pub(crate) fn writer(self, rings: Vec<Consumer<Box<Entry>>>, listeners: Vec<String>) -> Writer {
        Writer::new(self.sink, rings, listeners)
    }
}

/// A worker's end of its ring.
#[derive(Debug)]
pub(crate) struct Ring(RefCell<Producer<Box<Entry>>>);

impl Ring {
    /// Hands over a request that is over. Returns whether there was room.
    pub(crate) fn put(&self, entry: Box<Entry>) -> bool {
        self.0.borrow_mut().push(entry).is_ok()
    }
}
