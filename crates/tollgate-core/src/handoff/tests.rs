use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;
use crate::fixture::{KEY, Limits, ROUTE, World, at};
use crate::{
    Batch, Call, CallKey, Change, Clock, Decider, Decision, Now, Owner, OwnerId, Permit, Record,
    Refusal, Revision, Scheme, Status, standing,
};

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Now {
        at(0)
    }
}

struct Post(Sender<Notice>);

impl Mailbox for Post {
    fn post(&self, notice: Notice) {
        self.0.send(notice).unwrap();
    }
}

fn world_with_worker() -> (World, Receiver<Notice>) {
    let mut world = World::new(Limits::default());
    let (sender, receiver) = channel();
    world.writer.add_worker(Box::new(Post(sender)));
    (world, receiver)
}

fn suspend(world: &World) -> Batch {
    let record = Record { status: Status::Suspended, ..world.record };
    Batch { keys: vec![Change::Put(record)], ..Batch::default() }
}

#[test]
fn a_revision_is_enforced_when_every_worker_has_answered() {
    let (mut world, first) = world_with_worker();
    let (sender, second) = channel();
    world.writer.add_worker(Box::new(Post(sender)));
    let enforced = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&enforced);
    let batch = suspend(&world);
    let revision = Revision { epoch: 1, number: 2 };
    world.writer.publish(batch, revision, 0, || unreachable!(), move || seen.store(true, SeqCst));
    let notice = first.recv().unwrap();
    assert_eq!(notice.dead(), &Dead::Meters(vec![world.record.meter]));
    drop(notice);
    assert!(!enforced.load(SeqCst), "the second worker has not answered");
    drop(second.recv().unwrap());
    assert!(enforced.load(SeqCst));
}

#[test]
fn notices_name_what_may_have_ended() {
    let (mut world, posted) = world_with_worker();
    let owner = |active| Some(Arc::new(Owner { application: "acme".into(), active }));
    for (batch, expected) in [
        (Batch { keys: vec![Change::Put(world.record)], ..Batch::default() }, Dead::None),
        (suspend(&world), Dead::Meters(vec![world.record.meter])),
        (
            Batch { keys: vec![Change::Remove(world.record.digest)], ..Batch::default() },
            Dead::Meters(vec![world.record.meter]),
        ),
        (Batch { owners: vec![(OwnerId(7), owner(true))], ..Batch::default() }, Dead::None),
        (Batch { owners: vec![(OwnerId(0), owner(false))], ..Batch::default() }, Dead::Any),
        (world.batch(Limits::default()), Dead::None),
    ] {
        world.publish(batch);
        assert_eq!(posted.recv().unwrap().dead(), &expected);
    }
}

#[test]
fn notices_name_the_keys_that_moved_to_what_is_inactive_already() {
    let (mut world, posted) = world_with_worker();
    let old = world.record.meter;
    let record = world.record;
    for next in [
        Record { owner: OwnerId(7), ..record },
        Record { terms: crate::TermsId(7), ..record },
        Record { not_before: 1, ..record },
        // Another key took the digest over.
        Record { meter: world.writer.allot(&[]).unwrap(), status: Status::Revoked, ..record },
        Record { meter: world.writer.allot(&[]).unwrap(), ..record },
    ] {
        world.publish(Batch { keys: vec![Change::Put(record)], ..Batch::default() });
        drop(posted.recv().unwrap());
        world.publish(Batch { keys: vec![Change::Put(next)], ..Batch::default() });
        assert_eq!(posted.recv().unwrap().dead(), &Dead::Meters(vec![old]), "{next:?}");
    }
}

/// The key under the digest of another value.
fn again(record: Record) -> Record {
    Record { digest: Scheme::Sha256.digest(b"again"), ..record }
}

/// Has the key stand under another digest, with what else has become of it.
fn moved(world: &World, next: Record) -> Batch {
    let keys = vec![Change::Put(next), Change::Remove(world.record.digest)];
    let moved = HashMap::from([(world.record.digest, next.digest)]);
    Batch { keys, moved, ..Batch::default() }
}

#[test]
fn a_key_that_moved_to_another_digest_goes_on() {
    let (mut world, posted) = world_with_worker();
    let next = again(world.record);
    let gone = |batch| Batch { moved: HashMap::new(), ..batch };
    for (batch, expected) in [
        (moved(&world, next), Dead::None),
        (gone(moved(&world, next)), Dead::Meters(vec![world.record.meter])),
        (
            moved(&world, Record { status: Status::Suspended, ..next }),
            Dead::Meters(vec![world.record.meter]),
        ),
    ] {
        world.publish(Batch {
            keys: vec![Change::Put(world.record), Change::Remove(next.digest)],
            ..Batch::default()
        });
        drop(posted.recv().unwrap());
        world.publish(batch);
        assert_eq!(posted.recv().unwrap().dead(), &expected);
    }
}

#[test]
fn an_open_request_is_judged_by_where_its_key_has_moved() {
    let (mut world, posted) = world_with_worker();
    let next = again(world.record);
    let mut permit = admitted(&world);
    let mut late = admitted(&world);
    let stands = |world: &World, permit: &mut Permit| {
        let root = world.reader.current().unwrap();
        permit.follow(&root);
        standing(&root, permit.digest(), permit.meter(), at(0))
    };
    world.publish(moved(&world, next));
    let unanswered = posted.recv().unwrap();
    assert_eq!(stands(&world, &mut permit), Ok(()));
    // What somebody else's change is looked through for, before and after the move is answered.
    let other = || Batch { owners: vec![(OwnerId(7), None)], ..Batch::default() };
    world.publish(other());
    assert_eq!(stands(&world, &mut late), Ok(()));
    drop(unanswered);
    world.publish(other());
    assert!(world.reader.current().unwrap().moves.is_empty(), "all have dealt with it");
    assert_eq!(stands(&world, &mut permit), Ok(()));
    let suspended = Record { status: Status::Suspended, ..next };
    world.publish(Batch { keys: vec![Change::Put(suspended)], ..Batch::default() });
    assert_eq!(stands(&world, &mut permit), Err(Refusal::KeySuspended));
    assert_eq!(stands(&world, &mut late), Err(Refusal::KeySuspended));
}

#[test]
fn a_key_that_moved_and_back_is_where_it_was() {
    let (mut world, _posted) = world_with_worker();
    let next = again(world.record);
    let mut permit = admitted(&world);
    world.publish(moved(&world, next));
    let mut between = admitted_by(&world, b"again");
    let keys = vec![Change::Put(world.record), Change::Remove(next.digest)];
    let back = HashMap::from([(next.digest, world.record.digest)]);
    world.publish(Batch { keys, moved: back, ..Batch::default() });
    let root = world.reader.current().unwrap();
    for permit in [&mut permit, &mut between] {
        permit.follow(&root);
        assert_eq!(*permit.digest(), world.record.digest);
    }
}

fn admitted(world: &World) -> Permit {
    admitted_by(world, KEY)
}

fn admitted_by(world: &World, key: &[u8]) -> Permit {
    let decider = Decider::new(world.reader.clone(), Arc::new(Stopped));
    let root = world.reader.current().unwrap();
    let call = Call::new(CallKey::Presented(key), &ROUTE, Some(Ipv4Addr::LOCALHOST.into()));
    match decider.decide(&root, &call, at(0)) {
        Decision::Admit(permit, _) => permit,
        Decision::Refuse(refused, _) => panic!("{refused:?}"),
    }
}

#[test]
fn lines_serve_again_only_when_no_root_knows_them_and_their_window_has_ended() {
    let mut world = World::new(Limits::default());
    let held = world.reader.current();
    world.publish(Batch { keys: vec![Change::Remove(world.record.digest)], ..Batch::default() });
    let lines = world.writer.lines_in_use();
    world.writer.retire(world.record.meter, 100);
    assert!(world.writer.reap(99).is_empty(), "its window has not ended");
    assert!(world.writer.reap(100).is_empty(), "an older root still knows it");
    drop(held);
    assert_eq!(world.writer.reap(100), [world.record.meter]);
    assert_eq!(world.writer.lines_in_use(), lines - 2);
    assert!(!world.writer.revive(world.record.meter), "gone");
}

#[test]
fn a_meter_that_is_wanted_again_in_time_keeps_its_counters() {
    let mut world = World::new(Limits::default());
    world.writer.retire(world.record.meter, 100);
    assert!(world.writer.revive(world.record.meter));
    assert!(world.writer.reap(200).is_empty());
}
