//! Frames: the length of what follows after the checksum, the CRC-32 of it, each as four bytes with the
//! greatest first, a byte that says which kind it is, and what it says.

use bytes::{Buf, Bytes};

use super::Malformed;

/// Bytes before the kind.
pub const HEAD: usize = 8;

/// The longest frame, without its head. What would be longer is told by a snapshot.
pub const MAX_LENGTH: usize = 16 << 20;

/// Appends a frame.
pub fn write(kind: u8, body: &[u8], to: &mut Vec<u8>) {
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&[kind]);
    checksum.update(body);
    // Whoever makes longer ones has looked at `MAX_LENGTH`; it is refused where it is read.
    let length = u32::try_from(body.len() + 1).unwrap_or(u32::MAX);
    to.extend_from_slice(&length.to_be_bytes());
    to.extend_from_slice(&checksum.finalize().to_be_bytes());
    to.push(kind);
    to.extend_from_slice(body);
}

/// Cuts frames out of bytes as they arrive.
#[derive(Debug, Default)]
pub struct Frames {
    waiting: Vec<u8>,
    taken: usize,
}

/// A frame whose checksum fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Which kind it is.
    pub kind: u8,
    /// What it says.
    pub body: Bytes,
}

impl Frames {
    /// Adds what has arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.taken == self.waiting.len() {
            self.waiting.clear();
            self.taken = 0;
        } else if self.taken > MAX_LENGTH / 16 {
            self.waiting.drain(..self.taken);
            self.taken = 0;
        }
        self.waiting.extend_from_slice(bytes);
    }

    /// The next frame; `None` = it has not arrived as a whole.
    ///
    /// # Errors
    /// [`Malformed`]: nothing after it can be read.
    pub fn frame(&mut self) -> Result<Option<Frame>, Malformed> {
        let waiting = self.waiting.get(self.taken..).unwrap_or_default();
        let Some((head, rest)) = waiting.split_first_chunk() else { return Ok(None) };
        let (length, checksum) = read_head(head)?;
        let Some(text) = rest.get(..length) else { return Ok(None) };
        let frame = checked(Bytes::copy_from_slice(text), checksum)?;
        self.taken += HEAD + length;
        Ok(Some(frame))
    }

    /// Bytes that no whole frame was made of yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len() - self.taken
    }
}

/// The length and the checksum that a head tells.
pub(crate) fn read_head(head: &[u8; HEAD]) -> Result<(usize, u32), Malformed> {
    let [a, b, c, d, e, f, g, h] = *head;
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    if !(1..=MAX_LENGTH).contains(&length) {
        return Err(Malformed("a frame has a length that none has"));
    }
    Ok((length, u32::from_be_bytes([e, f, g, h])))
}

/// The frame whose kind and body are `text`.
pub(crate) fn checked(mut text: Bytes, checksum: u32) -> Result<Frame, Malformed> {
    if crc32fast::hash(&text) != checksum {
        return Err(Malformed("a frame does not fit its checksum"));
    }
    let kind = text.try_get_u8().map_err(|_| Malformed("a frame is empty"))?;
    Ok(Frame { kind, body: text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(frames: &mut Frames) -> Vec<(u8, Vec<u8>)> {
        std::iter::from_fn(|| frames.frame().unwrap())
            .map(|frame| (frame.kind, frame.body.to_vec()))
            .collect()
    }

    #[test]
    fn frames_come_whole_however_they_arrive() {
        let mut sent = Vec::new();
        let texts = [(1, vec![]), (2, vec![7; 3]), (9, vec![0; 100_000])];
        for (kind, body) in &texts {
            write(*kind, body, &mut sent);
        }
        for piece in [1, 7, 8, 9, 10_000, sent.len()] {
            let mut frames = Frames::default();
            let mut arrived = Vec::new();
            for part in sent.chunks(piece) {
                frames.push(part);
                arrived.extend(all(&mut frames));
            }
            assert_eq!(arrived, texts, "in pieces of {piece}");
            assert_eq!(frames.waiting(), 0);
        }
    }

    #[test]
    fn a_bit_that_turned_is_found() {
        let mut sent = Vec::new();
        write(2, b"what is said", &mut sent);
        for bit in 0..sent.len() * 8 {
            let mut turned = sent.clone();
            turned[bit / 8] ^= 1 << (bit % 8);
            let mut frames = Frames::default();
            frames.push(&turned);
            // A greater length has it wait for more.
            assert!(!matches!(frames.frame(), Ok(Some(_))), "bit {bit}");
        }
    }
}
