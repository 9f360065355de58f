//! Frames of HTTP/2 that cost a server more than the client that sends them (RFC 9113 §10.5).
//!
//! What the protocol's own code does not hold to a bound is counted where the bytes arrive: streams
//! that a client opens and resets (CVE-2023-44487), and frames that carry nothing. An update of a window
//! carries something where a piece of a body was sent that it can answer. Nor does it hold clients to having no
//! table of header fields, which [`Blocks`] does.

mod blocks;

use std::time::Duration;

use blocks::{Blocks, TableKept};

use super::TurnedAway;
use crate::listen::ListenerSettings;
use crate::worker::nanoseconds;

/// Over how long frames are counted.
const WINDOW: Duration = Duration::from_secs(10);

/// What a connection begins with before its first frame (RFC 9113 §3.4).
const PREFACE: u32 = 24;

/// Of a frame (RFC 9113 §4.1).
const HEAD: usize = 9;

/// Of a reset, with why (RFC 9113 §6.4).
const RESET: usize = HEAD + 4;

const DATA: u8 = 0x0;
const HEADERS: u8 = 0x1;
const RST_STREAM: u8 = 0x3;
const SETTINGS: u8 = 0x4;
const PING: u8 = 0x6;
const WINDOW_UPDATE: u8 = 0x8;
const CONTINUATION: u8 = 0x9;

/// The first bit: END_STREAM of a piece of a body, ACK of settings and pings.
const FIRST_FLAG: u8 = 0x1;

/// Updates of windows that a piece of a body pays for: the stream's, the connection's, and as many again
/// for clients that are in no hurry to join them.
const UPDATES_FOR_DATA: u32 = 4;

/// Updates of windows that a new stream pays for: what it begins with, of its own and of the connection.
const UPDATES_FOR_STREAM: u32 = 2;

/// Bytes of a frame that HTTP/2's own code has room for from the beginning.
const SHORT: u32 = 4 << 10;

/// Bytes that it goes on holding for each byte of the longest frame: where that was read, which grows in steps of two.
const HELD_OF_FRAME: u32 = 2;

/// The same of a block of header fields, whose Huffman code is undone besides.
const HELD_OF_BLOCK: u32 = 4;

/// Follows the frames of a connection.
#[derive(Debug)]
pub(crate) struct Frames {
    max_resets: u32,
    max_control_frames: u32,
    incoming: Heads,
    outgoing: Heads,
    blocks: Blocks,
    /// The frame whose payload comes belongs to a block of header fields.
    in_block: bool,
    /// Of the present frame, with those that it goes on with.
    length: u32,
    /// Bytes that are held for the longest.
    held: u32,
    has_reset: bool,
    /// When the present window began.
    began: u64,
    resets: u32,
    control_frames: u32,
    /// Updates of windows that are paid for.
    paid: u32,
}

/// Finds the heads of frames in bytes that come in any pieces.
#[derive(Debug)]
struct Heads {
    /// Bytes that belong to nothing that is looked at.
    skip: u32,
    head: [u8; RESET],
    /// Bytes of `head` that are there.
    filled: u8,
}

/// What the head of a frame says.
#[derive(Clone, Copy)]
struct Head {
    length: u32,
    kind: u8,
    flags: u8,
    /// Of a reset.
    code: Option<u32>,
}

/// Why a stream is reset that its client has opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum StreamRefused {
    /// The connection has its maximum of them.
    Maximum,
    /// The client makes a mistake: a malformed or oversized head, a frame that does not belong there, a
    /// window beyond all bounds.
    Malformed,
    /// Its client reads the response too slowly, or not at all.
    Unread,
}

impl StreamRefused {
    pub(crate) const ALL: [(Self, &'static str); 3] = [
        (Self::Maximum, "max_streams"),
        (Self::Malformed, "malformed"),
        (Self::Unread, "min_response_rate"),
    ];

    /// By the code of a reset that is sent (RFC 9113 §7); `None` = it is nobody's mistake.
    fn by(code: u32) -> Option<Self> {
        match code {
            // PROTOCOL_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED, FRAME_SIZE_ERROR, COMPRESSION_ERROR.
            1 | 3 | 5 | 6 | 9 => Some(Self::Malformed),
            // REFUSED_STREAM.
            7 => Some(Self::Maximum),
            _ => None,
        }
    }

    /// Its number, below the length of [`StreamRefused::ALL`].
    pub(crate) fn index(self) -> usize {
        self as usize
    }
}

impl Heads {
    /// Behind so many bytes that are no frame.
    fn behind(skip: u32) -> Self {
        Self { skip, head: [0; RESET], filled: 0 }
    }

    /// What is there of the payload before the next head, which `bytes` lose.
    fn payload<'a>(&mut self, bytes: &mut &'a [u8]) -> &'a [u8] {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX).min(self.skip);
        self.skip -= length;
        let (payload, rest) = bytes.split_at(length as usize);
        *bytes = rest;
        payload
    }

    /// The next head, if it is whole with `bytes`, which lose what was looked at.
    fn next(&mut self, bytes: &mut &[u8]) -> Option<Head> {
        self.payload(bytes);
        if !self.fill(HEAD, bytes) {
            return None;
        }
        let [a, b, c, kind, flags, ..] = self.head;
        let length = u32::from_be_bytes([0, a, b, c]);
        let is_reset = kind == RST_STREAM && length as usize == RESET - HEAD;
        if is_reset && !self.fill(RESET, bytes) {
            return None;
        }
        self.filled = 0;
        self.skip = if is_reset { 0 } else { length };
        let code = self.head.last_chunk().map(|code| u32::from_be_bytes(*code));
        Some(Head { length, kind, flags, code: code.filter(|_| is_reset) })
    }

    /// Fills the head up to a length. Whether it is as long.
    fn fill(&mut self, length: usize, bytes: &mut &[u8]) -> bool {
        let filled = usize::from(self.filled);
        let taken = bytes.len().min(length.saturating_sub(filled));
        let (piece, rest) = bytes.split_at(taken);
        *bytes = rest;
        if let Some(room) = self.head.get_mut(filled..filled + taken) {
            room.copy_from_slice(piece);
        }
        // No more than there is of a head.
        self.filled += taken as u8;
        filled + taken >= length
    }
}

impl Head {
    fn has_first_flag(self) -> bool {
        self.flags & FIRST_FLAG != 0
    }
}

impl From<TableKept> for TurnedAway {
    fn from(TableKept: TableKept) -> Self {
        Self::HeaderTable
    }
}

impl Frames {
    /// From the preface on.
    pub(super) fn new(settings: &ListenerSettings) -> Self {
        Self::within(settings.max_resets, settings.max_control_frames)
    }

    /// With these bounds, from the preface on.
    pub(crate) fn within(max_resets: u32, max_control_frames: u32) -> Self {
        Self {
            max_resets,
            max_control_frames,
            incoming: Heads::behind(PREFACE),
            outgoing: Heads::behind(0),
            blocks: Blocks::default(),
            in_block: false,
            length: 0,
            held: 0,
            has_reset: false,
            began: 0,
            resets: 0,
            control_frames: 0,
            paid: 0,
        }
    }

    /// Counts what arrives at `now`.
    ///
    /// # Errors
    /// What there is too much of, or must not be.
    pub(crate) fn read(&mut self, mut bytes: &[u8], now: u64) -> Result<(), TurnedAway> {
        self.blocks.count(bytes.len())?;
        loop {
            let payload = self.incoming.payload(&mut bytes);
            if self.in_block {
                self.blocks.read(payload)?;
            }
            let Some(head) = self.incoming.next(&mut bytes) else { return Ok(()) };
            self.follow(head);
            self.count(head, now)?;
        }
    }

    /// Bytes that what has come holds for as long as the connection lasts, at most.
    pub(super) fn held(&self) -> u32 {
        self.held.saturating_add(self.blocks.kept())
    }

    /// Whether a stream was reset from here.
    pub(super) fn has_reset(&self) -> bool {
        self.has_reset
    }

    /// Notes what a frame means for header fields.
    fn follow(&mut self, head: Head) {
        self.in_block = matches!(head.kind, HEADERS | CONTINUATION);
        self.length = if head.kind == CONTINUATION { self.length } else { 0 };
        self.length = self.length.saturating_add(head.length);
        if self.length > SHORT {
            let times = if self.in_block { HELD_OF_BLOCK } else { HELD_OF_FRAME };
            self.held = self.held.max(self.length.saturating_mul(times));
        }
        match head.kind {
            HEADERS => self.blocks.begin(head.flags, head.length),
            CONTINUATION => self.blocks.go_on(head.length),
            SETTINGS if head.has_first_flag() => self.blocks.agree(),
            _ => {}
        }
    }

    /// Notes what is sent, and tells of every stream that is refused.
    pub(super) fn write(&mut self, mut bytes: &[u8], mut refused: impl FnMut(StreamRefused)) {
        while let Some(head) = self.outgoing.next(&mut bytes) {
            if head.kind == DATA {
                self.pay(UPDATES_FOR_DATA);
            }
            self.has_reset |= head.kind == RST_STREAM;
            if let Some(why) = head.code.and_then(StreamRefused::by) {
                refused(why);
            }
        }
    }

    fn pay(&mut self, updates: u32) {
        // Nobody saves up for a flood.
        self.paid = self.paid.saturating_add(updates).min(self.max_control_frames);
    }

    /// Counts a frame.
    fn count(&mut self, head: Head, now: u64) -> Result<(), TurnedAway> {
        let carries = match head.kind {
            DATA => head.length > 0 || head.has_first_flag(),
            HEADERS => {
                self.pay(UPDATES_FOR_STREAM);
                true
            }
            WINDOW_UPDATE => {
                let left = self.paid.checked_sub(1);
                self.paid = left.unwrap_or_default();
                left.is_some()
            }
            SETTINGS | PING => head.has_first_flag(),
            // Priorities, continuations, and what nobody knows.
            _ => false,
        };
        if carries {
            return Ok(());
        }
        if now.saturating_sub(self.began) >= nanoseconds(WINDOW) {
            (self.began, self.resets, self.control_frames) = (now, 0, 0);
        }
        let (count, most, reason) = match head.kind {
            RST_STREAM => (&mut self.resets, self.max_resets, TurnedAway::Resets),
            _ => (&mut self.control_frames, self.max_control_frames, TurnedAway::ControlFrames),
        };
        *count += 1;
        if *count > most { Err(reason) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
