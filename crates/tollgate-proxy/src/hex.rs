//! Numbers in hexadecimal digits, without an allocation.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// All 16 digits.
pub(crate) fn hex(number: u64) -> [u8; 16] {
    let mut digits = [0; 16];
    let (pairs, _) = digits.as_chunks_mut();
    for (pair, byte) in pairs.iter_mut().zip(number.to_be_bytes()) {
        *pair = hex_byte(byte);
    }
    digits
}

/// Both digits.
pub(crate) fn hex_byte(byte: u8) -> [u8; 2] {
    [digit(u64::from(byte) >> 4), digit(byte.into())]
}

/// The lowest digit.
fn digit(number: u64) -> u8 {
    DIGITS[number as usize & 15]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_in_their_order() {
        assert_eq!(&hex(0x0123_4567_89ab_cdef), b"0123456789abcdef");
        assert_eq!(&hex_byte(0x0a), b"0a");
    }
}
