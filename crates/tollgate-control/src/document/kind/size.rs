//! Sizes in bytes.

use super::number::integer;
use super::{Kind, Misfit};
use crate::document::Value;

const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// A size in bytes from `min` to `max`: an integer, or a string such as `"64KiB"`.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    min: u64,
    max: u64,
}

impl Size {
    /// From `min` to `max` bytes, both included.
    pub const fn within(min: u64, max: u64) -> Self {
        Self { min, max }
    }
}

impl Kind for Size {
    type Value = u64;

    fn expected(&self) -> String {
        let (min, max) = (self.show(&self.min), self.show(&self.max));
        format!("a size such as 4096, \"64KiB\" or \"1MiB\", from {min} to {max}")
    }

    fn read(&self, value: &Value) -> Result<u64, Misfit> {
        let bytes = match value {
            Value::String(text) => parse(text),
            other => integer(other).and_then(|bytes| u64::try_from(bytes).ok()),
        };
        bytes.filter(|bytes| (self.min..=self.max).contains(bytes)).ok_or_else(Misfit::plain)
    }

    fn show(&self, value: &u64) -> String {
        let unit = UNITS.into_iter().find(|(_, unit)| *value > 0 && value.is_multiple_of(*unit));
        match unit {
            Some((suffix, unit)) => format!("\"{}{suffix}\"", value / unit),
            None => value.to_string(),
        }
    }
}

fn parse(text: &str) -> Option<u64> {
    let (digits, unit) =
        UNITS.into_iter().find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, unit)))?;
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse::<u64>().ok().filter(|_| plain)?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_shown() {
        assert_eq!(parse("64KiB"), Some(65536));
        assert_eq!(parse("1MiB"), Some(1 << 20));
        for wrong in ["", "64", "KiB", "64kb", "+1KiB", "1.5MiB", "64 KiB", "99999999999GiB"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        let size = Size::within(0, 1 << 30);
        assert_eq!(size.show(&65536), "\"64KiB\"");
        assert_eq!(size.show(&(1 << 30)), "\"1GiB\"");
        assert_eq!(size.show(&0), "0");
        assert_eq!(size.show(&1500), "1500");
    }
}
