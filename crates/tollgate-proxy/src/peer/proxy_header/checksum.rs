//! CRC-32C (RFC 3720 §12.1), of a few hundred bytes at the beginning of a connection.

/// The polynomial, with its bits reversed.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// The checksum of `bytes` with the four from `at` on taken for zero.
pub(super) fn crc32c_without(bytes: &[u8], at: usize) -> u32 {
    let hole = at..at + 4;
    !bytes.iter().enumerate().fold(!0, |crc, (number, byte)| {
        let byte = if hole.contains(&number) { 0 } else { *byte };
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (POLYNOMIAL & (crc & 1).wrapping_neg())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_rfc_come_out() {
        // RFC 3720 §B.4, and the usual check value.
        let all = |bytes: &[u8]| crc32c_without(bytes, bytes.len());
        assert_eq!(all(&[0; 32]), 0x8a91_36aa);
        assert_eq!(all(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(all(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c_without(&[0, 1, 2, 3, 4, 0], 1), all(&[0; 6]));
    }
}
