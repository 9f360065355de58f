//! Where the frames of a WebSocket end (RFC 6455 §5.2): a frame of ours can only stand between two.

/// The longest head: two bytes, eight of length, four of the mask.
const HEAD: usize = 14;

const OPCODE: u8 = 0x0f;
const CLOSE: u8 = 0x8;
const MASK: u8 = 0x80;

/// Follows the frames of one direction. A payload is not looked at.
#[derive(Debug, Default)]
pub(super) struct Frames {
    head: [u8; HEAD],
    /// Bytes of `head` that are there.
    filled: usize,
    /// Bytes of the payload that are still to come.
    left: u64,
    closed: bool,
}

impl Frames {
    /// Follows what goes by.
    pub(super) fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let skipped = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
            self.left -= skipped as u64;
            bytes = bytes.get(skipped..).unwrap_or_default();
            let taken = if self.left > 0 { 0 } else { self.lacking().min(bytes.len()) };
            let (piece, rest) = bytes.split_at(taken);
            if let Some(room) = self.head.get_mut(self.filled..self.filled + taken) {
                room.copy_from_slice(piece);
            }
            self.filled += taken;
            bytes = rest;
            if self.filled > 0 && self.lacking() == 0 {
                self.begin();
            }
        }
    }

    /// Bytes that are sure to belong to the present frame; 0 = what comes next is another one's.
    pub(super) fn missing(&self) -> u64 {
        match (self.left, self.filled) {
            (0, 0) => 0,
            (0, _) => self.lacking() as u64,
            (left, _) => left,
        }
    }

    /// Whether the side that sends them has closed the WebSocket.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Bytes that the head lacks, as far as is known.
    fn lacking(&self) -> usize {
        let [_, second, ..] = self.head;
        let length = match (self.filled, second & !MASK) {
            (0 | 1, _) => 2,
            (_, 126) => 4,
            (_, 127) => 10,
            _ => 2,
        };
        let mask = if self.filled > 1 && second & MASK != 0 { 4 } else { 0 };
        (length + mask) - self.filled.min(length + mask)
    }

    /// The head is whole.
    fn begin(&mut self) {
        let [first, second, a, b, c, d, e, f, g, h, ..] = self.head;
        self.left = match second & !MASK {
            126 => u16::from_be_bytes([a, b]).into(),
            127 => u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            length => length.into(),
        };
        self.closed |= first & OPCODE == CLOSE;
        self.filled = 0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn frame(opcode: u8, masked: bool, length: usize) -> Vec<u8> {
        let mask = if masked { MASK } else { 0 };
        let mut bytes = vec![0x80 | opcode];
        match length {
            0..126 => bytes.push(mask | u8::try_from(length).unwrap()),
            126..65536 => {
                bytes.push(mask | 126);
                bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            _ => {
                bytes.push(mask | 127);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        bytes.extend(masked.then_some([7; 4]).into_iter().flatten());
        // Looks like a close wherever it is taken for a head.
        bytes.extend(std::iter::repeat_n(0x88, length));
        bytes
    }

    #[test]
    fn a_frame_ends_where_its_length_says() {
        for length in [0, 1, 125, 126, 65535, 65536, 70000] {
            for masked in [false, true] {
                let bytes = frame(1, masked, length);
                let mut frames = Frames::default();
                for (at, byte) in bytes.iter().enumerate() {
                    let missing = frames.missing();
                    assert!(missing <= (bytes.len() - at) as u64, "{length} {masked} {at}");
                    assert_eq!(missing == 0, at == 0, "{length} {masked} {at}");
                    frames.read(&[*byte]);
                }
                assert_eq!(frames.missing(), 0, "{length} {masked}");
                assert!(!frames.is_closed(), "{length} {masked}");
            }
        }
    }

    #[test]
    fn a_close_is_known() {
        let mut frames = Frames::default();
        frames.read(&frame(9, false, 2));
        assert!(!frames.is_closed());
        frames.read(&frame(8, false, 2));
        assert!(frames.is_closed());
    }

    #[test]
    fn a_length_beyond_all_bounds_never_ends() {
        let mut frames = Frames::default();
        frames.read(&[0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255, 1]);
        assert_eq!(frames.missing(), u64::MAX - 1);
    }

    proptest! {
        /// However the bytes are cut, the ends are the same.
        #[test]
        fn frames_are_followed_in_any_pieces(
            kinds in vec((0u8..8, any::<bool>(), 0usize..300), 1..20),
            cuts in vec(1usize..200, 1..60),
        ) {
            let bytes: Vec<u8> = kinds
                .iter()
                .flat_map(|(opcode, masked, length)| frame(*opcode, *masked, *length))
                .collect();
            let mut frames = Frames::default();
            let mut rest = &bytes[..];
            for length in cuts.iter().cycle() {
                let (piece, after) = rest.split_at((*length).min(rest.len()));
                frames.read(piece);
                rest = after;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(frames.missing(), 0);
            prop_assert!(!frames.is_closed());
        }
    }
}
