//! What becomes of a call.

mod callers;
mod shadowed;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use super::*;
use crate::fixture::{Enforced, KEY, Limits, ROUTE, World, at, qps, terms};
use crate::{
    Batch, CertificateFingerprint, Change, EndpointId, FrontId, Limit, LimitSource, LineTag,
    MethodId, Network, Networks, Owner, OwnerId, Period, Quota, Revision, Route, Scheme, ServiceId,
    Status, TermsId,
};

/// Where calls come from.
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn ask(world: &World, now: Now) -> Result<Permit, Refused> {
    ask_for(world, KEY, &ROUTE, now)
}

fn ask_for(world: &World, key: &[u8], route: &Route, now: Now) -> Result<Permit, Refused> {
    let root = world.reader.current().unwrap();
    let decider = Decider::new(world.reader.clone(), Arc::new(Stopped(now)));
    match decider.decide(&root, &Call::new(CallKey::Presented(key), route, Some(HERE)), now) {
        Decision::Admit(permit, _) => Ok(permit),
        Decision::Refuse(refused, _) => Err(refused),
    }
}

fn refusal(world: &World, now: Now) -> Option<Refusal> {
    ask(world, now).err().map(|refused| refused.refusal)
}

/// A clock that stands still.
struct Stopped(Now);

impl Clock for Stopped {
    fn now(&self) -> Now {
        self.0
    }
}

/// A clock that a test moves.
struct Moved {
    monotonic: AtomicU64,
    /// Milliseconds since 1970 when it began.
    unix_ms: u64,
}

impl Moved {
    fn begin(unix_ms: u64) -> Self {
        Self { monotonic: AtomicU64::new(1), unix_ms }
    }
}

impl Clock for Moved {
    fn now(&self) -> Now {
        let monotonic = self.monotonic.load(SeqCst);
        Now { monotonic, unix_ms: self.unix_ms + monotonic / 1_000_000 }
    }
}

fn daily(ceiling: u64) -> Limit<Quota> {
    Limit::Ceiling(Quota { ceiling, period: Period::Day })
}

#[test]
fn nothing_is_decided_after_the_lease() {
    let world = World::new(Limits::default());
    let end = at(5);
    world.writer.lease_until(end.monotonic);
    assert_eq!(refusal(&world, Now { monotonic: end.monotonic - 1, ..end }), None);
    assert_eq!(refusal(&world, end), Some(Refusal::SnapshotStale));
    world.writer.lease_until(u64::MAX);
    assert_eq!(refusal(&world, end), None);
}

#[test]
fn every_state_has_its_refusal() {
    let mut world = World::new(Limits::default());
    assert_eq!(refusal(&world, at(0)), None);
    let unknown = ask_for(&world, b"another", &ROUTE, at(0)).unwrap_err();
    assert_eq!(unknown.refusal, Refusal::KeyUnknown);
    let start = u32::try_from(at(10).unix()).unwrap();
    for (record, expected) in [
        (Record { status: Status::Waiting, ..world.record }, Refusal::KeyPending),
        (Record { status: Status::Suspended, ..world.record }, Refusal::KeySuspended),
        (Record { status: Status::Revoked, ..world.record }, Refusal::KeyRevoked),
        (Record { not_before: start + 1, ..world.record }, Refusal::KeyNotYetValid),
        (Record { not_after: start, ..world.record }, Refusal::KeyExpired),
    ] {
        world.publish(Batch { keys: vec![Change::Put(record)], ..Batch::default() });
        assert_eq!(refusal(&world, at(10)), Some(expected));
    }
    let suspended = Owner { application: "acme".into(), active: false };
    world.publish(Batch {
        keys: vec![Change::Put(world.record)],
        owners: vec![(OwnerId(0), Some(Arc::new(suspended)))],
        ..Batch::default()
    });
    assert_eq!(refusal(&world, at(10)), Some(Refusal::OwnerInactive));
}

#[test]
fn a_key_works_through_its_last_second() {
    let mut world = World::new(Limits::default());
    let end = u32::try_from(at(10).unix()).unwrap();
    let record = Record { not_after: end, not_before: end - 5, ..world.record };
    world.publish(Batch { keys: vec![Change::Put(record)], ..Batch::default() });
    let ends: Vec<_> = [4, 5, 9, 10].map(|second| refusal(&world, at(second))).into();
    assert_eq!(ends, [Some(Refusal::KeyNotYetValid), None, None, Some(Refusal::KeyExpired)]);
}

#[test]
fn a_clock_that_is_set_back_behind_what_was_told_revives_no_key_and_begins_no_quota_anew() {
    let mut world = World::new(Limits { quota: daily(2), ..Limits::default() });
    let told = at(100_000);
    let ended = Record { not_after: u32::try_from(at(100_010).unix()).unwrap(), ..world.record };
    let later = |seconds: u64| told.monotonic + seconds * 1_000_000_000;
    // By a wall clock that is a day behind.
    let set_back = |seconds| Now { monotonic: later(seconds), ..at(0) };
    assert_eq!([at(99_999), told].map(|now| refusal(&world, now)), [None, None]);
    world.writer.time_is(told);
    assert_eq!(refusal(&world, set_back(1)), Some(Refusal::OverQuota));
    world.publish(Batch { keys: vec![Change::Put(ended)], ..Batch::default() });
    assert_eq!(refusal(&world, set_back(9)), Some(Refusal::OverQuota));
    assert_eq!(refusal(&world, set_back(10)), Some(Refusal::KeyExpired));
    // Who has told it may have been wrong.
    world.writer.time_is(Now { monotonic: told.monotonic, ..at(0) });
    assert_eq!(refusal(&world, set_back(10)), None);
}

#[test]
fn what_the_plan_does_not_open_is_refused() {
    let world = World::new(Limits::default());
    for route in [
        Route { method: Some(MethodId(1)), ..ROUTE },
        Route { method: None, ..ROUTE },
        Route { endpoint: EndpointId(1), ..ROUTE },
    ] {
        let refused = ask_for(&world, KEY, &route, at(0)).unwrap_err();
        assert_eq!(refused.refusal, Refusal::NotEntitled);
    }
    let elsewhere = Route { front: FrontId(1), ..ROUTE };
    assert_eq!(
        ask_for(&world, KEY, &elsewhere, at(0)).unwrap_err().refusal,
        Refusal::RouteNotFound
    );
}

#[test]
fn limits_are_reported_in_their_order() {
    let closed = Limits {
        service: Limit::Closed,
        method_qps: Limit::Closed,
        qps: Limit::Closed,
        method_quota: Limit::Closed,
        quota: Limit::Closed,
        concurrency: Limit::Closed,
        ..Limits::default()
    };
    let open = Limits::default();
    for (limits, expected) in [
        (closed, Refusal::ServiceOverQps),
        (Limits { service: open.service, ..closed }, Refusal::OverQps),
        (Limits { quota: Limit::Closed, concurrency: Limit::Closed, ..open }, Refusal::OverQuota),
        (Limits { concurrency: Limit::Closed, ..open }, Refusal::OverConcurrency),
    ] {
        let refused = ask(&World::new(limits), at(0)).unwrap_err();
        assert_eq!((refused.refusal, refused.retry_after), (expected, None));
    }
}

#[test]
fn a_refused_call_spends_nothing_anywhere() {
    let world = World::new(Limits {
        service: qps(100, 100),
        qps: qps(50, 50),
        quota: daily(3),
        ..Limits::default()
    });
    let [_, _, last] = [(); 3].map(|()| ask(&world, at(1)).unwrap());
    let before: Vec<_> = last.readings().iter().copied().collect();
    for _ in 0..1000 {
        assert_eq!(refusal(&world, at(1)), Some(Refusal::OverQuota));
    }
    // A larger quota shows what the others have counted: three calls and this one.
    let mut world = world;
    world.publish(world.batch(Limits { quota: daily(9), qps: qps(50, 50), ..Limits::default() }));
    let permit = ask(&world, at(1)).unwrap();
    let after: Vec<_> = permit.readings().iter().map(|(_, reading)| reading.remaining).collect();
    assert_eq!(after, [46, 5]);
    assert_eq!(before.iter().map(|(_, reading)| reading.remaining).collect::<Vec<_>>(), [47, 0]);
}

#[test]
fn a_reading_says_whose_the_ceiling_is() {
    let world = World::new(Limits { qps: qps(50, 50), quota: daily(1), ..Limits::default() });
    let kinds = |readings: &Readings| readings.iter().map(|(kind, _)| *kind).collect::<Vec<_>>();
    let quota = ReadingKind::Quota(LimitSource::Key);
    let permit = ask(&world, at(1)).unwrap();
    assert_eq!(kinds(permit.readings()), [ReadingKind::Qps(LimitSource::Plan), quota]);
    let refused = ask(&world, at(1)).unwrap_err();
    assert_eq!(kinds(&refused.readings), [quota]);
}

/// Everything is closed, and nothing is enforced but what a test says.
#[test]
fn open_requests_are_counted_while_their_permits_live() {
    let world = World::new(Limits { concurrency: Limit::Ceiling(2), ..Limits::default() });
    let first = ask(&world, at(0)).unwrap();
    let _second = ask(&world, at(0)).unwrap();
    assert_eq!(refusal(&world, at(0)), Some(Refusal::OverConcurrency));
    drop(first);
    assert_eq!(refusal(&world, at(0)), None);
}

/// A greedy key asks ten times a millisecond, a polite one ten times a second. Together they may
/// have just what the service has, so a single refused call that spent something would show.
#[test]
fn a_greedy_key_takes_nothing_from_a_polite_one() {
    let mut world = World::new(Limits {
        service: qps(20, 20),
        qps: qps(10, 10),
        quota: daily(1_000_000),
        ..Limits::default()
    });
    let polite = Record {
        digest: Scheme::Sha256.digest(b"polite"),
        meter: world.writer.allot(&[LineTag(1)]).unwrap(),
        terms: TermsId(1),
        ..world.record
    };
    world.publish(Batch {
        keys: vec![Change::Put(polite)],
        terms: vec![(TermsId(1), Some(Arc::new(terms(Limits::default()))))],
        ..Batch::default()
    });
    let mut greedy = 0;
    for millisecond in 0..20_000 {
        let now = Now {
            monotonic: 1_000_000_000 + millisecond * 1_000_000,
            unix_ms: at(0).unix_ms + millisecond,
        };
        greedy += (0..10).filter(|_| ask(&world, now).is_ok()).count();
        if millisecond % 100 == 0 {
            let asked = ask_for(&world, b"polite", &ROUTE, now);
            assert!(asked.is_ok(), "refused in millisecond {millisecond}: {asked:?}");
        }
    }
    assert_eq!(greedy, 10 + 10 * 20 - 1);
}

/// Calls from eight threads, refusals of other kinds between them, and a swap every ten milliseconds.
/// The clock moves on by half a millisecond with every 64th call, up to `milliseconds`. Returns how
/// many calls were admitted without a shadow, and in how many nanoseconds.
fn storm(world: World, unix_ms: u64, milliseconds: u64) -> (u64, u64) {
    let World { mut writer, reader, record, .. } = world;
    let clock = Arc::new(Moved::begin(unix_ms));
    let decider = Decider::new(reader.clone(), Arc::clone(&clock) as Arc<dyn Clock>);
    let kinds: [(&[u8], Route, bool); 4] = [
        (KEY, ROUTE, true),
        (b"unknown", ROUTE, false),
        (KEY, ROUTE, true),
        (KEY, Route { method: None, ..ROUTE }, false),
    ];
    let (admitted, calls) = (AtomicU64::new(0), AtomicU64::new(0));
    let over = || clock.monotonic.load(SeqCst) > milliseconds * 1_000_000;
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut cache = reader.cache();
                for (key, route, entitled) in kinds.iter().cycle() {
                    if over() {
                        return;
                    }
                    let root = cache.load().unwrap();
                    let call = Call::new(CallKey::Presented(key), route, Some(HERE));
                    if let Decision::Admit(permit, _) = decider.decide(root, &call, clock.now()) {
                        assert!(entitled);
                        let admitted_by_all = permit.shadow().is_empty();
                        admitted.fetch_add(u64::from(admitted_by_all), SeqCst);
                    }
                    if calls.fetch_add(1, SeqCst) % 64 == 63 {
                        clock.monotonic.fetch_add(500_000, SeqCst);
                    }
                }
            });
        }
        for number in 2.. {
            if over() {
                return;
            }
            let batch = Batch { keys: vec![Change::Put(record)], ..Batch::default() };
            let revision = Revision { epoch: 1, number };
            writer.publish(batch, revision, 0, || unreachable!(), || ());
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    (admitted.into_inner(), clock.monotonic.load(SeqCst))
}

#[test]
fn qps_is_exact_from_eight_threads_with_swaps() {
    let world = World::new(Limits {
        service: qps(1_000_000, 1_000_000),
        qps: qps(2000, 100),
        ..Limits::default()
    });
    let (admitted, nanoseconds) = storm(world, 0, 5000);
    let bound = 100 + 2000 * nanoseconds / 1_000_000_000;
    assert!(admitted <= bound, "{admitted} of {bound}");
    assert!(admitted * 100 >= bound * 99, "{admitted} of {bound}");
}

#[test]
fn a_quota_is_exact_from_eight_threads_across_a_window() {
    let world = World::new(Limits {
        method_quota: Limit::Ceiling(Quota { ceiling: 1 << 30, period: Period::Hour }),
        qps: qps(1_000_000_000, 1_000_000_000),
        quota: Limit::Ceiling(Quota { ceiling: 5000, period: Period::Minute }),
        ..Limits::default()
    });
    // The minute ends half way through.
    assert_eq!(storm(world, 1_767_268_859_250, 1500).0, 10_000);
}

#[test]
fn a_shadowed_quota_is_exact_from_eight_threads_across_a_window() {
    let world = World::new(Limits {
        qps: qps(1_000_000_000, 1_000_000_000),
        quota: Limit::Ceiling(Quota { ceiling: 5000, period: Period::Minute }),
        enforced: Enforced { quota: false, ..Enforced::ALL },
        ..Limits::default()
    });
    // The minute ends half way through.
    assert_eq!(storm(world, 1_767_268_859_250, 1500).0, 10_000);
}

#[test]
fn a_shadowed_qps_limit_is_exact_from_eight_threads_with_swaps() {
    let world = World::new(Limits {
        service: qps(1_000_000, 1_000_000),
        qps: qps(2000, 100),
        enforced: Enforced { qps: false, ..Enforced::ALL },
        ..Limits::default()
    });
    let (admitted, nanoseconds) = storm(world, 0, 5000);
    let bound = 100 + 2000 * nanoseconds / 1_000_000_000;
    assert!(admitted <= bound, "{admitted} of {bound}");
    assert!(admitted * 100 >= bound * 99, "{admitted} of {bound}");
}

#[test]
fn an_explanation_is_the_decision_and_writes_to_no_meter() {
    let mut world = World::new(Limits { qps: qps(1, 1000), quota: daily(3), ..Limits::default() });
    for _ in 0..2 {
        ask(&world, at(1)).unwrap();
    }
    // A word that is left over from a longer reach: a decision would lower it.
    world.publish(world.batch(Limits { qps: qps(1000, 1), quota: daily(3), ..Limits::default() }));
    let word = || {
        let line = world.reader.meters().line(world.record.meter, LineTag::KEY).unwrap();
        let of = |word: &AtomicU64| word.load(SeqCst);
        (of(&line.qps), of(&line.quota), line.open.load(SeqCst))
    };
    let (before, root) = (word(), world.reader.current().unwrap());
    let decider = Decider::new(world.reader.clone(), Arc::new(Stopped(at(1))));
    let key = ExplainedKey::Presented(Digests::of(&root.schemes, KEY));
    let explained = decider.explain(&root, &key, &ROUTE, HERE, at(1));
    let refused = explained.verdict.unwrap_err();
    assert_eq!(word(), before);
    let decided = ask(&world, at(1)).unwrap_err();
    assert_ne!(word(), before, "the decision has lowered it");
    assert_eq!((refused.refusal, refused.retry_after), (decided.refusal, decided.retry_after));
    assert_eq!(explained.steps, ["key", "state", "entitlement"]);
    let limits: Vec<_> =
        explained.limits.iter().map(|limit| (limit.ceiling, limit.used, limit.admits)).collect();
    assert_eq!(limits, [(1000, 1, false), (3, 2, true)]);
}
