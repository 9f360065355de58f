//! Instants as the v3 API writes them (S3-25) and as its clients do.

use jiff::civil::Date;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

/// `2015-05-13T23:08:29.000+0000`.
pub(crate) fn show(ms: i64) -> String {
    let instant = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX);
    instant.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S.%3f%z").to_string()
}

/// The milliseconds since 1970 that a text means, and those of the first instant that it does not
/// mean any more: a day means all of it, in UTC.
pub(crate) fn read(text: &str) -> Option<(i64, i64)> {
    if let Ok(day) = text.parse::<Date>()
        && text.len() == 10
    {
        let start =
            |day: Date| Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond());
        let next = day.checked_add(1.day()).ok()?;
        return Some((start(day)?, start(next)?));
    }
    let instant = text.parse::<Timestamp>().ok().or_else(|| with_plain_offset(text))?;
    let ms = instant.as_millisecond();
    // What has no fraction means the whole second.
    let length = if text.contains('.') { 1 } else { 1000 };
    Some((ms, ms.saturating_add(length)))
}

/// An offset without a colon, as in `+0000`.
fn with_plain_offset(text: &str) -> Option<Timestamp> {
    let read = strtime::parse("%Y-%m-%dT%H:%M:%S%.f%z", text).ok()?;
    read.to_timestamp().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_shown_as_the_vendor_does() {
        assert_eq!(show(1_431_558_509_000), "2015-05-13T23:08:29.000+0000");
        assert_eq!(show(1_431_558_509_045), "2015-05-13T23:08:29.045+0000");
        assert_eq!(show(0), "1970-01-01T00:00:00.000+0000");
    }

    #[test]
    fn instants_are_read_in_every_form_that_clients_write() {
        let second = 1_431_558_509_000;
        for (text, expected) in [
            ("2015-05-13T23:08:29.000+0000", Some((second, second + 1))),
            ("2015-05-13T23:08:29+0000", Some((second, second + 1000))),
            ("2015-05-13T23:08:29Z", Some((second, second + 1000))),
            ("2015-05-14T01:08:29.000+02:00", Some((second, second + 1))),
            ("2015-05-13T21:08:29-0200", Some((second, second + 1000))),
            ("1970-01-02", Some((86_400_000, 172_800_000))),
            ("2015-05-13 ", None),
            ("2015-02-30", None),
            ("23:08", None),
            ("", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_shown_is_read_again() {
        for ms in [0, 1, 999, 1_431_558_509_045, 4_102_444_799_999] {
            assert_eq!(read(&show(ms)), Some((ms, ms + 1)));
        }
    }
}
