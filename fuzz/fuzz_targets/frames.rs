//! Frames of HTTP/2 are counted as a reader of the whole connection counts them, in whatever pieces it comes.
//!
//! The first three bytes are how many resets and how many frames that carry nothing are allowed, and the length
//! of a piece; the others are what follows the preface.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_proxy::fuzzing::flooded_with;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What a stream pays for.
const UPDATES: u32 = 2;

/// What there is too much of, by RFC 9113 §4.1 and the rules in docs/listeners.md.
fn too_much(mut bytes: &[u8], resets: u32, control_frames: u32) -> Option<&'static str> {
    let (mut seen_resets, mut seen_others, mut paid) = (0, 0, 0);
    while let [a, b, c, kind, flags, _, _, _, _, rest @ ..] = bytes {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        // The code of a reset is waited for.
        if *kind == 3 && length == 4 && rest.len() < length {
            break;
        }
        bytes = rest.get(length..).unwrap_or_default();
        let first = flags & 1 != 0;
        match kind {
            0 if length > 0 || first => {}
            1 => paid = (paid + UPDATES).min(control_frames),
            4 | 6 if first => {}
            8 if paid > 0 => paid -= 1,
            3 => seen_resets += 1,
            _ => seen_others += 1,
        }
        if seen_resets > resets {
            return Some("resets");
        }
        if seen_others > control_frames {
            return Some("control_frames");
        }
    }
    None
}

fuzz_target!(|bytes: &[u8]| {
    let [resets, control_frames, length, sent @ ..] = bytes else { return };
    let (resets, control_frames) = (u32::from(*resets), u32::from(*control_frames));
    let whole = [PREFACE, sent].concat();
    let pieces = whole.chunks(usize::from(*length).max(1));
    let found = flooded_with(pieces, resets, control_frames);
    assert_eq!(found, too_much(sent, resets, control_frames));
});
