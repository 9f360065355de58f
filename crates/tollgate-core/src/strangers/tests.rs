use core::net::{IpAddr, Ipv4Addr};
use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};

use proptest::prelude::*;

use super::{Guesser, Source, StrangerBudget, Strangers};
use crate::{Now, Qps, Refusal, Refused};

const SECOND: u64 = 1_000_000_000;

fn strangers(rate: u32, burst: u32, max_sources: usize) -> Strangers {
    let failures = Qps::new(rate.try_into().unwrap(), burst.try_into().unwrap());
    Strangers::new(StrangerBudget { failures, max_sources })
}

fn source(number: u32) -> Source {
    IpAddr::from(Ipv4Addr::from_bits(number)).into()
}

fn at(monotonic: u64) -> Now {
    Now { monotonic, unix_ms: 0 }
}

/// Whether a failed credential gets its plain answer.
fn plain(strangers: &Strangers, number: u32, now: u64) -> bool {
    let judged = strangers.judge(source(number), Refusal::KeyUnknown.into(), at(now));
    judged.refusal == Refusal::KeyUnknown
}

fn plain_of(strangers: &Strangers, number: u32, now: u64, failures: u32) -> u32 {
    (0..failures).map(|_| u32::from(plain(strangers, number, now))).sum()
}

#[test]
fn a_source_over_its_budget_is_told_when_to_come_back() {
    let strangers = strangers(1, 3, 10);
    assert_eq!(plain_of(&strangers, 1, SECOND, 3), 3);
    let over = strangers.judge(source(1), Refusal::KeyRevoked.into(), at(SECOND));
    assert_eq!((over.refusal, over.retry_after), (Refusal::SourceThrottled, Some(1)));
    assert!(plain(&strangers, 2, SECOND), "another source");
    assert!(plain(&strangers, 1, 2 * SECOND), "after a second");
    assert!(!plain(&strangers, 1, 2 * SECOND));
}

#[test]
fn everything_that_failed_counts_alike_and_nothing_else_does() {
    for refusal in Refusal::all() {
        let strangers = strangers(1, 1, 10);
        let judge = || strangers.judge(source(1), refusal.into(), at(SECOND)).refusal;
        assert_eq!(judge(), refusal);
        let counts = refusal.hidden() || refusal == Refusal::KeyMalformed;
        let expected = if counts { Refusal::SourceThrottled } else { refusal };
        assert_eq!(judge(), expected, "{}", refusal.code());
    }
}

#[test]
fn sources_beyond_the_cap_share_one_budget() {
    let strangers = strangers(1, 2, 3);
    for number in 0..3 {
        assert!(plain(&strangers, number, SECOND));
    }
    assert!(plain(&strangers, 3, SECOND) && plain(&strangers, 4, SECOND));
    assert!((5..1000).all(|number| !plain(&strangers, number, SECOND)));
    assert!(plain(&strangers, 0, SECOND), "who has a place keeps its budget");
    let counts = strangers.counts();
    assert_eq!((counts.sources, counts.overflowed), (3, 997));
}

#[test]
fn what_failed_without_a_place_stands_against_a_source_that_gets_one() {
    let strangers = strangers(1, 4, 1);
    assert!(plain(&strangers, 0, SECOND));
    assert_eq!(plain_of(&strangers, 1, SECOND, 100), 4);
    strangers.sweep(2 * SECOND);
    assert_eq!(strangers.counts().sources, 0);
    assert_eq!(plain_of(&strangers, 1, 2 * SECOND, 100), 1);
    assert_eq!(strangers.counts().sources, 1);
}

#[test]
fn a_source_that_has_recovered_gives_up_its_place() {
    let strangers = strangers(1, 3, 10);
    assert_eq!(plain_of(&strangers, 1, SECOND, 2), 2);
    strangers.sweep(2 * SECOND);
    assert_eq!(strangers.counts().sources, 1);
    strangers.sweep(3 * SECOND);
    assert_eq!(strangers.counts().sources, 0);
    // It reads the clock before the sweep did: still not more than the burst.
    assert_eq!(plain_of(&strangers, 1, 2 * SECOND, 9), 2);
}

#[test]
fn a_guesser_is_told_of_once_a_minute_and_until_it_is_quiet() {
    let strangers = strangers(1, 2, 10);
    assert_eq!(plain_of(&strangers, 1, SECOND, 2), 2);
    assert_eq!(strangers.sweep(SECOND).guessers, [], "within its budget");
    assert_eq!(plain_of(&strangers, 1, SECOND, 5), 0);
    let told = |at: u64| strangers.sweep(at * SECOND).guessers;
    assert_eq!(told(2), [Guesser { source: source(1), failed: 7, throttled: 5 }]);
    let counts = strangers.counts();
    assert_eq!((counts.guessing, counts.guessers), (1, 1));
    assert_eq!(plain_of(&strangers, 1, 3 * SECOND, 6), 2);
    assert_eq!(told(4), []);
    assert_eq!(told(61), []);
    assert_eq!(told(62), [Guesser { source: source(1), failed: 6, throttled: 4 }]);
    assert_eq!(told(121), []);
    assert_eq!(strangers.counts().guessing, 1);
    assert_eq!(told(122), []);
    let counts = strangers.counts();
    assert_eq!((counts.sources, counts.guessing, counts.guessers), (0, 0, 1));
}

#[test]
fn a_crowd_of_guessers_is_told_of_in_few_words() {
    let strangers = strangers(1, 1, 1000);
    for number in 0..500 {
        plain_of(&strangers, number, SECOND, 2);
    }
    let swept = strangers.sweep(SECOND);
    assert_eq!((swept.guessers.len(), swept.more), (10, 490));
    assert_eq!(strangers.counts().guessers, 500);
    assert_eq!(strangers.sweep(2 * SECOND), super::Swept::default());
}

#[test]
fn memory_is_given_back_after_a_flood() {
    let strangers = strangers(1, 1, 100_000);
    for number in 0..100_000 {
        plain(&strangers, number, SECOND);
    }
    let flooded = strangers.held.capacity();
    strangers.sweep(3 * SECOND);
    assert_eq!(strangers.counts().sources, 0);
    assert!(strangers.held.capacity() * 10 < flooded, "{flooded}");
}

/// Every source counted by itself, and nothing ever dropped.
#[derive(Default)]
struct Naive(HashMap<u32, Vec<u64>>);

impl Naive {
    /// Whether one more at `now` keeps every stretch of the history within burst + rate · w.
    fn plain(&mut self, number: u32, now: u64, rate: u32, burst: u32) -> bool {
        let times = self.0.entry(number).or_default();
        let interval = SECOND.div_ceil(u64::from(rate));
        let fits = times.iter().rev().zip(1u64..).all(|(then, between)| {
            between < u64::from(burst) || now - then >= (between + 1 - u64::from(burst)) * interval
        });
        if fits {
            times.push(now);
        }
        fits
    }
}

proptest! {
    /// Sweeps are not to be seen in any answer, whenever they come.
    #[test]
    fn matches_a_history_that_forgets_nothing(
        rate in 1u32..50,
        burst in 1u32..8,
        steps in proptest::collection::vec(
            (0u64..300_000_000, 0u32..6, 1u32..12, any::<bool>()), 1..80),
    ) {
        let strangers = strangers(rate, burst, 6);
        let mut naive = Naive::default();
        let mut now = SECOND;
        for (pause, number, failures, sweep) in steps {
            now += pause;
            for _ in 0..failures {
                let expected = naive.plain(number, now, rate, burst);
                prop_assert_eq!(plain(&strangers, number, now), expected);
            }
            if sweep {
                strangers.sweep(now);
            }
        }
    }

    /// However few places there are, no source passes its budget and no more are held.
    #[test]
    fn no_source_passes_its_budget_whatever_the_cap(
        rate in 1u32..50,
        burst in 1u32..8,
        max_sources in 1usize..5,
        steps in proptest::collection::vec(
            (0u64..300_000_000, 0u32..10, 1u32..12, any::<bool>()), 1..120),
    ) {
        let strangers = strangers(rate, burst, max_sources);
        let mut naive = Naive::default();
        let mut now = SECOND;
        for (pause, number, failures, sweep) in steps {
            now += pause;
            for _ in 0..failures {
                if plain(&strangers, number, now) {
                    prop_assert!(naive.plain(number, now, rate, burst), "source {}", number);
                }
            }
            prop_assert!(strangers.held.len() <= max_sources);
            if sweep {
                strangers.sweep(now);
            }
        }
    }
}

/// Threads, with a sweep between any two of their steps: exactly the burst at one instant, and
/// never more than burst + rate · t while the clock moves.
#[test]
fn many_threads_share_one_exact_budget() {
    const SOURCES: u32 = 8;
    const BURST: u32 = 100;
    let strangers = strangers(10, BURST, 100);
    let (clock, done) = (AtomicU64::new(SECOND), AtomicBool::new(false));
    let counts: Vec<_> = (0..SOURCES).map(|_| AtomicU64::new(0)).collect();
    let flood = || {
        for round in 0..SOURCES * 200 {
            let number = round % SOURCES;
            if plain(&strangers, number, clock.load(Relaxed)) {
                counts[number as usize].fetch_add(1, Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Relaxed) {
                strangers.sweep(clock.load(Relaxed));
            }
        });
        let mut due = u64::from(BURST);
        for _ in 0..20 {
            std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(flood))));
            for count in &counts {
                assert_eq!(count.load(Relaxed), due);
            }
            clock.fetch_add(SECOND, Relaxed);
            due += 10;
        }
        // All at once: the clock moves while they flood.
        std::thread::scope(|scope| {
            (0..4).for_each(|_| drop(scope.spawn(flood)));
            for _ in 0..50 {
                clock.fetch_add(SECOND / 50, Relaxed);
            }
        });
        done.store(true, Relaxed);
    });
    for count in &counts {
        assert!(count.load(Relaxed) <= u64::from(BURST) + 10 * 21, "{counts:?}");
    }
}

#[test]
fn many_threads_never_hold_more_than_the_cap() {
    let strangers = strangers(10, 5, 50);
    let done = AtomicBool::new(false);
    let plain_by: Vec<_> = (0..400).map(|_| AtomicU64::new(0)).collect();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Relaxed) {
                strangers.sweep(SECOND);
                assert!(strangers.held.len() <= 50);
            }
        });
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        for (number, count) in (0u32..).zip(&plain_by) {
                            count.fetch_add(u64::from(plain(&strangers, number, SECOND)), Relaxed);
                        }
                    }
                });
            }
        });
        done.store(true, Relaxed);
    });
    let counts = strangers.counts();
    assert_eq!((strangers.held.len(), counts.sources), (50, 50));
    let total: u64 = plain_by.iter().map(|count| count.load(Relaxed)).sum();
    assert_eq!(total, 50 * 5 + 5, "each place its burst, and all others one");
    assert!(plain_by.iter().all(|count| count.load(Relaxed) <= 5));
}

#[test]
fn a_refusal_that_is_no_failed_credential_keeps_all_that_it_says() {
    let strangers = strangers(1, 1, 1);
    let refused = Refused { retry_after: Some(7), ..Refusal::OverQps.into() };
    let judged = strangers.judge(source(1), refused, at(SECOND));
    assert_eq!((judged.refusal, judged.retry_after), (Refusal::OverQps, Some(7)));
    assert_eq!(strangers.counts().sources, 0);
}
