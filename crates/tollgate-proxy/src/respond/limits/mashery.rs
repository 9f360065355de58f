//! `X-Plan-QPS-Allotted` and the like: ceiling, used and end of the window, each limit under the
//! name of whose it is.

use std::fmt::Write;

use http::{HeaderMap, HeaderName};
use jiff::Timestamp;
use tollgate_core::{LimitSource, Now, Reading, ReadingKind, Readings};

use super::number;
use crate::arena::Arena;

/// The fields of one limit.
struct Names {
    allotted: HeaderName,
    current: HeaderName,
    /// Of quotas only.
    reset: Option<HeaderName>,
}

const fn qps(allotted: &'static str, current: &'static str) -> Names {
    Names { allotted: name(allotted), current: name(current), reset: None }
}

const fn quota(allotted: &'static str, current: &'static str, reset: &'static str) -> Names {
    Names { allotted: name(allotted), current: name(current), reset: Some(name(reset)) }
}

const fn name(name: &'static str) -> HeaderName {
    HeaderName::from_static(name)
}

/// Made when the program is: a request only copies them.
fn names(kind: ReadingKind) -> Names {
    use LimitSource::{Key, Plan};
    match kind {
        ReadingKind::Qps(Plan) => const { qps("x-plan-qps-allotted", "x-plan-qps-current") },
        ReadingKind::Qps(Key) => {
            const { qps("x-packagekey-qps-allotted", "x-packagekey-qps-current") }
        }
        ReadingKind::Quota(Plan) => {
            const { quota("x-plan-quota-allotted", "x-plan-quota-current", "x-plan-quota-reset") }
        }
        ReadingKind::Quota(Key) => {
            const {
                quota(
                    "x-packagekey-quota-allotted",
                    "x-packagekey-quota-current",
                    "x-packagekey-quota-reset",
                )
            }
        }
        ReadingKind::MethodQps => {
            const { qps("x-planmethod-qps-allotted", "x-planmethod-qps-current") }
        }
        // The end of a method's window has a name of another pattern.
        ReadingKind::MethodQuota => {
            const {
                quota(
                    "x-planmethod-quota-allotted",
                    "x-planmethod-quota-current",
                    "x-method-quota-reset",
                )
            }
        }
    }
}

pub(super) fn tell(arena: &mut Arena, headers: &mut HeaderMap, readings: &Readings, now: Now) {
    for (kind, reading) in readings.iter() {
        let Names { allotted, current, reset } = names(*kind);
        number(arena, headers, allotted, reading.ceiling);
        number(arena, headers, current, used(reading));
        if let Some(reset) = reset {
            instant(arena, headers, reset, now.unix() + reading.reset);
        }
    }
}

/// What is used of the ceiling: as much as is not left. A bucket knows no count of calls in a
/// second; this one says the ceiling just where the next call would be refused, whatever the burst.
fn used(reading: &Reading) -> u64 {
    reading.ceiling.saturating_sub(reading.remaining)
}

fn instant(arena: &mut Arena, headers: &mut HeaderMap, name: HeaderName, unix: u64) {
    let Some(instant) = i64::try_from(unix).ok().and_then(|unix| Timestamp::from_second(unix).ok())
    else {
        return;
    };
    let value = arena.build(|to| {
        // A buffer that grows takes whatever is written.
        let _ = write!(to, "{}", instant.strftime("%A, %B %-d, %Y %I:%M:%S %p GMT"));
    });
    if let Some(value) = value {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(unix: u64) -> String {
        let mut headers = HeaderMap::new();
        let name = HeaderName::from_static("x-plan-quota-reset");
        instant(&mut Arena::default(), &mut headers, name.clone(), unix);
        headers[name].to_str().unwrap().to_owned()
    }

    #[test]
    fn an_end_is_worded_as_it_was_seen() {
        // date -u -d 2017-06-06 +%s and so on
        assert_eq!(shown(1_496_707_200), "Tuesday, June 6, 2017 12:00:00 AM GMT");
        assert_eq!(shown(1_469_836_800), "Saturday, July 30, 2016 12:00:00 AM GMT");
        assert_eq!(
            shown(1_469_836_800 + 13 * 3600 + 62),
            "Saturday, July 30, 2016 01:01:02 PM GMT"
        );
    }

    #[test]
    fn what_is_used_is_what_is_not_left() {
        let reading = Reading { ceiling: 10, quota: 10, window: 1, remaining: 10, reset: 1 };
        for (ceiling, remaining, expected) in [(10, 9, 1), (10, 0, 10), (10, 15, 0), (2, 0, 2)] {
            assert_eq!(used(&Reading { ceiling, remaining, ..reading }), expected);
        }
    }
}
