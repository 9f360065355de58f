//! Lengths of time.

use std::time::Duration;

use super::{Kind, Misfit, string};
use crate::document::Value;

/// In the order in which a suffix is tried: `ms` before `s`.
const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];

/// A length of time from `min` to `max`, such as `"250ms"`, `"10s"`, `"2m"` or `"1h"`.
#[derive(Clone, Copy, Debug)]
pub struct Time {
    min: Duration,
    max: Duration,
}

impl Time {
    /// From `min` to `max`, both included.
    pub const fn within(min: Duration, max: Duration) -> Self {
        Self { min, max }
    }

    /// What a text says that is no part of a document.
    pub(crate) fn of_text(self, text: &str) -> Option<Duration> {
        parse(text).filter(|time| (self.min..=self.max).contains(time))
    }
}

impl Kind for Time {
    type Value = Duration;

    fn expected(&self) -> String {
        let (min, max) = (self.show(&self.min), self.show(&self.max));
        format!("a duration such as \"250ms\", \"10s\", \"2m\" or \"1h\", from {min} to {max}")
    }

    fn read(&self, value: &Value) -> Result<Duration, Misfit> {
        self.of_text(string(value)?).ok_or_else(Misfit::plain)
    }

    /// In seconds up to and including a minute and wherever a greater unit does not divide.
    fn show(&self, value: &Duration) -> String {
        let ms = value.as_millis();
        if !ms.is_multiple_of(1_000) {
            return format!("\"{ms}ms\"");
        }
        match ms / 1_000 {
            s if s > 0 && s % 3_600 == 0 => format!("\"{}h\"", s / 3_600),
            s if s > 60 && s % 60 == 0 => format!("\"{}m\"", s / 60),
            s => format!("\"{s}s\""),
        }
    }
}

fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) =
        UNITS.into_iter().find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, unit)))?;
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let count = digits.parse::<u64>().ok().filter(|_| plain)?;
    count.checked_mul(unit).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_shown() {
        let any = Time::within(Duration::ZERO, Duration::MAX);
        for text in ["250ms", "10s", "0s", "75s", "60s", "2m", "1h", "90m"] {
            let time = parse(text).expect(text);
            assert_eq!(any.show(&time), format!("\"{text}\""));
        }
        for wrong in ["", "10", "s", "-1s", "+1s", "1.5s", "10 s", "1d", "1h30m", "10S"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
