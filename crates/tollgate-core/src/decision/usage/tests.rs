use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use crate::fixture::{KEY, Limits, ROUTE, World, at, qps};
use crate::{
    Batch, Call, CallKey, Change, Clock, Decider, Decision, Limit, Now, Period, Permit, Quota,
    Record, Refusal, Status, Watch,
};

struct Stopped(Now);

impl Clock for Stopped {
    fn now(&self) -> Now {
        self.0
    }
}

fn decider(world: &World, second: u64) -> Decider {
    Decider::new(world.reader.clone(), Arc::new(Stopped(at(second))))
}

fn call(world: &World, second: u64) -> Result<Permit, Refusal> {
    let root = world.reader.current().unwrap();
    let call = Call::new(CallKey::Presented(KEY), &ROUTE, Some(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    match decider(world, second).decide(&root, &call, at(second)) {
        Decision::Admit(permit, _) => Ok(permit),
        Decision::Refuse(refused, _) => Err(refused.refusal),
    }
}

fn quota(ceiling: u64) -> Limit<Quota> {
    Limit::Ceiling(Quota { ceiling, period: Period::Hour })
}

#[test]
fn usage_says_what_was_used_and_uses_nothing() {
    let world = World::new(Limits {
        qps: qps(5, 5),
        quota: quota(10),
        method_quota: quota(7),
        concurrency: Limit::Ceiling(4),
        ..Limits::default()
    });
    let permits: Vec<_> = (0..3).map(|_| call(&world, 0).unwrap()).collect();
    let root = world.reader.current().unwrap();
    for _ in 0..2 {
        let usage = decider(&world, 0).usage(&root, &world.record, at(0)).unwrap();
        assert_eq!((usage.open, usage.concurrency), (Some(3), Limit::Ceiling(4)));
        let [grant] = &usage.grants[..] else { panic!("{usage:?}") };
        let used = |limit: &Option<crate::LimitState>| {
            let limit = limit.as_ref().unwrap();
            (limit.ceiling, limit.used, limit.reading.unwrap().remaining, limit.admits)
        };
        assert_eq!(used(&grant.qps), (5, 3, 2, true));
        assert_eq!(used(&grant.quota), (10, 3, 7, true));
        let [(_, [None, method])] = &grant.methods[..] else { panic!("{grant:?}") };
        assert_eq!(used(method), (7, 3, 4, true));
    }
    drop(permits);
    let later = decider(&world, 3600).usage(&root, &world.record, at(3600)).unwrap();
    assert_eq!(later.open, Some(0));
    assert_eq!(later.grants[0].quota.unwrap().used, 0, "another window");
}

#[test]
fn no_limit_is_not_a_limit_of_nothing() {
    let world = World::new(Limits { quota: Limit::Closed, ..Limits::default() });
    let root = world.reader.current().unwrap();
    let usage = decider(&world, 0).usage(&root, &world.record, at(0)).unwrap();
    assert_eq!(usage.open, None);
    assert!(usage.grants[0].qps.is_none());
    let closed = usage.grants[0].quota.unwrap();
    assert_eq!((closed.ceiling, closed.used, closed.admits), (0, 0, false));
}

#[test]
fn a_key_was_last_used_when_it_was_last_admitted() {
    let mut world = World::new(Limits { quota: quota(2), ..Limits::default() });
    let last = |world: &World, number| {
        world.reader.meters().last_use(world.record.meter, number).map(|unix| unix - at(0).unix())
    };
    assert_eq!(last(&world, 1), None);
    call(&world, 3).unwrap();
    call(&world, 5).unwrap();
    assert_eq!(call(&world, 9).unwrap_err(), Refusal::OverQuota);
    assert_eq!(last(&world, 1), Some(5), "a refused call is no use");
    // Its successor has the same counters and a last use of its own; any swap leaves both.
    let successor = Record { number: 2, ..world.record };
    world.publish(Batch { keys: vec![Change::Put(successor)], ..Batch::default() });
    call(&world, 3600).unwrap();
    assert_eq!((last(&world, 1), last(&world, 2)), (Some(5), Some(3600)));
    let suspended = Record { status: Status::Suspended, ..successor };
    world.publish(Batch { keys: vec![Change::Put(suspended)], ..Batch::default() });
    assert_eq!(call(&world, 4000).unwrap_err(), Refusal::KeySuspended);
    assert_eq!(last(&world, 2), Some(3600));
}

#[test]
fn a_call_from_the_threshold_on_says_that_the_quota_is_nearly_used_up() {
    let watch = Watch { near_quota: 3, over_quota: true, ..Watch::NOTHING };
    let mut world = World::new(Limits { quota: quota(4), watch, ..Limits::default() });
    let near: Vec<_> = (0..4).map(|_| call(&world, 0).unwrap().near_quota()).collect();
    assert_eq!(near, [false, false, true, true]);
    let refused = call(&world, 0).unwrap_err();
    assert_eq!(watch.of_refusal(refused), Some(crate::MeterEvent::OverQuota));
    assert_eq!(watch.of_refusal(Refusal::OverQps), None);
    assert!(!call(&world, 3600).unwrap().near_quota(), "another window");
    let unwatched = Limits { quota: quota(4), ..Limits::default() };
    world.publish(world.batch(unwatched));
    assert!((0..3).all(|_| !call(&world, 3600).unwrap().near_quota()));
}
