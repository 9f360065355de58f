//! What is not enforced passes and is told.

use super::*;

fn shadowed(enforced: Enforced) -> Limits {
    Limits {
        service: Limit::Closed,
        method_qps: Limit::Closed,
        qps: Limit::Closed,
        method_quota: Limit::Closed,
        quota: Limit::Closed,
        concurrency: Limit::Closed,
        enforced,
        ..Limits::default()
    }
}

fn codes(shadow: Shadow) -> Vec<Refusal> {
    shadow.refusals().collect()
}

#[test]
fn what_is_not_enforced_passes_and_is_told() {
    let none = Enforced::NOTHING;
    let permit = ask(&World::new(shadowed(none)), at(0)).unwrap();
    let all =
        [Refusal::ServiceOverQps, Refusal::OverQps, Refusal::OverQuota, Refusal::OverConcurrency];
    assert_eq!(codes(permit.shadow()), all);
    // Each limit refuses again as soon as it is enforced, whatever is shadowed beside it.
    for (enforced, expected) in [
        (Enforced { service: true, ..none }, Refusal::ServiceOverQps),
        (Enforced { method_qps: true, ..none }, Refusal::OverQps),
        (Enforced { qps: true, ..none }, Refusal::OverQps),
        (Enforced { method_quota: true, ..none }, Refusal::OverQuota),
        (Enforced { quota: true, ..none }, Refusal::OverQuota),
        (Enforced { concurrency: true, ..none }, Refusal::OverConcurrency),
    ] {
        assert_eq!(refusal(&World::new(shadowed(enforced)), at(0)), Some(expected));
    }
    assert!(ask(&World::new(Limits::default()), at(0)).unwrap().shadow().is_empty());
}

#[test]
fn terms_that_are_not_enforced_open_everything_under_the_limits_of_the_key() {
    let enforced = Enforced { terms: false, ..Enforced::ALL };
    let mut world = World::new(Limits { quota: daily(2), enforced, ..Limits::default() });
    let elsewhere = Route { endpoint: EndpointId(1), ..ROUTE };
    let permit = ask_for(&world, KEY, &elsewhere, at(0)).unwrap();
    assert_eq!(codes(permit.shadow()), [Refusal::NotEntitled]);
    // A service of which they open nothing.
    let mut terms = terms(Limits { quota: daily(2), enforced, ..Limits::default() });
    terms.grants[0].service = ServiceId(7);
    let batch =
        |terms| Batch { terms: vec![(TermsId(0), Some(Arc::new(terms)))], ..Batch::default() };
    world.publish(batch(terms.clone()));
    let permit = ask(&world, at(0)).unwrap();
    assert_eq!(codes(permit.shadow()), [Refusal::NotEntitled]);
    assert_eq!(refusal(&world, at(0)), Some(Refusal::OverQuota), "both have counted");
    terms.enforced = true;
    world.publish(batch(terms));
    assert_eq!(refusal(&world, at(0)), Some(Refusal::NotEntitled));
}

#[test]
fn the_state_of_a_key_is_enforced_whatever_the_terms_say() {
    let mut world = World::new(shadowed(Enforced::NOTHING));
    let unknown = ask_for(&world, b"another", &ROUTE, at(0)).unwrap_err();
    assert_eq!(unknown.refusal, Refusal::KeyUnknown);
    let record = Record { status: Status::Suspended, ..world.record };
    world.publish(Batch { keys: vec![Change::Put(record)], ..Batch::default() });
    assert_eq!(refusal(&world, at(0)), Some(Refusal::KeySuspended));
    let mut inactive = terms(shadowed(Enforced::NOTHING));
    inactive.grants[0].active = false;
    world.publish(Batch {
        keys: vec![Change::Put(world.record)],
        terms: vec![(TermsId(0), Some(Arc::new(inactive)))],
        ..Batch::default()
    });
    assert_eq!(refusal(&world, at(0)), Some(Refusal::PlanInactive));
}

#[test]
fn a_shadowed_limit_spends_nothing_on_what_it_would_have_refused() {
    let mut world = World::new(Limits {
        qps: qps(1, 2),
        quota: daily(5),
        concurrency: Limit::Ceiling(3),
        enforced: Enforced { qps: false, concurrency: false, ..Enforced::ALL },
        ..Limits::default()
    });
    let open: Vec<_> = (0..5).map(|_| ask(&world, at(1)).unwrap()).collect();
    let over: Vec<_> = open.iter().map(|permit| codes(permit.shadow())).collect();
    let (late, later) = (vec![Refusal::OverQps], vec![Refusal::OverQps, Refusal::OverConcurrency]);
    assert_eq!(over, [vec![], vec![], late, later.clone(), later]);
    assert_eq!(refusal(&world, at(1)), Some(Refusal::OverQuota), "the quota has counted all five");
    // What would be refused is told as a refusal would tell it.
    let remaining: Vec<_> =
        open[4].readings().iter().map(|(_, reading)| reading.remaining).collect();
    assert_eq!(remaining, [0, 0]);
    // Enforced from here on: as if only what it admitted had ever come.
    drop(open);
    world.publish(world.batch(Limits {
        qps: qps(1, 2),
        concurrency: Limit::Ceiling(1),
        ..Limits::default()
    }));
    let _first = ask(&world, at(2)).unwrap();
    assert_eq!(refusal(&world, at(2)), Some(Refusal::OverQps));
    assert_eq!(refusal(&world, at(3)), Some(Refusal::OverConcurrency));
}
