//! Windows that quotas are counted in.

/// What a quota is counted over. Windows are aligned to UTC (design decision 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Period {
    /// 60 seconds.
    Minute,
    /// 3,600 seconds.
    Hour,
    /// 86,400 seconds.
    Day,
    /// A calendar month.
    Month,
}

impl Period {
    /// The number of the window that holds `unix`, counted from 1970.
    #[must_use]
    pub fn window(self, unix: u64) -> u64 {
        match self {
            Self::Minute => unix / 60,
            Self::Hour => unix / 3600,
            Self::Day => unix / 86_400,
            Self::Month => month_of(unix / 86_400),
        }
    }

    /// The first second of `window`, since 1970.
    #[must_use]
    pub fn start(self, window: u64) -> u64 {
        match self {
            Self::Minute => window * 60,
            Self::Hour => window * 3600,
            Self::Day => window * 86_400,
            Self::Month => first_day_of(window) * 86_400,
        }
    }
}

/// Months since January 1970 of a day since 1970-01-01, by the civil calendar: years are counted
/// from March, so that the leap day is the last of its year.
fn month_of(day: u64) -> u64 {
    let shifted = day + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let months_since_year_0_march = (era * 400 + year_of_era) * 12 + month_from_march;
    // March of year 0 to January 1970.
    months_since_year_0_march - (1970 * 12 - 2)
}

/// The day since 1970-01-01 on which `month` (since January 1970) begins.
fn first_day_of(month: u64) -> u64 {
    let from_march = month + (1970 * 12 - 2);
    let (year, month) = (from_march / 12, from_march % 12);
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * month + 2) / 5;
    era * 146_097 + 365 * year_of_era + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_begin_when_the_calendar_says() {
        // date -u -d 1972-03-01 +%s and so on
        for (month, unix) in [
            (0, 0),
            (1, 2_678_400),
            (26, 68_256_000),
            (26 + 336, 951_868_800),
            (673, 1_769_904_000),
            (1560, 4_102_444_800),
        ] {
            assert_eq!(Period::Month.start(month), unix, "{month}");
            assert_eq!(Period::Month.window(unix), month);
            if let Some(before) = unix.checked_sub(1) {
                assert_eq!(Period::Month.window(before), month - 1);
            }
        }
    }
}
