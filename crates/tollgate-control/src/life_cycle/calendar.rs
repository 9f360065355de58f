//! Days and months, in UTC.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::policy::Months;
use crate::document::kind::Instant;

/// Whole seconds since 1970, in UTC.
pub type Second = i64;

const SECONDS_A_DAY: i64 = 86_400;

/// Which day a second is in, counted from 1970.
pub(super) fn day(second: Second) -> i64 {
    second.div_euclid(SECONDS_A_DAY)
}

/// The first second of a day.
pub(super) fn start_of_day(day: i64) -> Second {
    day.saturating_mul(SECONDS_A_DAY)
}

/// The first second after a day.
pub(super) fn end_of_day(day: i64) -> Second {
    start_of_day(day.saturating_add(1))
}

/// The day on which something planned happens: a date itself, or the day that an instant is in.
pub(super) fn day_of(planned: Instant) -> i64 {
    day(planned.start())
}

/// The same time of day so many calendar months on; where that month is too short, on its last day.
/// What would be past the calendar's end is its end.
pub(super) fn months_after(second: Second, months: Months) -> Second {
    let later = || {
        let from = TimeZone::UTC.to_datetime(Timestamp::from_second(second).ok()?);
        let to = from.checked_add(Span::new().try_months(months.get()).ok()?).ok()?;
        TimeZone::UTC.to_timestamp(to).ok()
    };
    later().unwrap_or(Timestamp::MAX).as_second()
}
