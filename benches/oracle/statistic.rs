//! Whether two ways take the same time, by what outliers do not move.

use std::fmt;

/// How many standard errors a difference must be to be one.
const SURE: f64 = 4.0;

/// The difference of two ways that were timed in pairs, in nanoseconds.
pub(crate) struct Difference {
    /// The median of the pairs' differences.
    pub(crate) median: f64,
    /// The standard error of that median, from the median absolute deviation.
    pub(crate) error: f64,
}

impl Difference {
    /// `pairs` are the differences, one each round.
    pub(crate) fn of(mut pairs: Vec<f64>) -> Self {
        let median = median(&mut pairs);
        let mut deviations: Vec<_> = pairs.iter().map(|pair| (pair - median).abs()).collect();
        // For a normal distribution the deviation is 1.4826 times this, and the error of a median
        // 1.2533 times that of a mean.
        let deviation = 1.4826 * self::median(&mut deviations);
        Self { median, error: 1.2533 * deviation / (pairs.len() as f64).sqrt() }
    }

    /// Whether it is more than the measurement makes of no difference at all.
    pub(crate) fn shows(&self, control: &Self) -> bool {
        self.median.abs() - control.median.abs() > SURE * self.error.max(control.error)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>8.1} ± {:>5.1} ns", self.median, self.error)
    }
}

pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
