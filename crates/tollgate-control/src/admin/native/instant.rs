//! Instants as the native API writes and reads them (RFC 3339, UTC).

use jiff::Timestamp;

use crate::admin::v3::Failure;
use crate::date;
use crate::life_cycle::{self, Second};

/// `2026-11-26T17:31:05Z`, of seconds since 1970.
pub(in crate::admin) fn show(second: Second) -> String {
    Timestamp::from_second(second).unwrap_or(Timestamp::MAX).to_string()
}

/// The same of milliseconds since 1970, without the fraction.
pub(super) fn show_ms(ms: i64) -> String {
    show(ms.div_euclid(1000))
}

/// The same of an instant as the v3 API writes it; what is none stays as it is.
pub(in crate::admin) fn of_v3(text: &str) -> String {
    date::read(text).map_or_else(|| text.to_owned(), |(ms, _)| show_ms(ms))
}

/// Something planned: a date where it was written as one, `2026-11-26`, else an instant.
pub(super) fn show_planned(planned: life_cycle::Instant) -> String {
    match planned {
        life_cycle::Instant::Day(second) => show(second).chars().take(10).collect(),
        life_cycle::Instant::Second(second) => show(second),
    }
}

/// The first and the last millisecond of what a parameter names: a date is all of its day.
///
/// # Errors
/// [`Failure::Invalid`] for what is neither a date nor an instant.
pub(super) fn read(parameter: &str, text: &str) -> Result<(i64, i64), Failure> {
    let expected = "expected a date or an instant, such as 2027-01-31 or 2027-01-31T08:00:00Z";
    let (start, end) = date::read(text).ok_or_else(|| Failure::invalid(parameter, expected))?;
    Ok((start, end.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_shown_in_whole_seconds_of_utc() {
        assert_eq!(show(1_795_714_265), "2026-11-26T17:31:05Z");
        assert_eq!(show_ms(1_795_714_265_999), "2026-11-26T17:31:05Z");
        assert_eq!(of_v3("2026-11-26T17:31:05.999+0000"), "2026-11-26T17:31:05Z");
        let day = life_cycle::Instant::Day(1_795_651_200);
        assert_eq!(show_planned(day), "2026-11-26");
    }

    #[test]
    fn a_date_is_all_of_its_day() {
        assert_eq!(read("from", "1970-01-02").unwrap(), (86_400_000, 172_799_999));
        assert_eq!(read("from", "1970-01-01T00:00:01Z").unwrap(), (1_000, 1_999));
        assert!(read("from", "tomorrow").is_err());
    }
}
