//! `X-RateLimit-Limit`, `-Remaining` and `-Reset`, which hold one limit only: the nearest.

use std::cmp::Reverse;

use http::{HeaderMap, HeaderName};
use tollgate_core::{Reading, Readings};

use super::number;
use crate::arena::Arena;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

pub(super) fn tell(arena: &mut Arena, headers: &mut HeaderMap, readings: &Readings) {
    let Some(nearest) = nearest(readings.iter().map(|(_, reading)| reading)) else { return };
    number(arena, headers, LIMIT, nearest.quota);
    number(arena, headers, REMAINING, nearest.remaining);
    number(arena, headers, RESET, nearest.reset);
}

/// The limit with the fewest calls left; of two with as few, the one that takes longer to come
/// back.
fn nearest<'a>(readings: impl Iterator<Item = &'a Reading>) -> Option<&'a Reading> {
    readings.min_by_key(|reading| (reading.remaining, Reverse(reading.reset)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(remaining: u64, reset: u64) -> Reading {
        Reading { ceiling: 10, quota: 10, window: 60, remaining, reset }
    }

    #[test]
    fn the_nearest_limit_has_the_fewest_calls_left() {
        let table = [
            ([reading(9, 1), reading(3, 60)], reading(3, 60)),
            ([reading(2, 1), reading(3, 60)], reading(2, 1)),
            ([reading(0, 1), reading(0, 60)], reading(0, 60)),
        ];
        for (readings, expected) in table {
            assert_eq!(nearest(readings.iter()), Some(&expected));
        }
        assert_eq!(nearest([].iter()), None);
    }
}
