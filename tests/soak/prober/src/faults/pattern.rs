//! Bodies that tell by each byte whose they are.

use hyper::body::Bytes;

/// The body of this number: so many bytes that no other number has.
pub(super) fn body(number: u64, length: usize) -> Bytes {
    let words = (0..length.div_ceil(8) as u64).flat_map(|index| word(number, index));
    words.take(length).collect()
}

/// splitmix64 of number and place.
fn word(number: u64, index: u64) -> [u8; 8] {
    let mut word = (number << 20 | index).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (word ^ word >> 31).to_le_bytes()
}
