//! The date of responses (RFC 9110 §6.6.1), written once a second.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use tollgate_core::Clock;

const MILLISECOND: u64 = 1_000_000;

/// The date, as it was last written.
#[derive(Debug, Default)]
pub(crate) struct Date {
    text: Vec<u8>,
    /// Until when it is right, in nanoseconds of the monotonic clock.
    until: u64,
}

impl Date {
    /// The date at `monotonic`, which is now or a moment ago.
    pub(super) fn at(&mut self, monotonic: u64, clock: &dyn Clock) -> &[u8] {
        if monotonic >= self.until || self.text.is_empty() {
            self.write(clock);
        }
        &self.text
    }

    fn write(&mut self, clock: &dyn Clock) {
        let now = clock.now();
        let left = 1000 - now.unix_ms % 1000;
        self.until = now.monotonic.saturating_add(left * MILLISECOND);
        let second = i64::try_from(now.unix()).unwrap_or(i64::MAX);
        let time = Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
        self.text.clear();
        // Writing to memory cannot fail, and no time of this clock has a year that cannot be written.
        let _ = DateTimePrinter::new().print_timestamp_rfc9110(&time, &mut self.text);
    }
}

#[cfg(test)]
mod tests {
    use tollgate_core::Now;

    use super::*;

    struct Still(Now);

    impl Clock for Still {
        fn now(&self) -> Now {
            self.0
        }
    }

    #[test]
    fn it_is_written_anew_with_each_second() {
        let clock = |monotonic, unix_ms| Still(Now { monotonic, unix_ms });
        let mut date = Date::default();
        let text = date.at(5, &clock(5, 784_111_777_400)).to_vec();
        assert_eq!(text, b"Sun, 06 Nov 1994 08:49:37 GMT");
        let later = clock(5 + 600 * MILLISECOND, 784_111_778_000);
        assert_eq!(date.at(4 + 600 * MILLISECOND, &later), text);
        assert_eq!(date.at(5 + 600 * MILLISECOND, &later), b"Sun, 06 Nov 1994 08:49:38 GMT");
    }
}
