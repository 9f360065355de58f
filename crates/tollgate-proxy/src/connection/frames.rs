//! Frames of HTTP/2 that cost a server more than the client that sends them (RFC 9113 §10.5).
//!
//! What the protocol's own code does not hold to a bound is counted where the bytes arrive: streams
//! that a client opens and resets (CVE-2023-44487), and frames that carry nothing.

use std::time::Duration;

use super::TurnedAway;
use crate::listen::ListenerSettings;
use crate::worker::nanoseconds;

/// Over how long frames are counted.
const WINDOW: Duration = Duration::from_secs(10);

/// What a connection begins with before its first frame (RFC 9113 §3.4).
const PREFACE: usize = 24;

/// Of a frame (RFC 9113 §4.1).
const HEAD: usize = 9;

const DATA: u8 = 0x0;
const HEADERS: u8 = 0x1;
const RST_STREAM: u8 = 0x3;
const SETTINGS: u8 = 0x4;
const PING: u8 = 0x6;
const WINDOW_UPDATE: u8 = 0x8;

/// The first bit: END_STREAM of a piece of a body, ACK of settings and pings.
const FIRST_FLAG: u8 = 0x1;

/// Follows the frames of a connection.
#[derive(Debug)]
pub(super) struct Frames {
    max_resets: u32,
    max_control_frames: u32,
    /// Bytes that belong to nothing that is looked at.
    skip: usize,
    head: [u8; HEAD],
    /// Bytes of `head` that are there.
    filled: usize,
    /// When the present window began.
    began: u64,
    resets: u32,
    control_frames: u32,
}

impl Frames {
    /// From the preface on.
    pub(super) fn new(settings: &ListenerSettings) -> Self {
        Self {
            max_resets: settings.max_resets,
            max_control_frames: settings.max_control_frames,
            skip: PREFACE,
            head: [0; HEAD],
            filled: 0,
            began: 0,
            resets: 0,
            control_frames: 0,
        }
    }

    /// Counts what arrives at `now`.
    ///
    /// # Errors
    /// What there is too much of.
    pub(super) fn read(&mut self, mut bytes: &[u8], now: u64) -> Result<(), TurnedAway> {
        loop {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = bytes.get(skipped..).unwrap_or_default();
            let taken = bytes.len().min(HEAD - self.filled);
            let (piece, rest) = bytes.split_at(taken);
            if let Some(room) = self.head.get_mut(self.filled..self.filled + taken) {
                room.copy_from_slice(piece);
            }
            self.filled += taken;
            if self.filled < HEAD {
                return Ok(());
            }
            self.filled = 0;
            bytes = rest;
            self.count(now)?;
        }
    }

    /// Counts the frame whose head is whole.
    fn count(&mut self, now: u64) -> Result<(), TurnedAway> {
        let [a, b, c, kind, flags, ..] = self.head;
        self.skip = u32::from_be_bytes([0, a, b, c]) as usize;
        let first_flag = flags & FIRST_FLAG != 0;
        let carries = match kind {
            DATA => self.skip > 0 || first_flag,
            HEADERS | WINDOW_UPDATE => true,
            SETTINGS | PING => first_flag,
            // Priorities, continuations, and what nobody knows.
            _ => false,
        };
        if carries {
            return Ok(());
        }
        if now.saturating_sub(self.began) >= nanoseconds(WINDOW) {
            (self.began, self.resets, self.control_frames) = (now, 0, 0);
        }
        let (count, most, reason) = match kind {
            RST_STREAM => (&mut self.resets, self.max_resets, TurnedAway::Resets),
            _ => (&mut self.control_frames, self.max_control_frames, TurnedAway::ControlFrames),
        };
        *count += 1;
        if *count > most { Err(reason) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn frames(resets: u32, control_frames: u32) -> Frames {
        Frames {
            max_resets: resets,
            max_control_frames: control_frames,
            skip: 0,
            head: [0; HEAD],
            filled: 0,
            began: 0,
            resets: 0,
            control_frames: 0,
        }
    }

    fn frame(kind: u8, flags: u8, length: usize) -> Vec<u8> {
        let mut bytes = u32::try_from(length).unwrap().to_be_bytes()[1..].to_vec();
        bytes.extend([kind, flags, 0, 0, 0, 1]);
        // Looks like a reset wherever it is taken for a head.
        bytes.extend(std::iter::repeat_n(RST_STREAM, length));
        bytes
    }

    #[test]
    fn what_carries_nothing_counts_and_what_a_client_needs_does_not() {
        for (kind, flags, length, counts) in [
            (DATA, 0, 0, true),
            (DATA, 1, 0, false),
            (DATA, 0, 5, false),
            (HEADERS, 4, 5, false),
            (0x2, 0, 5, true),
            (RST_STREAM, 0, 4, true),
            (SETTINGS, 0, 6, true),
            (SETTINGS, 1, 0, false),
            (PING, 0, 8, true),
            (PING, 1, 8, false),
            (WINDOW_UPDATE, 0, 4, false),
            (0x9, 4, 0, true),
            (0xbe, 0, 0, true),
        ] {
            let read = frames(0, 0).read(&frame(kind, flags, length), 0);
            assert_eq!(read.is_err(), counts, "{kind} {flags} {length}");
        }
    }

    #[test]
    fn each_window_begins_anew() {
        let mut frames = frames(2, 100);
        let reset = frame(RST_STREAM, 0, 4);
        let window = nanoseconds(WINDOW);
        for now in [1, 2, window, window + 1] {
            assert_eq!(frames.read(&reset, now), Ok(()));
        }
        assert_eq!(frames.read(&reset, window + 2), Err(TurnedAway::Resets));
    }

    #[test]
    fn the_preface_is_no_frame() {
        let mut frames = Frames { skip: PREFACE, ..frames(0, 0) };
        assert_eq!(frames.read(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0), Ok(()));
        assert_eq!(frames.read(&frame(SETTINGS, 0, 0), 0), Err(TurnedAway::ControlFrames));
    }

    proptest! {
        /// However the bytes are cut, the same frames are counted.
        #[test]
        fn frames_are_followed_in_any_pieces(
            kinds in vec((0u8..12, 0u8..2, 0usize..40), 0..40),
            cuts in vec(1usize..60, 1..60),
        ) {
            let bytes: Vec<u8> =
                kinds.iter().flat_map(|(kind, flags, length)| frame(*kind, *flags, *length)).collect();
            let mut whole = frames(u32::MAX, u32::MAX);
            whole.read(&bytes, 0).unwrap();
            let mut cut = frames(u32::MAX, u32::MAX);
            let mut rest = &bytes[..];
            for length in cuts.iter().cycle() {
                let (piece, after) = rest.split_at((*length).min(rest.len()));
                cut.read(piece, 0).unwrap();
                rest = after;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!((cut.resets, cut.control_frames), (whole.resets, whole.control_frames));
            prop_assert_eq!((cut.skip, cut.filled), (0, 0));
            let resets = kinds.iter().filter(|(kind, ..)| *kind == RST_STREAM).count();
            prop_assert_eq!(whole.resets as usize, resets);
        }
    }
}
