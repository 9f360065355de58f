//! Signatures: what only who has the secret of a key can make of it and of a time.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The hash of a signature whose time is not sent (domain.md §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureHash {
    /// MD5.
    Md5,
    /// SHA-256.
    Sha256,
}

/// A signature as it was presented, out of hex digits of either case.
pub(crate) struct Signature {
    bytes: [u8; 32],
    length: usize,
}

/// The time of a signature as it was presented: seconds since 1970, with or without a fraction. The
/// bytes as sent are what was signed.
pub(crate) struct SignedTime<'a> {
    text: &'a [u8],
    /// The whole second.
    pub(crate) second: u64,
}

impl SignatureHash {
    fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha256 => 32,
        }
    }

    /// The signature that `presented` is; `None` if it cannot be one of this hash.
    pub(crate) fn read(self, presented: &[u8]) -> Option<Signature> {
        let mut bytes = [0; 32];
        let (pairs, odd) = presented.as_chunks::<2>();
        if !odd.is_empty() || pairs.len() != self.length() {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(pairs) {
            let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
            *byte = u8::try_from(high? << 4 | low?).ok()?;
        }
        Some(Signature { bytes, length: self.length() })
    }

    /// Whether `signature` is that of `key` with `secret` at a second which is at most `tolerance` from
    /// `now`. Key and secret are hashed once, however many seconds are tried.
    pub(crate) fn matches(
        self,
        signature: &Signature,
        key: &[u8],
        secret: &[u8],
        now: u64,
        tolerance: u64,
    ) -> bool {
        let expected = signature.bytes();
        let seconds = outward(now, tolerance);
        match self {
            Self::Md5 => {
                is_any(&Md5::new().chain_update(key).chain_update(secret), seconds, expected)
            }
            Self::Sha256 => {
                is_any(&Sha256::new().chain_update(key).chain_update(secret), seconds, expected)
            }
        }
    }
}

impl Signature {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// All of a signature of 256 bits.
    pub(crate) fn whole(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// Whether it is HMAC-SHA-256 under `secret` of `key` and `time`. Takes the same time however
    /// much of it is right.
    pub(crate) fn is_hmac(&self, key: &[u8], secret: &[u8], time: &SignedTime<'_>) -> bool {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return false };
        mac.update(key);
        mac.update(time.text);
        mac.verify_slice(self.bytes()).is_ok()
    }
}

impl<'a> SignedTime<'a> {
    /// Reads a time: up to twelve digits, then nothing or a point and up to twelve more.
    pub(crate) fn read(text: &'a [u8]) -> Option<Self> {
        let mut parts = text.splitn(2, |byte| *byte == b'.');
        let second = digits(parts.next()?)?;
        parts.next().map_or(Some(0), digits)?;
        Some(Self { text, second })
    }

    /// Whether it is at most `tolerance` seconds from `now`.
    pub(crate) fn is_near(&self, now: u64, tolerance: u64) -> bool {
        self.second.abs_diff(now) <= tolerance
    }
}

fn digits(text: &[u8]) -> Option<u64> {
    if !(1..=12).contains(&text.len()) {
        return None;
    }
    text.iter().try_fold(0, |number: u64, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        Some(number * 10 + digit)
    })
}

/// Whether any of the seconds, behind what `begun` has hashed already, makes `expected`.
fn is_any<H: Digest + Clone>(
    begun: &H,
    mut seconds: impl Iterator<Item = u64>,
    expected: &[u8],
) -> bool {
    let mut text = itoa::Buffer::new();
    seconds.any(|second| {
        let hash = begun.clone().chain_update(text.format(second)).finalize();
        hash.as_slice().ct_eq(expected).into()
    })
}

/// The second itself and those around it, the nearest first, the past before the future: a request
/// is signed before it arrives.
fn outward(now: u64, tolerance: u64) -> impl Iterator<Item = u64> {
    let around = (1..=tolerance).flat_map(move |far| [now.checked_sub(far), now.checked_add(far)]);
    std::iter::once(now).chain(around.flatten())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn seconds_are_tried_from_now_outward() {
        assert_eq!(outward(10, 2).collect::<Vec<_>>(), [10, 9, 11, 8, 12]);
        assert_eq!(outward(1, 3).collect::<Vec<_>>(), [1, 0, 2, 3, 4]);
        assert_eq!(outward(10, 0).count(), 1);
        assert_eq!(outward(1000, 300).count(), 601);
    }

    proptest! {
        /// A time is what a naive reader takes for a decimal number.
        #[test]
        fn times_are_read_as_numbers(text in "[0-9]{0,14}[.]?[0-9]{0,14}|[ -~]{0,20}|[0-9.e+-]{0,9}") {
            let plain = |part: &str| {
                (1..=12).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
            };
            let (whole, fraction) = text.split_once('.').map_or((&*text, None), |(w, f)| (w, Some(f)));
            let fits = plain(whole) && fraction.is_none_or(plain);
            let read = SignedTime::read(text.as_bytes()).map(|time| time.second);
            prop_assert_eq!(read, fits.then(|| whole.parse::<u64>().unwrap()));
        }

        /// Hex of the right length is a signature, whatever its case; nothing else is one.
        #[test]
        fn signatures_are_read_as_hex(text in "[0-9a-fA-F]{30,34}|[0-9a-fA-F]{62,66}|[ -~]{32}") {
            for hash in [SignatureHash::Md5, SignatureHash::Sha256] {
                let fits = text.len() == 2 * hash.length()
                    && text.bytes().all(|byte| byte.is_ascii_hexdigit());
                let read = hash.read(text.as_bytes()).map(|read| {
                    let hex = |byte: &u8| format!("{byte:02x}");
                    read.bytes().iter().map(hex).collect::<String>()
                });
                prop_assert_eq!(read, fits.then(|| text.to_ascii_lowercase()));
            }
        }
    }
}
