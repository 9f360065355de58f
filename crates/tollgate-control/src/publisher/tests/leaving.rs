//! Keys that go: what of them stays, how long, and that nothing stays for ever.

use std::time::Instant;

use tollgate_core::{Dead, Revision, Scheme};

use super::fixture::Gate;
use super::naive::{Key, Objects, Own, Period, Qps};
use crate::model::{Name, Owner};

const PATH: &str = "/b/x";

fn without_the_first() -> Objects {
    let mut objects = Objects::default();
    objects.keys.remove(&0);
    objects
}

#[test]
fn a_key_that_comes_back_within_its_window_goes_on_with_its_counters() {
    let mut gate = Gate::new();
    gate.publish(&Objects::default().toml());
    assert_eq!(gate.admitted("secret-0", PATH, 3), 3);
    gate.publish(&without_the_first().toml());
    gate.answer();
    gate.clock.advance(3_599_000);
    gate.reap();
    gate.publish(&Objects::default().toml());
    assert_eq!(gate.admitted("secret-0", PATH, 9), 2);
}

#[test]
fn the_window_of_a_longer_period_that_was_in_force_before_ends_first() {
    let mut gate = Gate::new();
    let mut objects = Objects::default();
    objects.plans[0].period = Period::Day;
    gate.publish(&objects.toml());
    assert_eq!(gate.admitted("secret-0", PATH, 3), 3);
    gate.publish(&Objects::default().toml());
    gate.publish(&without_the_first().toml());
    gate.answer();
    gate.clock.advance(2 * 3_600_000);
    gate.reap();
    gate.publish(&objects.toml());
    assert_eq!(gate.admitted("secret-0", PATH, 9), 2);
}

#[test]
fn a_burst_that_was_spent_is_not_there_again() {
    let mut objects = Objects::default();
    objects.plans[0].quota = None;
    objects.plans[0].qps = Some(Qps { ceiling: 1, burst: 100 });
    let mut gone = objects.clone();
    gone.keys.remove(&0);
    let mut gate = Gate::new();
    // Two seconds before the hour ends.
    gate.clock.advance(3_598_000);
    gate.publish(&objects.toml());
    assert_eq!(gate.admitted("secret-0", PATH, 200), 100);
    gate.publish(&gone.toml());
    gate.answer();
    gate.clock.advance(5_000);
    gate.reap();
    gate.publish(&objects.toml());
    assert_eq!(gate.admitted("secret-0", PATH, 200), 5);
}

#[test]
fn keys_that_come_and_go_leave_nothing_behind() {
    let mut gate = Gate::new();
    let mut objects = Objects::default();
    gate.publish(&objects.toml());
    let lines = gate.publisher.writer.lines_in_use();
    for cycle in 0..1_000 {
        // Another name, other terms, another application's key each time.
        let own = Own::Ceiling(Qps { ceiling: 1 + cycle, burst: 7 });
        let key = Key { secret: 9, qps: own, ..objects.keys[&0].clone() };
        objects.keys.insert(10 + cycle as usize, key);
        gate.publish(&objects.toml());
        assert!(gate.admits("secret-9", PATH));
        objects.keys.remove(&(10 + cycle as usize));
        gate.publish(&objects.toml());
        gate.answer();
        gate.clock.advance(3_600_000);
        gate.reap();
        assert_eq!(gate.publisher.writer.lines_in_use(), lines, "after {cycle} cycles");
    }
    // What stands beside the table is overwritten, not added to.
    objects.keys.insert(0, Key { secret: 9, ..objects.keys[&0].clone() });
    objects.keys.get_mut(&0).unwrap().qps = Own::Exempt;
    gate.publish(&objects.toml());
    let root = gate.root();
    let record = root.keys.find(&Scheme::Sha256.digest(b"secret-9")).unwrap();
    assert!(record.terms.0 < 8, "{:?}", record.terms);
}

#[test]
fn lines_of_a_key_that_is_gone_wait_for_its_window_to_end() {
    let mut gate = Gate::new();
    gate.publish(&Objects::default().toml());
    let lines = gate.publisher.writer.lines_in_use();
    gate.publish(&without_the_first().toml());
    gate.answer();
    gate.reap();
    assert_eq!(gate.publisher.writer.lines_in_use(), lines);
    gate.clock.advance(3_600_000);
    gate.reap();
    assert_eq!(gate.publisher.writer.lines_in_use(), lines - 1);
}

/// Whether open requests of a key go on when it has another digest, and nothing else has changed.
fn goes_on_under_another_digest(of_store: bool, whole: bool) -> bool {
    let mut gate = Gate::new();
    let mut objects = gate.read(&Objects::default().toml()).unwrap();
    let name: Name = objects.keys.keys().next().unwrap().clone();
    let key = objects.keys.get_mut(&name).unwrap();
    if of_store {
        key.owner = Owner::Store;
    }
    let unix = gate.now().unix();
    gate.publisher.publish(&objects, None, unix, Instant::now()).unwrap();
    gate.answer();
    objects.keys.get_mut(&name).unwrap().digest.bytes = [7; 32];
    if whole {
        gate.publisher.publish(&objects, None, unix, Instant::now()).unwrap();
    } else {
        let counted = [(name.clone(), vec![objects.keys[&name].clone()])];
        let revision = Revision { epoch: 1, number: 2 };
        gate.publisher
            .publish_keys(&objects, &counted, std::iter::empty(), revision, unix, Instant::now())
            .unwrap();
    }
    *gate.notices.recv().unwrap().dead() == Dead::None
}

#[test]
fn a_key_of_the_store_that_is_digested_anew_goes_on_and_one_of_the_file_is_another() {
    for whole in [true, false] {
        assert!(goes_on_under_another_digest(true, whole), "{whole}");
        assert!(!goes_on_under_another_digest(false, whole), "{whole}");
    }
}
