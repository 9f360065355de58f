//! What a connection of HTTP/2 holds, whether it needs it or not.

use std::cell::Cell;

use super::Frames;

/// What a connection has needed at most: HTTP/2's own code holds room for as much to its end.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// Open at once.
    streams: Cell<u32>,
    /// For what has come, in bytes.
    read: Cell<u32>,
}

/// Bytes that are held for each stream.
const STREAM: u64 = 1700;

/// Streams that were reset from here are remembered, so many at most.
const RESET_STREAMS: u32 = 50;

/// Bytes that are held where heads of responses wait for one another, at most.
const WRITTEN: u64 = 12 << 10;

/// Bytes that TLS takes beside.
const TLS: u64 = 4 << 10;

/// Bytes that each open body leaves of the 128 KiB that it may have, for what is held.
const LEFT_BY_BODY: u64 = 76 << 10;

impl Room {
    /// So many streams are open.
    pub(super) fn hold(&self, streams: u32) {
        self.streams.set(self.streams.get().max(streams));
    }

    /// Notes what has come.
    pub(super) fn note(&self, frames: &Frames) {
        self.read.set(frames.held());
        if frames.has_reset() {
            self.hold(RESET_STREAMS);
        }
    }

    /// Bytes that are held at most beyond the 24 KiB that every connection may have, over TLS or not, and beyond what
    /// so many open bodies may.
    pub(super) fn beyond(&self, tls: bool, open: u32) -> u64 {
        let streams = match self.streams.get() {
            0 | 1 => 0,
            streams => u64::from(streams) * STREAM + WRITTEN,
        };
        let tls = if tls { TLS } else { 0 };
        let held = tls + u64::from(self.read.get()) + streams;
        held.saturating_sub(u64::from(open) * LEFT_BY_BODY)
    }
}
