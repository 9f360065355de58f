//! Lines, as they are written.

use http::{HeaderName, HeaderValue};

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Appends a field of a head (RFC 9112 §5).
pub(crate) fn write_field(out: &mut Vec<u8>, name: &HeaderName, value: &HeaderValue) {
    out.extend_from_slice(name.as_str().as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Appends the line that a chunk of so many bytes begins with (RFC 9112 §7.1).
pub(crate) fn begin_chunk(out: &mut Vec<u8>, length: usize) {
    let mut digits = length.checked_ilog2().unwrap_or(0) / 4 + 1;
    while digits > 0 {
        digits -= 1;
        out.extend(DIGITS.get(length >> (4 * digits) & 0xf));
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_a_chunk_is_hexadecimal() {
        for length in [0, 1, 9, 10, 15, 16, 255, 256, 0x1f_40a, usize::MAX] {
            let mut out = Vec::new();
            begin_chunk(&mut out, length);
            assert_eq!(String::from_utf8(out).unwrap(), format!("{length:x}\r\n"));
        }
    }
}
