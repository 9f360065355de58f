//! Frames of HTTP/2 are counted, and fields that add to a table found, as by a reader of the whole connection, in
//! whatever pieces it comes.
//!
//! The first three bytes are how many resets and how many frames that carry nothing are allowed, and the length
//! of a piece; the others are what follows the preface.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_proxy::fuzzing::flooded_with;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What a stream pays for.
const UPDATES: u32 = 2;

/// More than may come of a connection that has begun a table without agreeing to have none.
const LONGEST: usize = 128 << 10;

/// What there is too much of, or must not be, by RFC 9113 §4.1 and the rules in docs/listeners.md.
fn offends(mut bytes: &[u8], resets: u32, control_frames: u32) -> Option<&'static str> {
    let (mut seen_resets, mut seen_others, mut paid) = (0, 0, 0);
    let mut table = Table::default();
    while let [a, b, c, kind, flags, _, _, _, _, rest @ ..] = bytes {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        // The code of a reset is waited for.
        if *kind == 3 && length == 4 && rest.len() < length {
            break;
        }
        let payload = &rest[..length.min(rest.len())];
        bytes = &rest[payload.len()..];
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
        match kind {
            1 => table.begin(fragment(*flags, length, payload)),
            9 => table.block.extend(payload),
            4 if first => table.agreed = true,
            _ => {}
        }
        if table.is_kept() {
            return Some("header_table");
        }
    }
    None
}

/// What there is of the block in a HEADERS frame of this length (RFC 9113 §6.2).
fn fragment(flags: u8, length: usize, payload: &[u8]) -> &[u8] {
    let padded = flags & 8 != 0;
    let padding = if padded { payload.first().copied().unwrap_or(0) } else { 0 };
    let begins = usize::from(padded) + if flags & 0x20 != 0 { 5 } else { 0 };
    let ends = length.saturating_sub(padding.into()).min(payload.len());
    payload.get(begins..ends).unwrap_or_default()
}

/// A client's table of fields.
#[derive(Default)]
struct Table {
    agreed: bool,
    gone: bool,
    block: Vec<u8>,
    /// Fields of the block that were looked at.
    seen: usize,
}

impl Table {
    fn begin(&mut self, block: &[u8]) {
        (self.block, self.seen) = (block.to_vec(), 0);
    }

    /// Whether something is added after the client has agreed to have none, and before it has said that it is gone.
    fn is_kept(&mut self) -> bool {
        let fields = fields(&self.block);
        for first in &fields[self.seen..] {
            match first {
                0x40..0x80 if self.agreed && !self.gone => return true,
                0x20..0x40 => self.gone |= self.agreed,
                _ => {}
            }
        }
        self.seen = fields.len();
        false
    }
}

/// The first byte of each field (RFC 7541 §6).
fn fields(mut block: &[u8]) -> Vec<u8> {
    let mut found = Vec::new();
    while let Some(&first) = block.first() {
        found.push(first);
        let (bits, literal) = match first {
            0x80.. => (7, false),
            0x40.. => (6, true),
            0x20.. => (5, false),
            _ => (4, true),
        };
        let index = integer(&mut block, bits);
        let strings = if !literal { 0 } else { 1 + u8::from(index == Some(0)) };
        for _ in 0..strings {
            let length = integer(&mut block, 7).and_then(|length| usize::try_from(length).ok());
            block = length.and_then(|length| block.get(length..)).unwrap_or_default();
        }
    }
    found
}

/// An integer with a prefix of so many bits, if all of it is there (RFC 7541 §5.1).
fn integer(block: &mut &[u8], bits: u32) -> Option<u64> {
    let most = (1 << bits) - 1;
    let mut value = u64::from(block.split_off_first()? & most);
    if value < u64::from(most) {
        return Some(value);
    }
    for shift in (0..).step_by(7) {
        let byte = *block.split_off_first()?;
        // Greater than anything that is there.
        let more =
            if shift < 32 { u64::from(byte & 0x7f) << shift } else { u64::from(byte & 0x7f) << 32 };
        value = value.saturating_add(more);
        if byte < 0x80 {
            break;
        }
    }
    Some(value)
}

fuzz_target!(|bytes: &[u8]| {
    let [resets, control_frames, length, sent @ ..] = bytes else { return };
    if sent.len() > LONGEST {
        return;
    }
    let (resets, control_frames) = (u32::from(*resets), u32::from(*control_frames));
    let whole = [PREFACE, sent].concat();
    let pieces = whole.chunks(usize::from(*length).max(1));
    let found = flooded_with(pieces, resets, control_frames);
    assert_eq!(found, offends(sent, resets, control_frames));
});
