//! `traceparent` (W3C Trace Context §3.2): `00-`, the trace in 32 digits, `-`, the span in 16, `-`, flags
//! in 2.

use bytes::BytesMut;
use http::HeaderMap;

use super::PARENT;
use crate::hex::{hex, hex_byte};

/// The span that has sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parent {
    pub(crate) trace: u128,
    pub(crate) id: u64,
    pub(crate) flags: u8,
}

/// The length of version 00, and of what is known of later ones.
const LENGTH: usize = 55;

impl Parent {
    /// The parent that a request names; `None` if it names none, several, or one that cannot be read.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(PARENT).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Self::parse(value.as_bytes()),
            _ => None,
        }
    }

    /// Reads a value. A later version is read as far as it is as version 00 is (§4.3).
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        let (known, further) = value.split_at_checked(LENGTH)?;
        let mut parts = known.split(|byte| *byte == b'-');
        let mut part = |digits: usize| {
            let part = parts.next().filter(|part| part.len() == digits)?;
            part.iter().try_fold(0, |number: u128, digit| Some(number << 4 | value_of(*digit)?))
        };
        let (version, trace, id, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        let ends_well = match further {
            [] => true,
            [b'-', ..] => version > 0,
            _ => false,
        };
        let valid = version != 0xff && trace != 0 && id != 0 && ends_well;
        let (id, flags) = (u64::try_from(id).ok()?, u8::try_from(flags).ok()?);
        valid.then_some(Self { trace, id, flags })
    }
}

/// Writes a value of version 00.
pub(super) fn write(trace: u128, id: u64, flags: u8, to: &mut BytesMut) {
    let [high, low] = [trace >> 64, trace].map(|half| half as u64);
    to.extend_from_slice(b"00-");
    to.extend_from_slice(&hex(high));
    to.extend_from_slice(&hex(low));
    to.extend_from_slice(b"-");
    to.extend_from_slice(&hex(id));
    to.extend_from_slice(b"-");
    to.extend_from_slice(&hex_byte(flags));
}

/// Of a digit; in capitals it is none.
fn value_of(digit: u8) -> Option<u128> {
    match digit {
        b'0'..=b'9' => Some((digit - b'0').into()),
        b'a'..=b'f' => Some((digit - b'a' + 10).into()),
        _ => None,
    }
}
