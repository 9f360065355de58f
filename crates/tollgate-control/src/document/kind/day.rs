//! Dates and instants.

use std::fmt;

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;
use toml::value::{Datetime, Offset};

use super::{Kind, Misfit};
use crate::document::Value;

/// A date or an instant, as TOML writes them or as a string of either form.
#[derive(Clone, Copy, Debug)]
pub struct Day;

/// What [`Day`] reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instant {
    /// A whole UTC day, by its first second since 1970.
    Day(i64),
    /// A second since 1970.
    Second(i64),
}

impl Instant {
    /// The first second, since 1970.
    pub fn start(self) -> i64 {
        match self {
            Self::Day(second) | Self::Second(second) => second,
        }
    }

    /// The first second that is past it when it is read as the last day, or as the end: a day holds
    /// through its last second, an instant ends what it names.
    pub fn end(self) -> i64 {
        const DAY: i64 = 86_400;
        match self {
            Self::Day(second) => second + DAY,
            Self::Second(second) => second,
        }
    }
}

impl Kind for Day {
    type Value = Instant;

    fn expected(&self) -> String {
        "a date such as 2027-01-31 or an instant such as 2027-01-31T12:00:00Z".to_owned()
    }

    fn read(&self, value: &Value) -> Result<Instant, Misfit> {
        match value {
            Value::Datetime(time) => instant(time),
            Value::String(text) => {
                let time = text.parse().map_err(|error| Misfit::because(format!("{error}")))?;
                instant(&time)
            }
            _ => Err(Misfit::plain()),
        }
    }

    fn show(&self, value: &Instant) -> String {
        value.to_string()
    }
}

/// As it is read.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = Timestamp::from_second(self.start()).unwrap_or_default();
        match self {
            Self::Day(_) => TimeZone::UTC.to_datetime(time).date().fmt(f),
            Self::Second(_) => time.fmt(f),
        }
    }
}

fn instant(time: &Datetime) -> Result<Instant, Misfit> {
    let out_of_range = |_| Misfit::because("which is out of range");
    let date = time.date.ok_or_else(|| Misfit::because("which has no date"))?;
    let date = civil::Date::new(
        i16::try_from(date.year).map_err(|_| Misfit::plain())?,
        i8::try_from(date.month).map_err(|_| Misfit::plain())?,
        i8::try_from(date.day).map_err(|_| Misfit::plain())?,
    )
    .map_err(out_of_range)?;
    let Some(clock) = time.time else {
        return second(date.at(0, 0, 0, 0), 0).map(Instant::Day);
    };
    let offset = match time.offset {
        Some(Offset::Z) => 0,
        Some(Offset::Custom { minutes }) => minutes,
        None => return Err(Misfit::because("which has no offset (Z for UTC)")),
    };
    if clock.nanosecond.is_some_and(|fraction| fraction > 0) {
        return Err(Misfit::because("which has a fraction of a second"));
    }
    let clock = civil::Time::new(
        i8::try_from(clock.hour).map_err(|_| Misfit::plain())?,
        i8::try_from(clock.minute).map_err(|_| Misfit::plain())?,
        i8::try_from(clock.second.unwrap_or_default()).map_err(|_| Misfit::plain())?,
        0,
    )
    .map_err(out_of_range)?;
    second(date.to_datetime(clock), offset).map(Instant::Second)
}

fn second(time: civil::DateTime, offset_minutes: i16) -> Result<i64, Misfit> {
    let utc = TimeZone::UTC.to_timestamp(time);
    let utc = utc.map_err(|_| Misfit::because("which is out of range"))?;
    Ok(utc.as_second() - 60 * i64::from(offset_minutes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Instant, Misfit> {
        Day.read(&Value::String(text.to_owned()))
    }

    #[test]
    fn a_date_holds_through_its_last_second() {
        let date = read("2027-01-01").unwrap();
        assert_eq!(date, Instant::Day(1_798_761_600));
        assert_eq!(date.end(), read("2027-01-02T00:00:00Z").unwrap().start());
        assert_eq!(Day.show(&date), "2027-01-01");
    }

    #[test]
    fn an_instant_is_that_instant() {
        let utc = read("2027-01-01T12:00:00Z").unwrap();
        assert_eq!(utc, Instant::Second(1_798_804_800));
        assert_eq!(read("2027-01-01T13:30:00+01:30").unwrap(), utc);
        assert_eq!(utc.end(), utc.start());
        assert_eq!(Day.show(&utc), "2027-01-01T12:00:00Z");
    }

    #[test]
    fn what_is_neither_is_refused() {
        let wrong = [
            "",
            "soon",
            "12:00:00",
            "2027-02-30",
            "2027-01-01T12:00:00",
            "2027-01-01T12:00:00.5Z",
            "2027-01-01T12:00:60Z",
            "0000-00-00",
        ];
        for text in wrong {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
